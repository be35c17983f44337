// SPDX-License-Identifier: Apache-2.0

package import Glibc
package import SystemPackage

// Opening, reading and writing whole small files by host paths that this project chose itself.
// Names that come from images or clients never come here: they are resolved beneath a root (see Beneath.swift).

/// Opens a host path. `O_CLOEXEC` is always added. Source: open(2).
package func openFile(_ path: FilePath, _ flags: CInt, mode: mode_t = 0) throws(KernelError) -> OwnedFD {
    OwnedFD(
        owning: try withCPath(path) { raw throws(KernelError) in
            try kernel("open(2)", path.string) { open(raw, flags | O_CLOEXEC, mode) }
        })
}

/// Reads a file of at most `limit` bytes whole. Works for /proc and /sys files, whose size reads 0.
/// - Throws: `KernelError`; a longer file is `.fileTooLarge` (EFBIG).
package func readFile(_ path: FilePath, limit: Int = 1 << 20) throws(KernelError) -> [UInt8] {
    let file = try openFile(path, O_RDONLY)
    return try readAll(file, object: path.string, limit: limit)
}

/// Reads from the descriptor's position to its end.
/// - Throws: `KernelError`; more than `limit` bytes is `.fileTooLarge` (EFBIG).
package func readAll(_ file: borrowing OwnedFD, object: String, limit: Int) throws(KernelError) -> [UInt8] {
    let raw = file.raw
    var bytes: [UInt8] = []
    while true {
        // Not zeros first: most of what is read is a line or two of /proc, and a start reads a dozen of them.
        let chunk = try [UInt8](unsafeUninitializedCapacity: min(limit + 1, 1 << 16)) { (buffer, count) throws(KernelError) in
            count = try kernel("read(2)", object) { read(raw, buffer.baseAddress, buffer.count) }
        }
        if chunk.isEmpty { return bytes }
        if bytes.count + chunk.count > limit { throw KernelError(call: "read(2)", object: object, errno: .fileTooLarge) }
        bytes.append(contentsOf: chunk)
    }
}

/// Writes every byte, however many calls it takes.
package func writeAll(_ file: borrowing OwnedFD, _ bytes: UnsafeRawBufferPointer, object: @autoclosure () -> String) throws(KernelError) {
    let raw = file.raw
    var rest = bytes
    while !rest.isEmpty {
        let written = try kernel("write(2)", object()) { write(raw, rest.baseAddress, rest.count) }
        rest = UnsafeRawBufferPointer(rebasing: rest[written...])
    }
}

/// Writes a small file (a cgroup file, /proc/self/…) in one write(2), as the kernel wants it. The file must exist.
package func writeFile(_ path: FilePath, _ text: String) throws(KernelError) {
    let file = try openFile(path, O_WRONLY)
    let raw = file.raw
    try text.utf8Span.span.withUnsafeBytes { bytes throws(KernelError) in
        _ = try kernel("write(2)", "\(path.string) <- \(text)") { write(raw, bytes.baseAddress, bytes.count) }
    }
}

/// Replaces a file whole: a reader sees the old bytes or the new ones, never a part.
/// - Parameter durable: also syncs the file before the rename and its directory after it (power loss).
package func replaceFile(_ path: FilePath, with bytes: [UInt8], mode: mode_t = 0o600, durable: Bool = false) throws(KernelError) {
    let aside = FilePath(path.string + ".new")
    do throws(KernelError) {
        let file = try openFile(aside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: mode)
        try bytes.span.withUnsafeBytes { buffer throws(KernelError) in try writeAll(file, buffer, object: aside.string) }
        if durable { try syncFile(file, object: aside.string) }
        try file.close(of: aside.string)
        try renameFile(aside, to: path)
    } catch {
        try? unlinkFile(aside)
        throw error
    }
    if durable { try syncDirectory(path.removingLastComponent()) }
}

/// Data and metadata of one file on stable storage. Source: fsync(2).
package func syncFile(_ file: borrowing OwnedFD, object: @autoclosure () -> String) throws(KernelError) {
    let raw = file.raw
    try kernel("fsync(2)", object()) { fsync(raw) }
}

/// Makes renames and creations in a directory durable.
package func syncDirectory(_ path: FilePath) throws(KernelError) {
    let directory = try openFile(path, O_RDONLY | O_DIRECTORY)
    try syncFile(directory, object: path.string)
}

/// Renames a host path, replacing what is there. Source: rename(2).
package func renameFile(_ old: FilePath, to new: FilePath) throws(KernelError) {
    try withCPath(old) { oldRaw throws(KernelError) in
        try withCPath(new) { newRaw throws(KernelError) in
            _ = try kernel("rename(2)", "\(old.string) -> \(new.string)") { rename(oldRaw, newRaw) }
        }
    }
}

/// Removes a file's name; one that is not there is no error. Source: unlink(2).
package func unlinkFile(_ path: FilePath) throws(KernelError) {
    do throws(KernelError) {
        _ = try withCPath(path) { raw throws(KernelError) in try kernel("unlink(2)", path.string) { unlink(raw) } }
    } catch  where error.errno == .noSuchFileOrDirectory {}
}

/// Makes a directory with exactly these mode bits (given a umask of 0, which the daemon and the shim set first of all).
/// - Returns: false where it was there already.
@discardableResult
package func makeDirectory(_ path: FilePath, mode: mode_t) throws(KernelError) -> Bool {
    do throws(KernelError) {
        _ = try withCPath(path) { raw throws(KernelError) in try kernel("mkdir(2)", path.string) { mkdir(raw, mode) } }
        return true
    } catch  where error.errno == .fileExists {
        return false
    }
}

/// A path's bytes for the length of a call, with typed throws (`FilePath.withPlatformString` erases them).
package func withCPath<Result: ~Copyable, Failure: Error>(
    _ path: FilePath, _ body: (UnsafePointer<CChar>) throws(Failure) -> Result
) throws(Failure) -> Result {
    let bytes = path.withPlatformString { Array(UnsafeBufferPointer(start: $0, count: path.length + 1)) }
    return try bytes.span.withUnsafeBufferPointer { buffer throws(Failure) in
        guard let base = buffer.baseAddress else { preconditionFailure("a C string holds at least its NUL") }
        return try body(base)
    }
}

/// Takes a daemon's lock, which the kernel frees with its process. Source: flock(2).
/// - Throws: `KernelError` `.wouldBlock` where another process has it, and keeps it for 0.2 seconds.
package func lockFile(_ file: borrowing OwnedFD, _ object: String) throws(KernelError) {
    let raw = file.raw
    for _ in 0..<20 {
        do throws(KernelError) {
            try kernel("flock(2)", object) { flock(raw, LOCK_EX | LOCK_NB) }
            return
        } catch  where error.errno == .wouldBlock {
            // A child of the last holder that has not come to its exec yet has it a moment longer.
            usleep(10_000)
        }
    }
    throw KernelError(call: "flock(2)", object: object, errno: .wouldBlock)
}
