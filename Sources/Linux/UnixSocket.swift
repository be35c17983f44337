// SPDX-License-Identifier: Apache-2.0

internal import CLinux
package import Glibc
package import SystemPackage

/// Unix sockets with paths of any length, credentials, and descriptors that travel. Source: unix(7).
package enum UnixSocket {
    package enum Kind: Sendable {
        /// Message borders are kept, and the end of the peer is seen: one message, one request.
        case messages
        case stream

        var raw: CInt { self == .messages ? CTR_SOCK_SEQPACKET : CTR_SOCK_STREAM }
    }

    package static func pair(_ kind: Kind) throws(KernelError) -> DescriptorPair {
        var ends: [CInt] = [-1, -1]
        try kernel("socketpair(2)", "\(kind)") { ctr_socket_pair(kind.raw, &ends) }
        return DescriptorPair(first: OwnedFD(owning: ends[0]), second: OwnedFD(owning: ends[1]))
    }

    /// - Throws: ECONNREFUSED where nobody listens any more, ENOENT where the socket is gone.
    package static func connect(to path: FilePath, _ kind: Kind) throws(KernelError) -> OwnedFD {
        let socket = OwnedFD(owning: try kernel("socket(2)", path.string) { ctr_socket(kind.raw) })
        let raw = socket.raw
        try withShortPath(path) { pointer throws(KernelError) in
            _ = try kernel("connect(2)", path.string) { ctr_unix_connect(raw, pointer) }
        }
        return socket
    }

    /// Binds and listens; the file has `mode` and `group` before anyone can find it by its name.
    package static func listen(at path: FilePath, _ kind: Kind, mode: mode_t, group: UInt32?) throws(KernelError) -> OwnedFD {
        let socket = OwnedFD(owning: try kernel("socket(2)", path.string) { ctr_socket(kind.raw) })
        let raw = socket.raw
        let hidden = FilePath(path.string + ".new")
        try unlinkFile(hidden)
        // Not before listen(2) can a client do more than be refused, and before the rename it does not know the name.
        try withShortPath(hidden) { pointer throws(KernelError) in
            _ = try kernel("bind(2)", path.string) { ctr_unix_bind(raw, pointer) }
            _ = try kernel("chmod(2)", path.string) { chmod(pointer, mode) }
            if let group { _ = try kernel("chown(2)", path.string) { chown(pointer, uid_t.max, group) } }
        }
        try kernel("listen(2)", path.string) { Glibc.listen(raw, 128) }
        try renameFile(hidden, to: path)
        return socket
    }

    package static func accept(_ listener: borrowing OwnedFD) throws(KernelError) -> OwnedFD {
        let raw = listener.raw
        return OwnedFD(owning: try kernel("accept4(2)", "listening socket") { ctr_accept(raw) })
    }

    package struct Credentials: Sendable, Hashable {
        package var pid: Int32
        package var uid: UInt32
        package var gid: UInt32
    }

    /// Who connected, as the kernel knows it.
    package static func peer(of socket: CInt) throws(KernelError) -> Credentials {
        var pid: CInt = 0
        var uid: CUnsignedInt = 0
        var gid: CUnsignedInt = 0
        try kernel("getsockopt(2)", "SO_PEERCRED") { ctr_peer_credentials(socket, &pid, &uid, &gid) }
        return Credentials(pid: pid, uid: uid, gid: gid)
    }

    /// sockaddr_un holds 107 bytes; by way of the directory's descriptor any path fits.
    private static func withShortPath(_ path: FilePath, _ body: (UnsafePointer<CChar>) throws(KernelError) -> Void) throws(KernelError) {
        guard path.length > 100, let name = path.lastComponent else { return try withCPath(path, body) }
        let directory = try openFile(path.removingLastComponent(), CTR_O_PATH | O_DIRECTORY)
        try withCPath(FilePath("/proc/self/fd/\(directory.raw)/\(name.string)"), body)
    }
}

/// Two descriptors that belong together.
package struct DescriptorPair: ~Copyable {
    package var first: OwnedFD
    package var second: OwnedFD
    package init(first: consuming OwnedFD, second: consuming OwnedFD) {
        self.first = first
        self.second = second
    }

    /// Hands both out, each to its owner.
    package consuming func split(_ body: (consuming OwnedFD, consuming OwnedFD) throws(KernelError) -> Void) throws(KernelError) {
        try body(first, second)
    }
}
