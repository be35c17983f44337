// SPDX-License-Identifier: Apache-2.0

internal import Glibc
package import Linux
package import SystemPackage

/// The Unix socket that the API is served on: made here, or handed over by systemd.
///
/// There is no moment with wider access than asked for: the mode is set before the name exists, and the group after it,
/// while only root may connect.
package struct ListeningSocket: ~Copyable, Sendable {
    /// Listening, non-blocking, close-on-exec.
    package let descriptor: OwnedFD
    /// What has to be removed at the end; nil for a socket that systemd keeps.
    package let name: BoundName?

    package init(descriptor: consuming OwnedFD, name: BoundName?) {
        self.descriptor = descriptor
        self.name = name
    }

    /// Gives the descriptor away, to who serves on it.
    consuming func release() -> CInt { descriptor.release() }

    /// How many connections may wait to be accepted: set again after NIO has taken the socket over, which sets it to 128.
    struct Backlog: ~Copyable {
        private let descriptor: OwnedFD

        init(of socket: borrowing ListeningSocket) throws(KernelError) { descriptor = try socket.descriptor.duplicate() }

        consuming func restore() throws(KernelError) {
            let raw = descriptor.raw
            try kernel("listen(2)", "the API's socket") { Glibc.listen(raw, Limits.backlog) }
        }
    }

    /// Binds and listens at `path` with mode 0660 root:`group`.
    ///
    /// A lock beside the socket (`<name>.lock`) is held as long as the process lives: two daemons can't take the name from each other,
    /// and a socket that a killed daemon left is replaced. The parent directory is made, 0710 root:`group`, where it is missing.
    /// - Throws: `.inUse` where another process serves it; `.notASocket` where something else has the name. Both change nothing.
    package static func bind(at path: FilePath, group: UInt32) throws(ListeningError) -> ListeningSocket {
        guard path.isAbsolute, let file = path.lastComponent?.string else { throw .invalidPath(path) }
        let parent = path.removingLastComponent()
        do throws(KernelError) {
            return try listen(at: path, file: file, parent: try openParent(parent, group: group), group: group)
        } catch {
            if error.errno == .wouldBlock || error.errno == .addressInUse { throw .inUse(path) }
            if error.errno == .notSocket { throw .notASocket(path) }
            throw .kernel(error)
        }
    }

    private static func listen(
        at path: FilePath, file: String, parent: consuming OwnedFD, group: UInt32
    ) throws(KernelError) -> ListeningSocket {
        let lock = try takeLock(parent, "\(file).lock", object: "\(path).lock")
        try removeStale(parent, file, path)
        let socket = try UnixSocket.listen(at: path, .stream, mode: 0o660, group: group, backlog: Limits.backlog)
        return ListeningSocket(descriptor: socket, name: try BoundName(parent: parent, file: file, path: path, lock: lock))
    }

    /// Opens the directory of the socket; makes it, but not its parents, where it is missing.
    private static func openParent(_ path: FilePath, group: UInt32) throws(KernelError) -> OwnedFD {
        do throws(KernelError) {
            return try openFile(path, O_RDONLY | O_DIRECTORY)
        } catch let error where error.errno == .noSuchFileOrDirectory {
            try withCPath(path) { raw throws(KernelError) in
                do throws(KernelError) { try kernel("mkdir(2)", path.string) { mkdir(raw, 0o700) } } catch  where error.errno == .fileExists
                {
                    // Another daemon that starts now has made it.
                    return
                }
                try kernel("chown(2)", path.string) { chown(raw, 0, group) }
                try kernel("chmod(2)", path.string) { chmod(raw, 0o710) }
            }
            return try openFile(path, O_RDONLY | O_DIRECTORY)
        }
    }

    /// - Throws: EWOULDBLOCK where another process holds it.
    private static func takeLock(_ parent: borrowing OwnedFD, _ file: String, object: String) throws(KernelError) -> OwnedFD {
        let raw = parent.raw
        let lock = OwnedFD(owning: try kernel("openat(2)", object) { openat(raw, file, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600) })
        try lockFile(lock, object)
        return lock
    }

    /// Removes a socket that nobody listens on.
    /// - Throws: EADDRINUSE where somebody does; ENOTSOCK where the name is not a socket's.
    private static func removeStale(_ parent: borrowing OwnedFD, _ file: String, _ path: FilePath) throws(KernelError) {
        guard let found = try parent.status(Array(file.utf8)) else { return }
        guard found.kind == .socket else { throw KernelError(call: "bind(2)", object: path.string, errno: .notSocket) }
        // A name too long for an address is reached through the parent's descriptor.
        let reached = path.string.utf8.count < SocketAddress.limit ? path.string : "/proc/self/fd/\(parent.raw)/\(file)"
        if try isServed(reached) { throw KernelError(call: "bind(2)", object: path.string, errno: .addressInUse) }
        try parent.remove(Array(file.utf8), directory: false)
    }

    /// Asks by connecting, without waiting: the backlog of who listens may be full.
    private static func isServed(_ path: String) throws(KernelError) -> Bool {
        let kind = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let probe = OwnedFD(owning: try kernel("socket(2)", path) { socket(AF_UNIX, kind, 0) })
        let raw = probe.raw
        let address = try SocketAddress(path)
        do throws(KernelError) {
            try kernel("connect(2)", path) { address.withPointer { connect(raw, $0, $1) } }
            return true
        } catch {
            switch error.errno {
            case .connectionRefused: return false
            case .wouldBlock: return true
            default: throw error
            }
        }
    }
}

/// The file that names a bound socket, and the lock that makes it this process's.
package final class BoundName: Sendable {
    private let directory: OwnedFD
    private let lock: OwnedFD
    private let file: String
    private let path: FilePath
    private let identity: FileStatus?

    fileprivate init(parent: consuming OwnedFD, file: String, path: FilePath, lock: consuming OwnedFD) throws(KernelError) {
        identity = try parent.status(Array(file.utf8))
        directory = parent
        self.lock = lock
        self.file = file
        self.path = path
    }

    /// Removes the name, where it is still this socket's. The lock's file stays: removing a lock is a race.
    package func remove() {
        let name = Array(file.utf8)
        guard let found = try? directory.status(name), found.device == identity?.device, found.inode == identity?.inode else { return }
        // At the end there is nobody to tell; the next start replaces a socket that is left.
        try? directory.remove(name, directory: false)
    }
}

/// Why there is nothing to listen on.
package enum ListeningError: Error, Sendable, Hashable {
    case invalidPath(FilePath)
    case inUse(FilePath)
    case notASocket(FilePath)
    /// What systemd handed over is not one listening stream socket.
    case activation(String)
    case kernel(KernelError)
}

extension ListeningError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .invalidPath(let path): "the socket's path \"\(path)\" is not absolute, or names a directory"
        case .inUse(let path): "the socket \"\(path)\" is served by another process"
        case .notASocket(let path): "\"\(path)\" is there and is not a socket"
        case .activation(let what): what
        case .kernel(let error): "listen: \(error)"
        }
    }

    package var remedy: String? {
        switch self {
        case .invalidPath: "give an absolute path with --socket"
        case .inUse: "stop it, or give this daemon a --socket, a --state and a --root of its own"
        case .notASocket: "move it away, or give another --socket"
        case .activation: "see systemd/ctr-swiftd.socket for the socket unit that is expected"
        case .kernel: nil
        }
    }
}
