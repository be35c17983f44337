// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux
internal import SystemPackage

/// A terminal of the container's own devpts, made by the parent before the clone: no descriptor has to travel back, and inside
/// the container the terminal's name is the right one (/dev/pts/0).
struct TerminalPair: ~Copyable {
    /// The devpts instance. For a first process not attached yet: the child mounts it at /dev/pts.
    let filesystem: OwnedFD
    var main: OwnedFD?
    /// The container's end.
    let peer: OwnedFD

    private init(filesystem: consuming OwnedFD, main: consuming OwnedFD, peer: consuming OwnedFD) {
        self.filesystem = filesystem
        self.main = consume main
        self.peer = peer
    }

    /// For the child: its copies stay open until it closes all descriptors at once.
    consuming func intoNumbers() -> TerminalNumbers {
        _ = main.take()?.release()
        return TerminalNumbers(filesystem: filesystem.release(), peer: peer.release())
    }

    static func make(options: [MountPlan.Option], label: String?, rows: UInt16, columns: UInt16) throws(KernelError) -> TerminalPair {
        let context = try FilesystemContext("devpts")
        for option in options {
            if let value = option.value { try context.set(option.key, value) } else { try context.set(flag: option.key) }
        }
        if let label { try context.set("context", label) }
        let mount = try context.mount([.noSetuid, .noExecute])
        let root = mount.descriptor.raw
        let main = OwnedFD(
            owning: try kernel("openat(2)", "ptmx") { openat(root, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC) })
        let peer = try preparePeer(of: main, rows, columns)
        return TerminalPair(filesystem: mount.intoDescriptor(), main: main, peer: peer)
    }

    /// A new terminal of the instance that a running container has at /dev/pts. The container may have put anything there: nothing but
    /// devpts's own ptmx is opened, by no link and over no further mount.
    static func open(inRootOf pid: Int32, rows: UInt16, columns: UInt16) throws(KernelError) -> TerminalPair {
        let root = RootDirectory(try openFile(FilePath("/proc/\(pid)/root"), CTR_O_PATH | O_DIRECTORY))
        let directory = try root.open("dev/pts", .refused, flags: CTR_O_PATH | O_DIRECTORY)
        let raw = directory.raw
        var filesystem = statfs()
        try kernel("fstatfs(2)", "/dev/pts") { fstatfs(raw, &filesystem) }
        guard filesystem.f_type == 0x1cd1 else {
            throw KernelError(call: "fstatfs(2)", object: "/dev/pts, which is no devpts", errno: .noSuchAddressOrDevice)
        }
        let resolve = UInt64(CTR_RESOLVE_BENEATH) | UInt64(CTR_RESOLVE_NO_XDEV) | UInt64(CTR_RESOLVE_NO_SYMLINKS)
        let main = OwnedFD(
            owning: try kernel("openat2(2)", "/dev/pts/ptmx") {
                ctr_openat2(raw, "ptmx", UInt64(O_RDWR | O_NOCTTY | O_CLOEXEC), 0, resolve)
            })
        let peer = try preparePeer(of: main, rows, columns)
        return TerminalPair(filesystem: directory, main: main, peer: peer)
    }

    private static func preparePeer(
        of main: borrowing OwnedFD, _ rows: UInt16, _ columns: UInt16
    ) throws(KernelError) -> OwnedFD {
        let raw = main.raw
        try kernel("ioctl(2)", "TIOCSPTLCK") { ctr_terminal_unlock(raw) }
        let peer = OwnedFD(owning: try kernel("ioctl(2)", "TIOCGPTPEER") { ctr_terminal_peer(raw, O_RDWR | O_NOCTTY | O_CLOEXEC) })
        if rows > 0 { try kernel("ioctl(2)", "TIOCSWINSZ") { ctr_terminal_size(raw, rows, columns) } }
        return peer
    }
}

/// What the child uses of a `TerminalPair`.
struct TerminalNumbers {
    let filesystem: CInt
    let peer: CInt
}
