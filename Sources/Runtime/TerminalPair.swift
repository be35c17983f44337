// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux
internal import SystemPackage

/// A terminal of the container's own devpts, made by the parent before the clone: no descriptor has to travel back, and inside
/// the container the terminal's name is the right one (/dev/pts/0).
struct TerminalPair: ~Copyable {
    /// The devpts instance, not attached yet: the child mounts it at /dev/pts.
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

    static func make(options: [MountPlan.Option], rows: UInt16, columns: UInt16) throws(KernelError) -> TerminalPair {
        let context = try FilesystemContext("devpts")
        for option in options {
            if let value = option.value { try context.set(option.key, value) } else { try context.set(flag: option.key) }
        }
        let mount = try context.mount([.noSetuid, .noExecute])
        let root = mount.descriptor.raw
        let main = OwnedFD(
            owning: try kernel("openat(2)", "ptmx") { openat(root, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC) })
        let raw = main.raw
        try kernel("ioctl(2)", "TIOCSPTLCK") { ctr_terminal_unlock(raw) }
        let peer = OwnedFD(owning: try kernel("ioctl(2)", "TIOCGPTPEER") { ctr_terminal_peer(raw, O_RDWR | O_NOCTTY | O_CLOEXEC) })
        if rows > 0 { try kernel("ioctl(2)", "TIOCSWINSZ") { ctr_terminal_size(raw, rows, columns) } }
        return TerminalPair(filesystem: mount.intoDescriptor(), main: main, peer: peer)
    }
}

/// What the child uses of a `TerminalPair`.
struct TerminalNumbers {
    let filesystem: CInt
    let peer: CInt
}
