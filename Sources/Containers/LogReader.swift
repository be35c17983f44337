// SPDX-License-Identifier: Apache-2.0

package import APITypes
internal import Glibc
internal import JSON
package import Linux
internal import OCI
internal import ShimProtocol
internal import Synchronization
package import SystemPackage

/// Reads a container's log: JSON lines that the shim appends, each one `LogRecord`, over all of its files. A record is whole or is not there yet.
package final class LogReader: Sendable {
    private struct Position {
        /// What is still to be read, oldest first; the first one is at hand.
        var chain: [OpenLog]
        var offset: Int64 = 0
        /// Nothing more will be written to the one at hand.
        var isFinal = false
        /// Bytes after the last line feed.
        var rest: [UInt8] = []
        /// The number of the last file that was read to its end.
        var lastNumber: Int?
        /// How many of the selected ones are still to be left out.
        var surplus = 0
    }

    private let directory: FilePath
    private let selection: LogSelection
    private let position: Mutex<Position>

    private static let chunkSize = 1 << 16
    /// A record of 16 KiB of text, escaped, is smaller; what is longer is not ours.
    private static let longestRecord = 1 << 18

    /// - Parameter directory: where `container.log` is; nothing may be there yet.
    /// - Throws: `KernelError`; ENOENT where there is no such directory.
    package init(directory: FilePath, _ selection: LogSelection = LogSelection()) throws(KernelError) {
        self.directory = directory
        self.selection = selection
        let all = try LogFileChain.open(directory)
        var position = Position(chain: all)
        if let since = selection.since { position.chain = Self.drop(all, before: since) }
        // With an end the last ones can't be counted from the file's: they are counted from its beginning.
        if let tail = selection.tail, selection.until == nil { try Self.skip(&position, toLast: tail) }
        position.lastNumber = all.last { file in !position.chain.contains { $0.inode == file.inode } }?.number ?? 0
        self.position = Mutex(position)
        if let tail = selection.tail, selection.until != nil { try skipSelected(toLast: tail) }
    }

    /// The records that have come since the last call, at most some hundred; empty where there are none.
    package func next() throws(KernelError) -> [LogRecord] {
        let result: Result<[LogRecord], KernelError> = position.withLock { position in
            do throws(KernelError) {
                while let records = try advance(&position) {
                    let selected = records.filter { selection.includes($0.time) }
                    let wanted = selected.dropFirst(position.surplus)
                    position.surplus -= selected.count - wanted.count
                    if !wanted.isEmpty { return .success(Array(wanted)) }
                }
                return .success([])
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// - Returns: some records; nil where there are none for now.
    private func advance(_ position: inout Position) throws(KernelError) -> [LogRecord]? {
        while true {
            guard let file = position.chain.first else {
                position.chain = try LogFileChain.open(directory)
                if position.chain.isEmpty { return nil }
                continue
            }
            let chunk = try file.read(at: position.offset, count: Self.chunkSize)
            if chunk.isEmpty {
                if position.isFinal || position.chain.count > 1 {
                    if let notice = Self.finish(&position) { return [notice] }
                } else if try !followRotation(&position, file) {
                    return nil
                }
                continue
            }
            position.offset += Int64(chunk.count)
            position.rest.append(contentsOf: chunk)
            let records = Self.takeRecords(from: &position.rest)
            if position.rest.count > Self.longestRecord { position.rest = [] }
            // A chunk without a line feed is the middle of a long record: the next one brings its end.
            if !records.isEmpty { return records }
        }
    }

    /// Goes on with the next file.
    /// - Returns: a record in place of files that were removed before they could be read.
    private static func finish(_ position: inout Position) -> LogRecord? {
        let done = position.chain.removeFirst()
        position.offset = 0
        position.isFinal = false
        position.rest = []
        let last = done.number ?? position.lastNumber.map { $0 + 1 }
        position.lastNumber = last
        guard let last, let next = position.chain.first?.number, next > last + 1 else { return nil }
        let text = "[ctr-swift: \(next - last - 1) files of the log were removed before they were read]"
        return LogRecord(time: rfc3339(done.modified), stream: .stderr, text: text)
    }

    /// At the end of the newest file: looks whether it was put aside, and then what came after it.
    /// - Returns: false where it is the newest still.
    private func followRotation(_ position: inout Position, _ file: OpenLog) throws(KernelError) -> Bool {
        // Most often nothing has changed, and one look tells it.
        if try LogFileChain.newest(directory) == file.inode { return false }
        let chain: [OpenLog]
        do throws(KernelError) { chain = try LogFileChain.open(directory) } catch  where error.errno == .noSuchFileOrDirectory {
            // The container is removed: what is open is all there is.
            return false
        }
        guard let newest = chain.last, newest.inode != file.inode else { return false }
        // What was written between the look at its end and its being put aside comes first.
        position.isFinal = true
        if let own = chain.firstIndex(where: { $0.inode == file.inode }) {
            position.chain = Array(chain[own...])
        } else {
            position.chain = [file] + chain
        }
        return true
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

    // MARK: Where to begin

    /// Full files that were last written before it have nothing that is wanted.
    private static func drop(_ chain: [OpenLog], before since: String) -> [OpenLog] {
        guard let last = chain.last else { return [] }
        return chain.dropLast().filter { rfc3339($0.modified) >= since } + [last]
    }

    /// Walks back from the end, block by block, counting line feeds.
    private static func skip(_ position: inout Position, toLast count: Int) throws(KernelError) {
        var feeds = 0
        for (index, file) in position.chain.enumerated().reversed() {
            var end = try file.size
            if count == 0 {
                position.chain = [file]
                position.offset = end
                return
            }
            while end > 0 {
                let start = max(0, end - Int64(chunkSize))
                let block = try file.read(at: start, count: Int(end - start))
                for place in block.indices.reversed() where block[place] == UInt8(ascii: "\n") {
                    feeds += 1
                    guard feeds > count else { continue }
                    position.chain.removeFirst(index)
                    position.offset = start + Int64(place) + 1
                    return
                }
                end = start
            }
        }
    }

    /// Reads what is there once to count, and goes to the place from which so many are left.
    private func skipSelected(toLast count: Int) throws(KernelError) {
        let chain = position.withLock { $0.chain }
        let counting = LogReader(directory: directory, LogSelection(since: selection.since, until: selection.until), chain: chain)
        var total = 0
        while case let records = try counting.next(), !records.isEmpty { total += records.count }
        position.withLock { $0.surplus = max(0, total - count) }
    }

    private static func rfc3339(_ time: FileTime) -> String { Timestamp.rfc3339(seconds: time.seconds, nanoseconds: time.nanoseconds) }

    private init(directory: FilePath, _ selection: LogSelection, chain: [OpenLog]) {
        self.directory = directory
        self.selection = selection
        position = Mutex(Position(chain: chain))
    }
}
