// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux
internal import OCI
internal import ShimProtocol
internal import SystemPackage

/// Writes a container's output as JSON lines, one `LogRecord` (APITypes) each: the one place where output is kept.
///
/// A record is whole or not there: one write(2) for all that came at once, taken back where only a part of it fitted on the disk.
/// A log that can't be written never stops the container: what is lost is counted, and told when writing works again.
struct LogWriter: ~Copyable {
    /// A line that is longer becomes several records, all but the last marked `partial`.
    static let longestText = 16 << 10

    private let path: FilePath
    private let file: OwnedFD
    private var lines: [ShimStream: LogLines] = [:]
    private var lostBytes = 0

    /// Opens the log, or goes on with it: the container is started again.
    static func open(in directory: FilePath) throws(KernelError) -> LogWriter {
        try makeDirectory(directory, mode: 0o700)
        let path = directory.appending("container.log")
        let file = try openFile(path, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW, mode: 0o600)
        let raw = file.raw
        let size = try kernel("lseek(2)", path.string) { lseek(raw, 0, SEEK_END) }
        var last = UInt8(ascii: "\n")
        if size > 0 { try kernel("pread(2)", path.string) { pread(raw, &last, 1, size - 1) } }
        var log = LogWriter(path: path, file: file)
        // The machine stopped in the middle of a record: what follows is not to be lost with it.
        if last != UInt8(ascii: "\n") { log.store([UInt8(ascii: "\n")]) }
        return log
    }

    private init(path: FilePath, file: consuming OwnedFD) {
        self.path = path
        self.file = file
    }

    /// Takes output as it came; the bytes after the last line feed wait for more.
    mutating func write(_ bytes: ArraySlice<UInt8>, from stream: ShimStream) {
        var records = LogRecords(stream: stream)
        lines[stream, default: LogLines()].take(bytes, into: &records)
        store(records.bytes)
    }

    /// A stream has ended: what has no line feed is a (partial) record, too.
    mutating func end(_ stream: ShimStream) {
        var records = LogRecords(stream: stream)
        lines[stream]?.finish(into: &records)
        lines[stream] = nil
        store(records.bytes)
    }

    private mutating func store(_ records: [UInt8]) {
        guard !records.isEmpty else { return }
        var bytes = records
        if lostBytes > 0 {
            var notice = LogRecords(stream: .stderr)
            notice.append(Array("[ctr-swift: \(lostBytes) bytes of log records could not be written]".utf8)[...], isPartial: false)
            bytes = notice.bytes + records
        }
        var done = 0
        do throws(KernelError) {
            while done < bytes.count {
                let rest = bytes[done...]
                done += try rest.span.withUnsafeBytes { rest throws(KernelError) in try writeSome(file.raw, rest, object: path.string) }
            }
            lostBytes = 0
        } catch {
            if lostBytes == 0 { Complaint.write("the log can't be written: \(error)") }
            lostBytes += records.count
            if done > 0 { takeBack(done) }
        }
    }

    /// Half a record at the end would swallow the next one.
    private func takeBack(_ count: Int) {
        let raw = file.raw
        do throws(KernelError) {
            let end = try kernel("lseek(2)", path.string) { lseek(raw, 0, SEEK_END) }
            try kernel("ftruncate(2)", path.string) { ftruncate(raw, max(0, end - count)) }
        } catch {
            Complaint.write("the log may hold a broken line: \(error)")
        }
    }
}
