// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux
internal import SystemPackage

// The option "tmpcopyup": a tmpfs that begins with what it covers. Descriptors all the way: a link in the image is copied, never followed.
extension InitProcess {
    borrowing func copyUp(from target: borrowing OwnedFD, to mount: borrowing DetachedMount) throws(KernelError) {
        let number = target.raw
        let source = OwnedFD(
            owning: try kernel("openat(2)", "the directory below") { openat(number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) })
        let root = mount.descriptor.raw
        let new = OwnedFD(owning: try kernel("openat(2)", "the new tmpfs") { openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) })
        try Self.copyDirectory(source, new, depth: 0)
    }

    private static func copyDirectory(_ source: borrowing OwnedFD, _ target: borrowing OwnedFD, depth: Int) throws(KernelError) {
        guard depth < 256 else { throw KernelError(call: "openat(2)", object: "a tree deeper than 256", errno: .fileNameTooLong) }
        for (name, _) in try source.entries(of: "the directory below") {
            guard let status = try source.status(name) else { continue }
            switch status.kind {
            case .directory:
                try target.makeDirectory(name, mode: 0o700)
                try copyDirectory(
                    try source.open(name, O_RDONLY | O_DIRECTORY), try target.open(name, O_RDONLY | O_DIRECTORY), depth: depth + 1)
            case .regular:
                let old = try source.open(name, O_RDONLY)
                let new = try target.open(name, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
                try copyBytes(old, new)
                try set(status, new)
            case .symlink: try target.makeSymlink(name, to: try source.linkTarget(name))
            case .characterDevice, .blockDevice, .fifo, .socket:
                try target.makeNode(name, mode: nodeType(status.kind) | status.permissions, device: status.special)
            }
            if status.kind != .directory, status.kind != .regular { try target.changeOwner(name, uid: status.uid, gid: status.gid) }
        }
        try set(try source.status(), target)
    }

    private static func nodeType(_ kind: FileStatus.Kind) -> UInt32 {
        switch kind {
        case .characterDevice: S_IFCHR
        case .blockDevice: S_IFBLK
        case .fifo: S_IFIFO
        default: S_IFSOCK
        }
    }

    private static func copyBytes(_ source: borrowing OwnedFD, _ target: borrowing OwnedFD) throws(KernelError) {
        let (from, to) = (source.raw, target.raw)
        while try kernel("sendfile(2)", "tmpcopyup", { sendfile(to, from, nil, 1 << 30) }) > 0 {}
    }

    /// The owner first: the change of it takes set-user-id bits away.
    private static func set(_ status: FileStatus, _ target: borrowing OwnedFD) throws(KernelError) {
        let raw = target.raw
        try kernel("fchown(2)", "tmpcopyup") { fchown(raw, status.uid, status.gid) }
        try kernel("fchmod(2)", "tmpcopyup") { fchmod(raw, status.permissions) }
    }
}
