// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux
internal import SystemPackage

/// A `sockaddr_un` for a path. Source: unix(7), "Pathname sockets".
struct SocketAddress {
    /// Bytes of `sun_path`; the path's must be fewer.
    static let limit = 108

    private var address = sockaddr_un()

    /// - Throws: ENAMETOOLONG.
    init(_ path: String) throws(KernelError) {
        let bytes = Array(path.utf8)
        guard bytes.count < Self.limit else { throw KernelError(call: "bind(2)", object: path, errno: .fileNameTooLong) }
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    }

    func withPointer<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
        }
    }
}
