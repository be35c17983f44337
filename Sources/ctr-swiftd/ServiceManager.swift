// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Tells systemd how the daemon is: one datagram, nothing where systemd did not start it. Source: sd_notify(3).
struct ServiceManager: Sendable {
    private let socket: String?

    /// Takes the variable out of the environment: what the daemon starts must not speak for it.
    init() {
        socket = getenv("NOTIFY_SOCKET").map { String(cString: $0) }
        unsetenv("NOTIFY_SOCKET")
    }

    /// - Parameter state: "READY=1", "STOPPING=1".
    func notify(_ state: String) {
        guard let socket, let first = socket.utf8.first, first == UInt8(ascii: "/") || first == UInt8(ascii: "@") else { return }
        var name = Array(socket.utf8)
        // A name that begins with @ is an abstract one, which begins with NUL.
        if first == UInt8(ascii: "@") { name[0] = 0 }
        var address = sockaddr_un()
        guard name.count < MemoryLayout.size(ofValue: address.sun_path) else { return }
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + name.count)

        let descriptor = Glibc.socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        // Nobody to tell is no reason to fail: the daemon works without.
        _ = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(descriptor, state, state.utf8.count, CInt(MSG_NOSIGNAL), $0, length)
            }
        }
    }
}
