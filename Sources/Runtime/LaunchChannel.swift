// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux
internal import SystemPackage

/// The socket pair between parent and child, close-on-exec: its end is the news that the child has become the program, or is gone.
///
/// ```
/// parent                              child
///   |<------- "t" + terminal -------------|   (only where the terminal belongs to the container's user namespace)
///   |  -- "c" [+ network namespace] ----->|   the cgroup stands (the end instead: give up)
///   |<------- "h": before the new root ---|   (only with hooks of the parent's)
///   |  -- "c": they are through --------->|
///   |<------- "g": waits at the gate -----|   (only with a gate; the parent then stops listening)
///   |<------- end ------------------------|   exec, or exit with the reason in the report
/// ```
struct LaunchChannel: ~Copyable {
    private let socket: OwnedFD
    /// A byte read from it opens the gate; lent by the caller.
    private let gate: CInt?
    /// Further descriptors that stay open until the exec.
    var kept: [CInt]

    init(_ socket: consuming OwnedFD, gate: CInt?, keeping kept: [CInt]) {
        self.socket = socket
        self.gate = gate
        self.kept = kept
    }

    struct Ends: ~Copyable {
        let parent: OwnedFD
        let child: OwnedFD

        /// Closes the child's end, so that the parent sees the child's own end.
        consuming func parentOnly() -> OwnedFD { parent }
    }

    static func pair() throws(KernelError) -> Ends {
        var ends: [CInt] = [-1, -1]
        let kind = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        try kernel("socketpair(2)", "launch channel") { socketpair(AF_UNIX, kind, 0, &ends) }
        return Ends(parent: OwnedFD(owning: ends[0]), child: OwnedFD(owning: ends[1]))
    }

    // MARK: The child's side

    var hasGate: Bool { gate != nil }

    /// - Returns: the network namespace that the parent made, where it made one; open until all descriptors are closed.
    func waitForParent() throws(LaunchError) -> CInt? {
        let raw = socket.raw
        var byte: UInt8 = 0
        var network: CInt = -1
        let count = try during(.join) { () throws(KernelError) in
            try kernel("recvmsg(2)", "launch channel") { ctr_receive_descriptor(raw, &byte, 1, &network) }
        }
        if count == 0 { throw LaunchError(step: .join, reason: "the runtime gave up") }
        return network >= 0 ? network : nil
    }

    /// Lets the parent run its hooks.
    func waitForHooks() throws(LaunchError) {
        let raw = socket.raw
        try during(.createHooks) { () throws(KernelError) in
            try kernel("send(2)", "launch channel") { send(raw, "h", 1, CInt(MSG_NOSIGNAL)) }
        }
        _ = try waitForParent()
    }

    func give(terminal: CInt) throws(KernelError) {
        let raw = socket.raw
        try kernel("sendmsg(2)", "launch channel") { ctr_send_descriptor(raw, "t", 1, terminal) }
    }

    func waitAtGate() throws(LaunchError) {
        guard let gate else { return }
        let raw = socket.raw
        let count = try during(.gate) { () throws(KernelError) in
            try kernel("send(2)", "launch channel") { send(raw, "g", 1, CInt(MSG_NOSIGNAL)) }
            var byte: UInt8 = 0
            return try kernel("read(2)", "gate") { read(gate, &byte, 1) }
        }
        if count == 0 { throw LaunchError(step: .gate, reason: "the gate was closed for good") }
    }

    /// Closes every descriptor but the three streams and this channel's.
    /// - Parameter preserved: how many after the three streams stay open, too.
    func closeOthers(preserving preserved: CInt = 0) throws(KernelError) {
        var first: CInt = 3 + preserved
        for kept in ([socket.raw, gate ?? -1] + self.kept).sorted() where kept >= first {
            if kept > first { try Self.close(first, kept - 1) }
            first = kept + 1
        }
        try Self.close(first, CInt.max)
        for kept in [gate].compactMap({ $0 }) + kept { try kernel("fcntl(2)", "descriptor \(kept)") { fcntl(kept, F_SETFD, FD_CLOEXEC) } }
    }

    private static func close(_ first: CInt, _ last: CInt) throws(KernelError) {
        try kernel("close_range(2)", "\(first) to \(last)") { ctr_close_range(UInt32(first), UInt32(last)) }
    }
}

/// What the child did, as its parent sees it.
enum ChildProgress: ~Copyable {
    case atGate
    /// Its namespaces stand, its root is not yet changed.
    case atHooks
    /// The main end of its terminal.
    case terminal(OwnedFD)
    /// Exec or exit.
    case ended
}

extension OwnedFD {
    /// The parent's side of a `LaunchChannel`: waits for the child.
    borrowing func awaitChild() throws(KernelError) -> ChildProgress {
        let raw = self.raw
        var byte: UInt8 = 0
        var descriptor: CInt = -1
        do throws(KernelError) {
            let count = try kernel("recvmsg(2)", "launch channel") { ctr_receive_descriptor(raw, &byte, 1, &descriptor) }
            if descriptor >= 0 { return .terminal(OwnedFD(owning: descriptor)) }
            if count == 0 { return .ended }
            return byte == UInt8(ascii: "h") ? .atHooks : .atGate
        } catch  where error.errno == .connectionReset {
            // It ended before it had read that its cgroup stands.
            return .ended
        }
    }

    /// Tells the child that its cgroup stands, and gives it its network namespace. A child that is gone already has left its
    /// reason in the report.
    borrowing func releaseChild(network: CInt?) {
        let raw = self.raw
        if let network {
            _ = ctr_send_descriptor(raw, "c", 1, network)
        } else {
            _ = send(raw, "c", 1, CInt(MSG_NOSIGNAL))
        }
    }
}
