// SPDX-License-Identifier: Apache-2.0

package import Linux
package import Metadata
package import OCI
internal import SystemPackage

/// Why a blob could not be stored or read. A blob that was refused is not stored.
package enum ContentError: Error, Sendable, Hashable {
    case notFound(Digest)
    /// The bytes are not what the digest says. Of a stored blob: the disk, or somebody, changed it.
    case digestMismatch(expected: Digest, found: Digest, stored: Bool)
    case sizeMismatch(Digest, expected: Int64, found: Int64)
    case tooLarge(Digest, size: Int64, limit: Int)
    /// Only SHA-256 is computed here.
    case unsupportedAlgorithm(Digest)
    case metadata(MetadataError)
    case kernel(KernelError)
}

extension ContentError {
    package var isOutOfSpace: Bool {
        switch self {
        case .metadata(let error): error.isOutOfSpace
        case .kernel(let error): error.isOutOfSpace
        default: false
        }
    }

    package var remedy: String? {
        switch self {
        case .notFound, .digestMismatch(_, _, stored: true): "pull the image again"
        case .metadata(let error): error.remedy
        case .kernel where isOutOfSpace: "free space or inodes on the filesystem of the root"
        case .digestMismatch, .sizeMismatch, .tooLarge, .unsupportedAlgorithm, .kernel: nil
        }
    }
}

extension ContentError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .notFound(let digest): "blob \(digest) is not stored"
        case .digestMismatch(let expected, let found, let stored):
            stored ? "stored blob \(expected) is damaged: its bytes have digest \(found)" : "blob \(expected) has digest \(found)"
        case .sizeMismatch(let digest, let expected, let found): "blob \(digest) has \(found) bytes, not \(expected)"
        case .tooLarge(let digest, let size, let limit): "blob \(digest) has \(size) bytes, more than \(limit)"
        case .unsupportedAlgorithm(let digest): "blob \(digest): only sha256 can be stored"
        case .metadata(let error): "\(error)"
        case .kernel(let error): "\(error)"
        }
    }
}

func kernelStep<Value: ~Copyable>(_ body: () throws(KernelError) -> Value) throws(ContentError) -> Value {
    do throws(KernelError) { return try body() } catch { throw .kernel(error) }
}

func metadataStep<Value>(_ body: () throws(MetadataError) -> Value) throws(ContentError) -> Value {
    do throws(MetadataError) { return try body() } catch { throw .metadata(error) }
}
