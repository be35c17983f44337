// SPDX-License-Identifier: Apache-2.0

package import Linux
package import Tar

/// Why a tree could not be archived, or an archive not be unpacked.
package enum TransferError: Error, Sendable, Hashable {
    /// The entry, in printable form.
    case kernel(entry: String, KernelError)
    case tar(TarError)
    /// What is in the way, or asked for what can't be.
    case refused(entry: String, reason: String)
}

extension TransferError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .kernel(let entry, let error): "\"\(entry)\": \(error)"
        case .tar(let error): "\(error)"
        case .refused(let entry, let reason): "\"\(entry)\": \(reason)"
        }
    }
}

/// Where an archive goes. Blocks.
package protocol TransferSink: ~Copyable {
    mutating func write(_ bytes: UnsafeRawBufferPointer) throws(KernelError)
}

/// A descriptor that takes an archive, in large pieces.
package struct DescriptorSink: TransferSink, ~Copyable {
    private let raw: CInt
    private var buffer: [UInt8] = []
    private static let pieceSize = 1 << 18

    /// - Parameter descriptor: stays the caller's.
    package init(lent descriptor: CInt) { raw = descriptor }

    package mutating func write(_ bytes: UnsafeRawBufferPointer) throws(KernelError) {
        if bytes.count >= Self.pieceSize {
            try flush()
            return try put(bytes)
        }
        buffer.append(contentsOf: bytes)
        if buffer.count >= Self.pieceSize { try flush() }
    }

    package mutating func flush() throws(KernelError) {
        let pending = buffer
        buffer.removeAll(keepingCapacity: true)
        try pending.span.withUnsafeBytes { bytes throws(KernelError) in try put(bytes) }
    }

    private func put(_ bytes: UnsafeRawBufferPointer) throws(KernelError) {
        var rest = bytes
        while !rest.isEmpty {
            let count = try writeSome(raw, rest, object: "an archive")
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }
}
