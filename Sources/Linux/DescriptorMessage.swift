// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import SystemPackage

/// One message with the descriptors that came along. Those that aren't taken are closed with the value. Source: unix(7), SCM_RIGHTS.
package struct DescriptorMessage: ~Copyable {
    package let bytes: [UInt8]
    private var descriptors: [CInt]

    fileprivate init(bytes: [UInt8], descriptors: [CInt]) {
        self.bytes = bytes
        self.descriptors = descriptors
    }

    deinit { for descriptor in descriptors { _ = close(descriptor) } }

    package var descriptorCount: Int { descriptors.count }

    /// The first of those that are left; nil where none is.
    package mutating func takeDescriptor() -> OwnedFD? { descriptors.isEmpty ? nil : OwnedFD(owning: descriptors.removeFirst()) }
}

extension UnixSocket {
    /// How many descriptors one message takes along.
    package static let descriptorLimit = Int(CTR_DESCRIPTORS_MAX)

    /// Sends one message whole.
    /// - Throws: `KernelError`; ETOOMANYREFS, and nothing is sent, with more descriptors than `descriptorLimit`.
    /// - Parameter waiting: false: EAGAIN, where the other end has not read enough.
    package static func send(
        _ bytes: [UInt8], with descriptors: [CInt] = [], to connection: borrowing OwnedFD, waiting: Bool = true
    ) throws(KernelError) {
        guard descriptors.count <= descriptorLimit else {
            throw KernelError(call: "sendmsg(2)", object: "\(descriptors.count) descriptors in a message", errno: .tooManyReferences)
        }
        let raw = connection.raw
        let flags = waiting ? 0 : CInt(MSG_DONTWAIT)
        try bytes.span.withUnsafeBytes { buffer throws(KernelError) in
            _ = try kernel("sendmsg(2)", "unix socket") {
                ctr_send_with(raw, buffer.baseAddress, buffer.count, descriptors, CInt(descriptors.count), flags)
            }
        }
    }

    /// Receives one message of at most `limit` bytes.
    /// - Parameter waiting: false: EAGAIN, where none is there.
    /// - Returns: a message without bytes at the connection's end.
    /// - Throws: `KernelError`; EMSGSIZE for a longer message, or one with more descriptors than `descriptorLimit`. It is lost then.
    package static func receive(from connection: borrowing OwnedFD, limit: Int, waiting: Bool = true) throws(KernelError)
        -> DescriptorMessage
    {
        let raw = connection.raw
        let flags = waiting ? 0 : CInt(MSG_DONTWAIT)
        var numbers = [CInt](repeating: -1, count: descriptorLimit)
        var numberCount: CInt = 0
        var isCut: CInt = 0
        let bytes = try [UInt8](unsafeUninitializedCapacity: limit) { (buffer, count) throws(KernelError) in
            count = try kernel("recvmsg(2)", "unix socket") {
                ctr_receive_with(raw, buffer.baseAddress, limit, &numbers, &numberCount, &isCut, flags)
            }
        }
        let message = DescriptorMessage(bytes: bytes, descriptors: Array(numbers.prefix(Int(numberCount))))
        if isCut != 0 { throw KernelError(call: "recvmsg(2)", object: "a message of more than \(limit) bytes", errno: .messageTooLong) }
        return message
    }
}
