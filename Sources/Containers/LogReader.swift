// SPDX-License-Identifier: Apache-2.0

package import APITypes
internal import Glibc
internal import JSON
package import Linux
internal import Synchronization
package import SystemPackage

/// Reads a container log: JSON lines that the shim appends, each one `LogRecord`. A record is whole or is not there yet.
package final class LogReader: Sendable {
    private struct Position {
        var offset: Int64
        /// Bytes after the last line feed.
        var rest: [UInt8] = []
    }

    private let file: OwnedFD
    private let path: FilePath
    private let position: Mutex<Position>

    private static let chunkSize = 1 << 16
    /// A record of 16 KiB of text, escaped, is smaller; what is longer is not ours.
    private static let longestRecord = 1 << 18

    /// - Parameter tail: only this many records from the end; nil for all.
    /// - Throws: `KernelError`; ENOENT for a container that has written nothing yet.
    package init(path: FilePath, tail: Int?) throws(KernelError) {
        self.path = path
        file = try openFile(path, O_RDONLY | O_NOFOLLOW)
        var offset: Int64 = 0
        if let tail { offset = try Self.offset(ofLast: tail, in: file, path: path) }
        position = Mutex(Position(offset: offset))
    }

    /// The records that have come since the last call, at most some hundred; empty where there are none.
    package func next() throws(KernelError) -> [LogRecord] {
        let result: Result<[LogRecord], KernelError> = position.withLock { position in
            do throws(KernelError) { return .success(try advance(&position)) } catch { return .failure(error) }
        }
        return try result.get()
    }

    private func advance(_ position: inout Position) throws(KernelError) -> [LogRecord] {
        while true {
            let chunk = try Self.read(file, at: position.offset, count: Self.chunkSize, path: path)
            if chunk.isEmpty { return [] }
            position.offset += Int64(chunk.count)
            position.rest.append(contentsOf: chunk)
            let records = Self.takeRecords(from: &position.rest)
            if position.rest.count > Self.longestRecord { position.rest = [] }
            // A chunk without a line feed is the middle of a long record: the next one brings its end.
            if !records.isEmpty { return records }
        }
    }

    private static func takeRecords(from bytes: inout [UInt8]) -> [LogRecord] {
        var records: [LogRecord] = []
        var start = 0
        while let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
            // A line that does not parse was torn by a crash of the machine; the ones around it are still good.
            if let record = try? JSON.decode(LogRecord.self, from: Array(bytes[start..<end])) { records.append(record) }
            start = end + 1
        }
        bytes.removeSubrange(..<start)
        return records
    }

    /// Walks back from the end, block by block, counting line feeds.
    private static func offset(ofLast count: Int, in file: borrowing OwnedFD, path: FilePath) throws(KernelError) -> Int64 {
        let raw = file.raw
        var position = Int64(try kernel("lseek(2)", path.string) { lseek(raw, 0, SEEK_END) })
        guard count > 0 else { return position }
        var feeds = 0
        while position > 0 {
            let start = max(0, position - Int64(chunkSize))
            let block = try read(file, at: start, count: Int(position - start), path: path)
            for index in block.indices.reversed() where block[index] == UInt8(ascii: "\n") {
                feeds += 1
                if feeds > count { return start + Int64(index) + 1 }
            }
            position = start
        }
        return 0
    }

    private static func read(_ file: borrowing OwnedFD, at offset: Int64, count: Int, path: FilePath) throws(KernelError) -> [UInt8] {
        let raw = file.raw
        var bytes = [UInt8](repeating: 0, count: count)
        var span = bytes.mutableSpan
        let length = try span.withUnsafeMutableBytes { buffer throws(KernelError) in
            try kernel("pread(2)", path.string) { pread(raw, buffer.baseAddress, buffer.count, off_t(offset)) }
        }
        return Array(bytes[..<length])
    }
}
