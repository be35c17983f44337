// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux
internal import ShimProtocol
internal import SystemPackage

/// One file of a log, open: it stays readable when it is put aside or removed.
final class OpenLog: Sendable {
    let file: OwnedFD
    let inode: UInt64
    /// When it was last written to.
    let modified: FileTime
    /// nil for the one that is being written, or was when it was opened.
    let number: Int?

    fileprivate init(_ file: consuming OwnedFD, number: Int?) throws(KernelError) {
        let status = try file.status()
        self.file = file
        inode = status.inode
        modified = status.modified
        self.number = number
    }

    func read(at offset: Int64, count: Int) throws(KernelError) -> [UInt8] {
        let raw = file.raw
        // A log that grows slowly is asked often, and has nothing most often: then there is no buffer to make.
        guard try size > offset else { return [] }
        var bytes = [UInt8](repeating: 0, count: count)
        var span = bytes.mutableSpan
        let length = try span.withUnsafeMutableBytes { buffer throws(KernelError) in
            try kernel("pread(2)", LogFiles.current) { pread(raw, buffer.baseAddress, buffer.count, off_t(offset)) }
        }
        return Array(bytes[..<length])
    }

    var size: Int64 {
        get throws(KernelError) { try file.status().size }
    }
}

/// The files of a log at one moment.
enum LogFileChain {
    /// Every file, oldest first; none where nothing was written yet.
    ///
    /// The newest is opened first: one that is put aside meanwhile is met again under its number, and none is passed over.
    static func open(_ directory: FilePath) throws(KernelError) -> [OpenLog] {
        var chain: [OpenLog] = []
        if let current = try open(directory, LogFiles.current, number: nil) { chain.append(current) }
        for number in try LogFiles.numbers(in: directory).reversed() {
            guard let older = try open(directory, LogFiles.name(number), number: number) else { continue }
            if let index = chain.firstIndex(where: { $0.inode == older.inode }) { chain[index] = older } else { chain.append(older) }
        }
        return chain.reversed()
    }

    /// The inode of the file that is being written; nil where none is.
    static func newest(_ directory: FilePath) throws(KernelError) -> UInt64? {
        var status = stat()
        do throws(KernelError) {
            try withCPath(directory.appending(LogFiles.current)) { path throws(KernelError) in
                _ = try kernel("lstat(2)", LogFiles.current) { lstat(path, &status) }
            }
        } catch  where error.errno == .noSuchFileOrDirectory {
            return nil
        }
        return UInt64(status.st_ino)
    }

    /// - Returns: nil where the name has gone meanwhile.
    private static func open(_ directory: FilePath, _ name: String, number: Int?) throws(KernelError) -> OpenLog? {
        do throws(KernelError) {
            return try OpenLog(try openFile(directory.appending(name), O_RDONLY | O_NOFOLLOW), number: number)
        } catch  where error.errno == .noSuchFileOrDirectory {
            return nil
        }
    }
}
