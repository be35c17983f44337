// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import SystemPackage

/// An IP address and a port. Source: ip(7), ipv6(7).
package struct InternetAddress: Sendable, Hashable {
    /// 4 or 16, as they go over the wire.
    private let octets: [UInt8]
    package let port: UInt16

    /// - Parameter text: a literal: `127.0.0.1`, `::1`. Names are nobody's here.
    package init?(_ text: String, port: UInt16) {
        self.port = port
        guard !text.utf8.contains(0) else { return nil }
        for (family, size) in [(AF_INET, 4), (AF_INET6, 16)] {
            var octets = [UInt8](repeating: 0, count: size)
            if inet_pton(family, text, &octets) == 1 {
                self.octets = octets
                return
            }
        }
        return nil
    }

    private var isVersion6: Bool { octets.count == 16 }

    /// A stream socket that never waits, in the network namespace of this moment; it stays there wherever its holder goes.
    package func openSocket() throws(KernelError) -> OwnedFD {
        let kind = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue) | CInt(SOCK_NONBLOCK.rawValue)
        let family = isVersion6 ? AF_INET6 : AF_INET
        return OwnedFD(owning: try kernel("socket(2)", "TCP") { socket(family, kind, 0) })
    }

    /// Begins to connect a socket of `openSocket`.
    /// - Returns: false where it takes its time: writable is then the end of it, and `checkConnection` tells how.
    package func connect(_ socket: borrowing OwnedFD) throws(KernelError) -> Bool {
        let raw = socket.raw
        do throws(KernelError) {
            try withSocketAddress { address, size throws(KernelError) in
                _ = try kernel("connect(2)", description) { Glibc.connect(raw, address, size) }
            }
            return true
        } catch  where error.errno == .nowInProgress {
            return false
        }
    }

    private func withSocketAddress(_ body: (UnsafePointer<sockaddr>, socklen_t) throws(KernelError) -> Void) throws(KernelError) {
        if isVersion6 {
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = port.bigEndian
            withUnsafeMutableBytes(of: &address.sin6_addr) { $0.copyBytes(from: octets) }
            try Self.lend(&address, body)
        } else {
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            withUnsafeMutableBytes(of: &address.sin_addr) { $0.copyBytes(from: octets) }
            try Self.lend(&address, body)
        }
    }

    private static func lend<Address>(
        _ address: inout Address, _ body: (UnsafePointer<sockaddr>, socklen_t) throws(KernelError) -> Void
    ) throws(KernelError) {
        let size = socklen_t(MemoryLayout<Address>.size)
        try withUnsafePointer(to: &address) { pointer throws(KernelError) in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address throws(KernelError) in try body(address, size) }
        }
    }
}

extension InternetAddress: CustomStringConvertible {
    /// `127.0.0.1:80`, `[::1]:80`.
    package var description: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        _ = inet_ntop(isVersion6 ? AF_INET6 : AF_INET, octets, &text, socklen_t(text.count))
        let literal = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return isVersion6 ? "[\(literal)]:\(port)" : "\(literal):\(port)"
    }
}

/// How the connecting of a socket has ended.
/// - Throws: `KernelError` with the reason where it failed.
package func checkConnection(_ socket: borrowing OwnedFD, to address: InternetAddress) throws(KernelError) {
    let raw = socket.raw
    var error: CInt = 0
    var size = socklen_t(MemoryLayout<CInt>.size)
    try kernel("getsockopt(2)", "SO_ERROR") { getsockopt(raw, SOL_SOCKET, SO_ERROR, &error, &size) }
    if error != 0 { throw KernelError(call: "connect(2)", object: "\(address)", errno: Errno(rawValue: error)) }
}
