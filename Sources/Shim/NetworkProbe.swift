// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux
internal import ShimProtocol
internal import SystemPackage

/// A probe by a connection, without a process: one socket of the container's network namespace, which never waits.
///
/// What the server does is limited: by the probe's deadline, whatever it sends or doesn't; and by what is kept of it (`HTTPAnswer`).
final class NetworkProbe {
    private let target: ProbeTarget
    private let address: InternetAddress
    private let socket: OwnedFD
    private var isConnected = false
    /// Of the request, what is not sent yet.
    private var unsent: ArraySlice<UInt8>
    private var reply = HTTPAnswer()

    /// - Parameter pidfd: of a process in the network namespace; lent.
    init(_ target: ProbeTarget, inNetworkOf pidfd: CInt) throws(KernelError) {
        guard let address = target.address else {
            throw KernelError(call: "inet_pton(3)", object: target.host, errno: .invalidArgument)
        }
        self.target = target
        self.address = address
        socket = try openSocket(to: address, inNetworkOf: pidfd)
        unsent = Self.request(target, address)[...]
    }

    private static func request(_ target: ProbeTarget, _ address: InternetAddress) -> [UInt8] {
        guard target.scheme == .http else { return [] }
        let lines = [
            "GET \(target.path) HTTP/1.1", "Host: \(address)", "User-Agent: ctr-swift-probe", "Accept: */*", "Connection: close", "", "",
        ]
        return Array(lines.joined(separator: "\r\n").utf8)
    }

    /// - Returns: the answer where there is one at once.
    func begin() -> ProbeAnswer? {
        do throws(KernelError) {
            guard try address.connect(socket) else { return nil }
            isConnected = true
            return target.scheme == .tcp ? ProbeAnswer(exitCode: 0, output: "") : nil
        } catch {
            return .failed("\(error)")
        }
    }

    func watch(_ add: (CInt, PollEvents, ProbeEnd) -> Void) {
        add(socket.raw, isConnected && unsent.isEmpty ? .readable : .writable, .socket)
    }

    /// - Returns: the answer, when there is one.
    func serve(_ buffer: inout [UInt8]) -> ProbeAnswer? {
        do throws(KernelError) {
            if !isConnected {
                try checkConnection(socket, to: address)
                isConnected = true
                if target.scheme == .tcp { return ProbeAnswer(exitCode: 0, output: "") }
            }
            if !unsent.isEmpty { return try send() }
            return try receive(&buffer)
        } catch {
            return .failed("\(target): \(error)")
        }
    }

    private func send() throws(KernelError) -> ProbeAnswer? {
        let raw = socket.raw
        let rest = unsent
        let span = rest.span
        let count = try span.withUnsafeBytes { bytes throws(KernelError) in try writeSome(raw, bytes, object: "\(target)") }
        unsent = unsent.dropFirst(count)
        return nil
    }

    /// One read a round: who sends without end has no more of the monitor's time than anybody else.
    private func receive(_ buffer: inout [UInt8]) throws(KernelError) -> ProbeAnswer? {
        let raw = socket.raw
        var span = buffer.mutableSpan
        let count = try span.withUnsafeMutableBytes { bytes throws(KernelError) in try readSome(raw, into: bytes, object: "\(target)") }
        guard let count else { return nil }
        reply.take(buffer[..<count])
        switch reply.finding {
        case .refused(let reason): return .failed(reason)
        case .unfinished: return count == 0 ? .failed("the connection was closed before an answer") : nil
        case .answered(let status):
            let isHealthy = (200...399).contains(status)
            // Of a failure the body may say why; of success nothing more is waited for.
            guard isHealthy || count == 0 || reply.isBodyDone else { return nil }
            return ProbeAnswer(exitCode: isHealthy ? 0 : 1, output: words(status))
        }
    }

    private func words(_ status: Int) -> String {
        let body = String(decoding: reply.body, as: UTF8.self) + (reply.isBodyCut ? "..." : "")
        return "HTTP \(status)" + (body.isEmpty ? "" : ": " + body)
    }

    /// What is known at the deadline.
    var state: String {
        guard isConnected else { return "connecting to \(address)" }
        if case .answered(let status) = reply.finding { return words(status) }
        return "connected to \(address), no answer"
    }
}

/// A socket belongs to the network namespace in which it is made, for good: the shim, which has one thread, goes there for this one call.
/// A child that does this and passes the socket back would cost a clone, a reaping and a socket pair for the same descriptor.
private func openSocket(to address: InternetAddress, inNetworkOf pidfd: CInt) throws(KernelError) -> OwnedFD {
    let own = try openFile("/proc/self/ns/net", O_RDONLY)
    try enterNamespace(pidfd, .network, object: "the container's network namespace")
    defer {
        // Nothing of the shim's depends on it, but what it starts would be born there.
        do throws(KernelError) { try enterNamespace(own.raw, .network, object: "own") } catch { Complaint.write("\(error)") }
    }
    return try address.openSocket()
}
