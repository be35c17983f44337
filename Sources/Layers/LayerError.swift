// SPDX-License-Identifier: Apache-2.0

package import Compression
package import Linux
package import OCI
internal import SystemPackage
package import Tar

/// Why a layer was refused. What was extracted until then is the caller's to throw away.
package enum LayerError: Error, Sendable, Hashable {
    /// The stream that was to be read failed; the reason is its giver's.
    case source(String)
    case wrongSize(expected: Int64, got: Int64)
    case wrongDigest(expected: Digest, got: Digest)
    case wrongDiffID(expected: DiffID, got: DiffID)
    case wrongFormat(MediaType, found: CompressionFormat)
    case compression(CompressionError)
    case tar(TarError)
    /// One entry that can't be taken: its name as it is shown, and why.
    case entry(String, reason: String)
    case kernel(entry: String, KernelError)
    /// The reserve would be touched. `needed` is the least that was still to come: of a stream nobody knows all of it.
    case notEnoughBytes(needed: UInt64, free: UInt64, reserve: UInt64)
    case notEnoughInodes(needed: UInt64, free: UInt64, reserve: UInt64)
    /// The kernel said so first.
    case noSpace(entry: String, KernelError, neededBytes: UInt64, freeBytes: UInt64, freeInodes: UInt64)
    case cancelled
}

extension LayerError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .source(let reason): reason
        case .wrongSize(let expected, let got): "the blob has \(got) bytes or more, its descriptor says \(expected)"
        case .wrongDigest(let expected, let got): "the blob's digest is \(got), \(expected) was expected"
        case .wrongDiffID(let expected, let got): "the layer's diff ID is \(got), the image config says \(expected)"
        case .wrongFormat(let type, let found):
            "media type \(type), but the bytes are \(found == .none ? "not compressed" : found.rawValue)"
        case .compression(let error): "\(error)"
        case .tar(let error): "\(error)"
        case .entry(let name, let reason): "entry \"\(name)\": \(reason)"
        case .kernel(let entry, let error): "entry \"\(entry)\": \(error)"
        case .notEnoughBytes(let needed, let free, let reserve):
            "\(needed) bytes or more are needed to go on, \(free) are free, of which \(reserve) stay in reserve: the layer was not finished"
        case .notEnoughInodes(let needed, let free, let reserve):
            "\(needed) inodes or more are needed to go on, \(free) are free, of which \(reserve) stay in reserve: the layer was not finished"
        case .noSpace(let entry, let error, let needed, let bytes, let inodes):
            "entry \"\(entry)\": \(error): \(needed) bytes and an inode are needed for it, \(bytes) bytes and \(inodes) inodes are free"
        case .cancelled: "cancelled"
        }
    }

    /// Bytes or inodes ran out, whoever noticed.
    package var isOutOfSpace: Bool {
        switch self {
        case .notEnoughBytes, .notEnoughInodes, .noSpace: true
        case .kernel(_, let error): error.isOutOfSpace
        default: false
        }
    }
}
