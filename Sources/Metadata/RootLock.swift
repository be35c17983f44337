// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux
internal import SystemPackage

/// One process a root: a flock(2) on `<root>/lock`, freed by the kernel with the process, however it ends.
///
/// The file's text is the holder's pid, for the one who is refused.
struct RootLock: ~Copyable, Sendable {
    private let file: OwnedFD

    init(_ path: FilePath) throws(MetadataError) {
        let file: OwnedFD
        do throws(KernelError) { file = try Self.open(path) } catch {
            throw error.errno == .wouldBlock ? .rootInUse(lock: path, by: Self.holder(path)) : .kernel(error)
        }
        do throws(KernelError) { try Self.write(getpid(), to: file, path) } catch {
            // On a full disk the old text stays: it only informs.
            if !error.isOutOfSpace { throw .kernel(error) }
        }
        self.file = file
    }

    private static func open(_ path: FilePath) throws(KernelError) -> OwnedFD {
        let file = try openFile(path, O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600)
        try lockFile(file, path.string)
        return file
    }

    private static func write(_ pid: Int32, to file: borrowing OwnedFD, _ path: FilePath) throws(KernelError) {
        let raw = file.raw
        try kernel("ftruncate(2)", path.string) { ftruncate(raw, 0) }
        try Array("\(pid)\n".utf8).span.withUnsafeBytes { bytes throws(KernelError) in
            try writeAll(file, bytes, object: path.string)
        }
    }

    private static func holder(_ path: FilePath) -> Int32? {
        guard let text = try? readFile(path, limit: 32) else { return nil }
        return Int32(String(decoding: text.prefix { $0 != 0x0A }, as: UTF8.self))
    }
}
