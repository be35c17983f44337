// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import SystemPackage

/// Who is at the other end of a Unix connection, as the kernel noted it when the connection was made. Source: unix(7), SO_PEERCRED.
package struct PeerCredentials: Sendable, Hashable {
    package var pid: Int32
    package var uid: UInt32
    package var gid: UInt32
    /// The supplementary ones. Linux 4.13.
    package var groups: [UInt32]

    package init(of connection: borrowing OwnedFD) throws(KernelError) {
        let raw = connection.raw
        var pid: Int32 = 0
        var uid = UInt32.max
        var gid = UInt32.max
        try kernel("getsockopt(2)", "SO_PEERCRED") { ctr_peer_credentials(raw, &pid, &uid, &gid) }
        self.pid = pid
        self.uid = uid
        self.gid = gid
        groups = try Self.groups(raw)
    }

    /// root, or a member of the group.
    package func isRootOrMember(of group: UInt32) -> Bool { uid == 0 || gid == group || groups.contains(group) }

    /// The kernel says how many there are when the room is too small (ERANGE).
    private static func groups(_ raw: CInt) throws(KernelError) -> [UInt32] {
        var groups: [UInt32] = []
        while true {
            var size = socklen_t(groups.count * MemoryLayout<UInt32>.size)
            do throws(KernelError) {
                try kernel("getsockopt(2)", "SO_PEERGROUPS") { getsockopt(raw, SOL_SOCKET, CInt(CTR_SO_PEERGROUPS), &groups, &size) }
                return Array(groups.prefix(Int(size) / MemoryLayout<UInt32>.size))
            } catch  where error.errno == .outOfRange && Int(size) > groups.count * MemoryLayout<UInt32>.size {
                groups = [UInt32](repeating: 0, count: Int(size) / MemoryLayout<UInt32>.size)
            } catch  where error.errno == .noData || error.errno == .protocolNotAvailable {
                return []
            }
        }
    }
}
