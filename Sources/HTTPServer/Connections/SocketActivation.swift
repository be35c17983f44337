// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux

extension ListeningSocket {
    /// The socket that systemd listens on for this daemon, or nil where it was started without one.
    ///
    /// Takes the variables out of the environment: what the daemon starts must not take them for its own. Source: sd_listen_fds(3).
    /// - Throws: `.activation` where the handed descriptors are anything but one listening Unix stream socket.
    package static func inherited() throws(ListeningError) -> ListeningSocket? {
        defer { for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID"] { unsetenv(name) } }
        guard let process = variable("LISTEN_PID").flatMap(pid_t.init), process == getpid() else { return nil }
        guard let count = variable("LISTEN_FDS").flatMap(Int.init), count > 0 else { return nil }
        guard count == 1 else { throw .activation("systemd handed over \(count) sockets, not one") }

        let first: CInt = 3
        guard fcntl(first, F_GETFD) != -1 else { throw .activation("LISTEN_FDS is set, and descriptor \(first) is not open") }
        let socket = OwnedFD(owning: first)
        guard option(first, SO_DOMAIN) == AF_UNIX, option(first, SO_TYPE) == CInt(SOCK_STREAM.rawValue), option(first, SO_ACCEPTCONN) == 1
        else { throw .activation("what systemd handed over is not a listening Unix stream socket") }
        do throws(KernelError) {
            try kernel("fcntl(2)", "descriptor 3") { fcntl(first, F_SETFD, FD_CLOEXEC) }
            let flags = try kernel("fcntl(2)", "descriptor 3") { fcntl(first, F_GETFL) }
            try kernel("fcntl(2)", "descriptor 3") { fcntl(first, F_SETFL, flags | O_NONBLOCK) }
        } catch {
            throw .kernel(error)
        }
        return ListeningSocket(descriptor: socket, name: nil)
    }

    private static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    private static func option(_ socket: CInt, _ name: CInt) -> CInt? {
        var value: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        return getsockopt(socket, SOL_SOCKET, name, &value, &length) == 0 ? value : nil
    }
}
