// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import JSON
package import Linux
package import SystemPackage

/// One end of a shim's conversation: a connected SOCK_SEQPACKET socket, one JSON object a message. See ShimMessage.swift.
///
/// Calls wait unless `waiting` is false; poll `descriptor` for what comes. Errors that mean "the other end has gone" (EPIPE,
/// ECONNRESET) are no errors for receiving: they are the end.
package struct ShimConnection: ~Copyable, Sendable {
    private let socket: OwnedFD

    package static let messageLimit = 64 * 1024

    package init(_ socket: consuming OwnedFD) { self.socket = socket }

    /// For poll(2) and epoll(7); the connection keeps owning it.
    package var descriptor: CInt { socket.raw }

    /// - Parameter waiting: false: EAGAIN where the shim has not accepted those that came before, and no later call on the connection waits.
    package static func connect(to path: FilePath, waiting: Bool = true) throws(KernelError) -> ShimConnection {
        ShimConnection(try UnixSocket.connect(to: path, .packets, waiting: waiting))
    }

    /// Both ends at once: the engine keeps one and spawns the shim with the other as descriptor 3.
    package static func pair() throws(KernelError) -> Pair {
        var ends = try UnixSocket.Pair(.packets)
        return Pair(engine: ShimConnection(ends.takeFirst()), shim: ends.takeSecond())
    }

    package struct Pair: ~Copyable {
        package let engine: ShimConnection
        package let shim: OwnedFD

        fileprivate init(engine: consuming ShimConnection, shim: consuming OwnedFD) {
            self.engine = engine
            self.shim = shim
        }

        /// After the spawn: closes the shim's end here, so that the engine sees the shim's own end.
        package consuming func engineOnly() -> ShimConnection { engine }
    }

    // MARK: The engine's and the client's side

    package borrowing func send(_ request: ShimRequest, with descriptors: [CInt] = []) throws(KernelError) {
        try UnixSocket.send(try Self.encode(request), with: descriptors, to: socket)
    }

    /// The next message, without its descriptors (those are closed).
    /// - Returns: nil at the end.
    /// - Throws: `KernelError`; EBADMSG for what is no message of this protocol.
    package borrowing func receiveMessage(waiting: Bool = true) throws(KernelError) -> ShimMessage? {
        guard let delivery = try receive(waiting: waiting) else { return nil }
        return delivery.message
    }

    /// The next message with its descriptors.
    /// - Returns: nil at the end.
    package borrowing func receive(waiting: Bool = true) throws(KernelError) -> ShimDelivery<ShimMessage>? {
        try delivery(waiting: waiting)
    }

    // MARK: The shim's side

    package borrowing func send(_ message: ShimMessage, with descriptors: [CInt] = [], waiting: Bool = true) throws(KernelError) {
        try UnixSocket.send(try Self.encode(message), with: descriptors, to: socket, waiting: waiting)
    }

    /// - Returns: nil at the end.
    /// - Throws: `KernelError`; EBADMSG for what is no request.
    package borrowing func receiveRequest(waiting: Bool = true) throws(KernelError) -> ShimRequest? {
        let received = try receiveBytes(waiting: waiting)
        return received.bytes.isEmpty ? nil : try Self.decode(ShimRequest.self, received.bytes)
    }

    /// Waits for the next request, which may bring descriptors.
    /// - Returns: nil at the end.
    package borrowing func receiveRequestWithDescriptors() throws(KernelError) -> ShimDelivery<ShimRequest>? { try delivery(waiting: true) }

    package borrowing func peer() throws(KernelError) -> PeerCredentials { try PeerCredentials(of: socket) }

    // MARK: Bytes

    private borrowing func delivery<Message: Decodable & Sendable>(waiting: Bool) throws(KernelError) -> ShimDelivery<Message>? {
        let received = try receiveBytes(waiting: waiting)
        if received.bytes.isEmpty { return nil }
        return ShimDelivery(message: try Self.decode(Message.self, received.bytes), received)
    }

    /// A peer that closed with requests unread resets the connection; the kernel says so once, and before what can still be read.
    private borrowing func receiveBytes(waiting: Bool) throws(KernelError) -> DescriptorMessage {
        do throws(KernelError) {
            return try UnixSocket.receive(from: socket, limit: Self.messageLimit, waiting: waiting)
        } catch  where error.errno == .connectionReset {
            return try UnixSocket.receive(from: socket, limit: Self.messageLimit, waiting: waiting)
        }
    }

    private static func encode<Value: Encodable>(_ value: Value) throws(KernelError) -> [UInt8] {
        do throws(JSONError) { return try JSON.encode(value) } catch {
            throw KernelError(call: "sendmsg(2)", object: "\(error)", errno: .badMessage)
        }
    }

    private static func decode<Value: Decodable>(_ type: Value.Type, _ bytes: [UInt8]) throws(KernelError) -> Value {
        do throws(JSONError) { return try JSON.decode(type, from: bytes) } catch {
            throw KernelError(call: "recvmsg(2)", object: "\(error)", errno: .badMessage)
        }
    }
}

/// A message and the descriptors that came along; those that aren't taken are closed with the value.
package struct ShimDelivery<Message: Sendable>: ~Copyable {
    package let message: Message
    private var received: DescriptorMessage

    fileprivate init(message: Message, _ received: consuming DescriptorMessage) {
        self.message = message
        self.received = received
    }

    package var descriptorCount: Int { received.descriptorCount }

    /// The next one, in the order of the message.
    package mutating func takeDescriptor() -> OwnedFD? { received.takeDescriptor() }
}

extension KernelError {
    /// The answers of a shim that is not there, or just going. Anything else (EMFILE, ENOMEM) says nothing about it.
    package var meansNoShim: Bool {
        [.noSuchFileOrDirectory, .connectionRefused, .connectionReset, .brokenPipe].contains(errno)
    }

    /// It is there, and as many wait for it as its socket takes.
    package var meansBusyShim: Bool { errno == .wouldBlock || errno == .resourceTemporarilyUnavailable }
}
