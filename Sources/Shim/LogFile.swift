// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux
internal import ShimProtocol
internal import SystemPackage

/// The files of a log, kept within their limits: whole records go in, and a file that has no room for the next one is put aside first.
///
/// No file is ever larger than the limit, and there are never more of them, not for a moment: the oldest goes before the next is made.
struct LogFile: ~Copyable {
    private let directory: FilePath
    private let limits: LogLimits
    private var file: OwnedFD
    private var size: Int64
    /// The last number that was given.
    private var number: Int

    private var path: FilePath { directory.appending(LogFiles.current) }

    /// Opens the log, or goes on with it: the container is started again.
    static func open(in directory: FilePath, _ limits: LogLimits) throws(KernelError) -> LogFile {
        try makeDirectory(directory, mode: 0o700)
        let numbers = try LogFiles.numbers(in: directory)
        for number in numbers.dropLast(max(0, limits.maxFiles - 1)) { try unlinkFile(directory.appending(LogFiles.name(number))) }
        let path = directory.appending(LogFiles.current)
        let file = try openFile(path, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW, mode: 0o600)
        let size = try end(of: file, path)
        var last = UInt8(ascii: "\n")
        let raw = file.raw
        if size > 0 { try kernel("pread(2)", path.string) { pread(raw, &last, 1, off_t(size - 1)) } }
        var log = LogFile(directory: directory, limits: limits, file: file, size: size, number: numbers.last ?? 0)
        // The machine stopped in the middle of a record: what follows is not to be lost with it.
        if last != UInt8(ascii: "\n") { try log.closeTornRecord() }
        return log
    }

    private init(directory: FilePath, limits: LogLimits, file: consuming OwnedFD, size: Int64, number: Int) {
        self.directory = directory
        self.limits = limits
        self.file = file
        self.size = size
        self.number = number
    }

    private mutating func closeTornRecord() throws(KernelError) {
        if size >= limits.maxSizeInBytes { try rotate() } else { try append([UInt8(ascii: "\n")]) }
    }

    /// Writes whole records. What could not be written is not there in part either.
    /// - Parameter records: lines.
    /// - Returns: how many bytes of it are written: all of them, unless it failed.
    mutating func write(_ records: ArraySlice<UInt8>) -> (written: Int, error: KernelError?) {
        var rest = records
        do throws(KernelError) {
            while !rest.isEmpty {
                var part = Self.wholeRecords(of: rest, in: limits.maxSizeInBytes - size)
                if part.isEmpty {
                    // Of an empty file it can't be: there is room for a record in each.
                    if size > 0 { try rotate() }
                    part = Self.wholeRecords(of: rest, in: limits.maxSizeInBytes - size)
                    if part.isEmpty { part = rest.prefix { $0 != UInt8(ascii: "\n") } + [UInt8(ascii: "\n")] }
                }
                try append(part)
                rest = rest.dropFirst(part.count)
            }
            return (records.count, nil)
        } catch {
            return (records.count - rest.count, error)
        }
    }

    /// The longest beginning that ends with a record's end.
    private static func wholeRecords(of records: ArraySlice<UInt8>, in room: Int64) -> ArraySlice<UInt8> {
        if records.count <= room { return records }
        guard room > 0, let end = records.prefix(Int(clamping: room)).lastIndex(of: UInt8(ascii: "\n")) else { return [] }
        return records[...end]
    }

    private mutating func append(_ bytes: ArraySlice<UInt8>) throws(KernelError) {
        var done = 0
        let raw = file.raw
        let name = path.string
        do throws(KernelError) {
            while done < bytes.count {
                let rest = bytes.dropFirst(done)
                done += try rest.span.withUnsafeBytes { rest throws(KernelError) in try writeSome(raw, rest, object: name) }
            }
            size += Int64(done)
        } catch {
            takeBack(done)
            throw error
        }
    }

    /// Half a record at the end would swallow the next one.
    private mutating func takeBack(_ count: Int) {
        let raw = file.raw
        do throws(KernelError) {
            // Asked, since somebody may have emptied the file.
            size = try Self.end(of: file, path)
            guard count > 0 else { return }
            let kept = max(0, size - Int64(count))
            try kernel("ftruncate(2)", path.string) { ftruncate(raw, off_t(kept)) }
            size = kept
        } catch {
            Complaint.write("the log may hold a broken line: \(error)")
        }
    }

    /// A crash or a failure in its middle leaves a log without `container.log`, which the next try, or the next start, makes.
    private mutating func rotate() throws(KernelError) {
        let numbers = try LogFiles.numbers(in: directory)
        for number in numbers.dropLast(max(0, limits.maxFiles - 2)) { try unlinkFile(directory.appending(LogFiles.name(number))) }
        if limits.maxFiles > 1 {
            let next = max(number, numbers.last ?? 0) + 1
            do throws(KernelError) {
                try renameFile(path, to: directory.appending(LogFiles.name(next)))
                number = next
            } catch  where error.errno == .noSuchFileOrDirectory {}
        } else {
            try unlinkFile(path)
        }
        file = try openFile(path, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW, mode: 0o600)
        size = try Self.end(of: file, path)
    }

    private static func end(of file: borrowing OwnedFD, _ path: FilePath) throws(KernelError) -> Int64 {
        let raw = file.raw
        return Int64(try kernel("lseek(2)", path.string) { lseek(raw, 0, SEEK_END) })
    }
}
