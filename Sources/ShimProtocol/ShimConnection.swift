// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import JSON
package import Linux
package import SystemPackage

/// One end of the protocol that ShimMessage.swift draws: messages of JSON, with descriptors beside some of them.
///
/// Calls block unless said otherwise. Both ends close a connection that says what they don't understand.
package struct ShimConnection: ~Copyable, Sendable {
    private let socket: OwnedFD

    package static let longestMessage = 1 << 16

    package init(_ socket: consuming OwnedFD) { self.socket = socket }

    /// Two connected ends: one for the engine, one that a shim inherits.
    package static func pair(_ body: (consuming ShimConnection, consuming OwnedFD) throws(KernelError) -> Void) throws(KernelError) {
        try UnixSocket.pair(.messages).split { ours, theirs throws(KernelError) in try body(ShimConnection(ours), theirs) }
    }

    /// - Throws: ECONNREFUSED or ENOENT where the shim has ended.
    package static func connect(to path: FilePath) throws(KernelError) -> ShimConnection {
        ShimConnection(try UnixSocket.connect(to: path, .messages))
    }

    /// For poll(2) and epoll(7).
    package var descriptor: CInt { socket.raw }

    package borrowing func send(_ request: ShimRequest) throws(KernelError) { try send(encoded(request), []) }

    /// - Parameter wait: false gives EAGAIN where the peer does not read: the shim waits for nobody.
    package borrowing func send(_ message: ShimMessage, descriptors: [CInt] = [], wait: Bool = true) throws(KernelError) {
        try send(encoded(message), descriptors, wait: wait)
    }

    /// nil: the peer has gone.
    package borrowing func receiveRequest() throws(KernelError) -> ShimRequest? {
        var received = try receive()
        _ = received.takeDescriptors()
        return try decoded(ShimRequest.self, received.bytes)
    }

    /// nil: the shim has ended. Descriptors that came along are closed.
    package borrowing func receiveMessage() throws(KernelError) -> ShimMessage? {
        try decoded(ShimMessage.self, try receive().bytes)
    }

    /// The same with the descriptors, in the order of the message's streams. They are the caller's to close.
    package borrowing func receiveMessageAndDescriptors() throws(KernelError) -> (message: ShimMessage?, descriptors: [CInt]) {
        var received = try receive()
        return (try decoded(ShimMessage.self, received.bytes), received.takeDescriptors())
    }

    private struct Received: ~Copyable {
        var bytes: [UInt8]
        private var descriptors: [CInt]
        init(bytes: [UInt8], descriptors: [CInt]) {
            self.bytes = bytes
            self.descriptors = descriptors
        }
        mutating func takeDescriptors() -> [CInt] {
            defer { descriptors = [] }
            return descriptors
        }
        deinit { for descriptor in descriptors { close(descriptor) } }
    }

    private borrowing func receive() throws(KernelError) -> Received {
        var buffer = [UInt8](repeating: 0, count: Self.longestMessage)
        var descriptors = [CInt](repeating: -1, count: Int(CTR_MAX_DESCRIPTORS))
        var count: CInt = 0
        let raw = socket.raw
        var span = buffer.mutableSpan
        let size = try span.withUnsafeMutableBytes { bytes throws(KernelError) in
            try kernel("recvmsg(2)", "shim connection") { ctr_receive(raw, bytes.baseAddress, bytes.count, &descriptors, &count, 0) }
        }
        return Received(bytes: Array(buffer[..<size]), descriptors: Array(descriptors[..<Int(count)]))
    }

    private borrowing func send(_ bytes: [UInt8], _ descriptors: [CInt], wait: Bool = true) throws(KernelError) {
        let raw = socket.raw
        try bytes.span.withUnsafeBytes { buffer throws(KernelError) in
            _ = try kernel("sendmsg(2)", "shim connection") {
                ctr_send(raw, buffer.baseAddress, buffer.count, descriptors, CInt(descriptors.count), wait ? 0 : CInt(MSG_DONTWAIT))
            }
        }
    }

    private borrowing func encoded(_ value: some Encodable) throws(KernelError) -> [UInt8] {
        do throws(JSONError) { return try JSON.encode(value) } catch {
            throw KernelError(call: "encode", object: "\(error)", errno: .invalidArgument)
        }
    }

    private borrowing func decoded<Value: Decodable>(_ type: Value.Type, _ bytes: [UInt8]) throws(KernelError) -> Value? {
        if bytes.isEmpty { return nil }
        do throws(JSONError) { return try JSON.decode(type, from: bytes) } catch {
            throw KernelError(call: "decode", object: "a shim message: \(error)", errno: Errno(rawValue: EPROTO))
        }
    }
}
