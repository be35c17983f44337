// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
package import SystemPackage

/// Unix sockets by path: never abstract ones, which every process of the network namespace can reach. Source: unix(7).
package enum UnixSocket {
    package enum Kind: Sendable {
        case stream
        /// Keeps the borders of messages, and tells the end of the connection.
        case packets

        fileprivate var number: CInt {
            switch self {
            case .stream: CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
            case .packets: CInt(SOCK_SEQPACKET.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
            }
        }
    }

    /// Two connected sockets. Take them out; what is left is closed with the value.
    package struct Pair: ~Copyable {
        private var first: OwnedFD?
        private var second: OwnedFD?

        package init(_ kind: Kind) throws(KernelError) {
            var ends: [CInt] = [-1, -1]
            try kernel("socketpair(2)", "unix") { socketpair(AF_UNIX, kind.number, 0, &ends) }
            first = OwnedFD(owning: ends[0])
            second = OwnedFD(owning: ends[1])
        }

        package mutating func takeFirst() -> OwnedFD {
            guard let end = first.take() else { preconditionFailure("the first end was taken before") }
            return end
        }

        package mutating func takeSecond() -> OwnedFD {
            guard let end = second.take() else { preconditionFailure("the second end was taken before") }
            return end
        }
    }

    /// A listener at a new path. It never stands there with a wider mode than asked for, nor for another group.
    /// - Parameter group: the path's group; nil leaves the caller's. Needs a umask of 0 where the mode gives the group something.
    /// - Throws: `KernelError`; EADDRINUSE where the path exists, whatever it is. No path is left then.
    package static func listen(
        at path: FilePath, _ kind: Kind, mode: UInt32, group: UInt32? = nil, backlog: CInt = 64
    ) throws(KernelError) -> OwnedFD {
        let socket = try open(kind, path)
        let raw = socket.raw
        // The inode that bind(2) makes takes its mode from the socket's own.
        try kernel("fchmod(2)", path.string) { fchmod(raw, group == nil ? mode : mode & 0o700) }
        try withAddress(path) { address, size throws(KernelError) in
            _ = try kernel("bind(2)", path.string) { bind(raw, address, size) }
        }
        do throws(KernelError) {
            if let group {
                try withCPath(path) { pointer throws(KernelError) in
                    try kernel("lchown(2)", path.string) { lchown(pointer, uid_t.max, group) }
                    try kernel("chmod(2)", path.string) { chmod(pointer, mode) }
                }
            }
            try kernel("listen(2)", path.string) { Glibc.listen(raw, backlog) }
        } catch {
            try? unlinkFile(path)
            throw error
        }
        return socket
    }

    /// - Parameter waiting: false: EAGAIN where as many wait for the listener already as it takes, which does not accept them; the socket's later
    ///   calls don't wait either.
    package static func connect(to path: FilePath, _ kind: Kind, waiting: Bool = true) throws(KernelError) -> OwnedFD {
        let socket = try open(kind, path, flags: waiting ? 0 : CInt(SOCK_NONBLOCK.rawValue))
        let raw = socket.raw
        try withAddress(path) { address, size throws(KernelError) in
            _ = try kernel("connect(2)", path.string) { Glibc.connect(raw, address, size) }
        }
        return socket
    }

    /// The next connection of a listener.
    /// - Returns: nil where none waits (a listener that doesn't block), or where the one that did has gone again.
    package static func accept(_ listener: borrowing OwnedFD) throws(KernelError) -> OwnedFD? {
        let raw = listener.raw
        do throws(KernelError) {
            return OwnedFD(owning: try kernel("accept4(2)", "listener") { ctr_accept(raw) })
        } catch  where error.errno == .wouldBlock || error.errno == .resourceTemporarilyUnavailable || error.errno == .connectionAbort {
            return nil
        }
    }

    /// Whether a descriptor that somebody else opened is a Unix socket of packets.
    package static func isPacketSocket(_ raw: CInt) -> Bool {
        var (type, domain): (CInt, CInt) = (0, 0)
        var size = socklen_t(MemoryLayout<CInt>.size)
        guard getsockopt(raw, SOL_SOCKET, SO_TYPE, &type, &size) == 0, getsockopt(raw, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 else {
            return false
        }
        return type == CInt(SOCK_SEQPACKET.rawValue) && domain == AF_UNIX
    }

    private static func open(_ kind: Kind, _ path: FilePath, flags: CInt = 0) throws(KernelError) -> OwnedFD {
        OwnedFD(owning: try kernel("socket(2)", path.string) { socket(AF_UNIX, kind.number | flags, 0) })
    }

    /// An address holds 107 bytes. A longer path goes by way of its directory's descriptor.
    private static func withAddress<Result>(
        _ path: FilePath, _ body: (UnsafePointer<sockaddr>, socklen_t) throws(KernelError) -> Result
    ) throws(KernelError) -> Result {
        if path.length <= Address.capacity { return try Address(path).lend(body) }
        guard let name = path.lastComponent else { throw KernelError(call: "bind(2)", object: path.string, errno: .invalidArgument) }
        let directory = try openFile(path.removingLastComponent(), CTR_O_PATH | O_DIRECTORY)
        let short = FilePath("/proc/self/fd/\(directory.raw)").appending(name)
        guard short.length <= Address.capacity else { throw KernelError(call: "bind(2)", object: path.string, errno: .fileNameTooLong) }
        return try Address(short).lend(body)
    }

    private struct Address {
        static let capacity = 107
        private var address = sockaddr_un()

        init(_ path: FilePath) {
            address.sun_family = sa_family_t(AF_UNIX)
            let bytes = path.withPlatformString { Array(UnsafeRawBufferPointer(start: $0, count: path.length)) }
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        }

        func lend<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) throws(KernelError) -> Result) throws(KernelError) -> Result {
            try withUnsafePointer(to: address) { pointer throws(KernelError) in
                try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address throws(KernelError) in
                    try body(address, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
        }
    }
}
