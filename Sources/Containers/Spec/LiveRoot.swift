// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux
internal import SystemPackage

/// A running container's root, seen from outside. What is in it is the container's, which may change it while it is looked at: every path
/// is resolved beneath it by the kernel, and nothing but regular files is opened.
struct LiveRoot: ~Copyable {
    private let root: OwnedFD
    private let process: String

    /// - Parameter startTicks: with `pid`, the container's first process.
    /// - Returns: nil where that has ended.
    static func open(pid: Int32, startTicks: UInt64) throws(KernelError) -> LiveRoot? {
        do throws(KernelError) {
            let root = try openFile(FilePath("/proc/\(pid)/root"), CTR_O_PATH | O_DIRECTORY)
            // First the descriptor, then the look: it is this process's root.
            guard try ProcessStat(of: pid).startTicks == startTicks else { return nil }
            return LiveRoot(root: root, process: "/proc/\(pid)")
        } catch  where error.errno == .noSuchFileOrDirectory || error.errno == .noSuchProcess {
            return nil
        }
    }

    private init(root: consuming OwnedFD, process: String) {
        self.root = root
        self.process = process
    }

    /// A small file, whole.
    /// - Returns: nothing where there is none, where it is no regular file, and where it is on a filesystem whose answers somebody else
    ///   gives, maybe never (FUSE, NFS): nobody is made to wait for it.
    func read(_ path: FilePath, limit: Int) throws(KernelError) -> [UInt8] {
        let object: OwnedFD
        do throws(KernelError) {
            do throws(KernelError) { object = try open(path, UInt64(CTR_RESOLVE_NO_XDEV)) } catch  where error.errno == .improperLink {
                guard try isLocal(path) else { return [] }
                object = try open(path, 0)
            }
        } catch  where [.noSuchFileOrDirectory, .notDirectory, .tooManySymbolicLinkLevels].contains(error.errno) {
            return []
        }
        let raw = object.raw
        var status = stat()
        try kernel("fstat(2)", path.string) { fstat(raw, &status) }
        guard status.st_mode & S_IFMT == S_IFREG else { return [] }
        return try readAll(try openFile(FilePath("/proc/self/fd/\(raw)"), O_RDONLY | O_NONBLOCK), object: path.string, limit: limit)
    }

    private func open(_ path: FilePath, _ further: UInt64) throws(KernelError) -> OwnedFD {
        let raw = root.raw
        let resolve = UInt64(CTR_RESOLVE_IN_ROOT) | UInt64(CTR_RESOLVE_NO_MAGICLINKS) | further
        for _ in 0..<64 {
            do throws(KernelError) {
                return OwnedFD(
                    owning: try withCPath(path) { name throws(KernelError) in
                        try kernel("openat2(2)", path.string) { ctr_openat2(raw, name, UInt64(CTR_O_PATH | O_CLOEXEC), 0, resolve) }
                    })
            } catch  where error.errno == .resourceTemporarilyUnavailable {
                // A rename or mount anywhere on the machine raced with a "..": the kernel wants to be asked again.
            }
        }
        throw KernelError(call: "openat2(2)", object: path.string, errno: .resourceTemporarilyUnavailable)
    }

    /// Whether what is mounted on the way is the kernel's own matter.
    private func isLocal(_ path: FilePath) throws(KernelError) -> Bool {
        let whole = FilePath("/").pushing(path)
        let mounts = try MountInfo.all(FilePath(process + "/mountinfo"))
        let local: Set = ["ext2", "ext3", "ext4", "xfs", "btrfs", "tmpfs", "overlay", "erofs", "squashfs", "ramfs", "f2fs"]
        return mounts.allSatisfy { mount in
            let point = FilePath(mount.mountPoint)
            return point == "/" || !whole.starts(with: point) || local.contains(mount.type)
        }
    }
}
