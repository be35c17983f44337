// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import NIOCore

/// Who is at the other end, as the kernel noted it when the peer connected. Source: unix(7), "SO_PEERCRED".
struct Peer: Sendable, Hashable {
    let pid: pid_t
    let uid: uid_t
    let gid: gid_t
    /// root, or a member of the socket's group. The socket's mode says the same; this holds also where somebody has widened it.
    let isAllowed: Bool

    /// `struct ucred`, which glibc's Swift overlay leaves out.
    private struct Credentials: Sendable {
        var pid: pid_t
        var uid: uid_t
        var gid: gid_t
    }

    /// Asks the kernel; on the channel's event loop.
    static func of(_ channel: any Channel, group: gid_t) -> EventLoopFuture<Peer> {
        guard let options = channel as? any SocketOptionProvider else {
            return channel.eventLoop.makeFailedFuture(ChannelError.operationUnsupported)
        }
        let credentials: EventLoopFuture<Credentials> = options.unsafeGetSocketOption(level: .socket, name: .init(rawValue: SO_PEERCRED))
        return credentials.flatMap { found in
            let peer = Peer(pid: found.pid, uid: found.uid, gid: found.gid, isAllowed: found.uid == 0 || found.gid == group)
            // Groups that are not set read 0: the search is for another number, then.
            if peer.isAllowed || group == 0 { return channel.eventLoop.makeSucceededFuture(peer) }
            // A peer with more groups than this is refused: ERANGE.
            let groups: EventLoopFuture<InlineArray<1024, gid_t>> = options.unsafeGetSocketOption(
                level: .socket, name: .init(rawValue: peerGroups))
            return groups.map { groups in
                let isMember = groups.indices.contains { groups[$0] == group }
                return Peer(pid: found.pid, uid: found.uid, gid: found.gid, isAllowed: isMember)
            }
        }
    }
}

/// `SO_PEERGROUPS` of asm-generic/socket.h, Linux 4.13. The same on every architecture but parisc and sparc.
private let peerGroups: CInt = 59
