// SPDX-License-Identifier: Apache-2.0

internal import JSON

/// The hash of a blob's stored bytes: `sha256:` and 64 lower-case hexadecimal digits.
///
/// Parsed once and strictly, before a path or a URL is made of it. Source: image-spec descriptor.md, "Digests".
public struct Digest: Hashable, Sendable, Comparable, LosslessStringConvertible {
    public enum Algorithm: String, Sendable, Hashable {
        case sha256, sha512
        var digitCount: Int { self == .sha256 ? 64 : 128 }
    }

    public let algorithm: Algorithm
    public let hex: String

    /// nil for anything but a whole digest of a known algorithm.
    public init?(_ text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let algorithm = Algorithm(rawValue: String(Substring(parts[0]))),
            parts[1].count == algorithm.digitCount,
            parts[1].allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
        else { return nil }
        self.algorithm = algorithm
        hex = String(Substring(parts[1]))
    }

    /// - Parameter sha256: the 32 bytes of a SHA-256.
    public init(sha256 bytes: some Sequence<UInt8>) {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(64)
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        precondition(text.count == 64, "a SHA-256 has 32 bytes")
        algorithm = .sha256
        hex = String(decoding: text, as: UTF8.self)
    }

    public var description: String { "\(algorithm.rawValue):\(hex)" }

    /// What tables show.
    public func short(_ digits: Int = 12) -> String { String(hex.prefix(digits)) }

    public static func < (one: Digest, other: Digest) -> Bool { one.description < other.description }
}

extension Digest: Codable {
    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let digest = Digest(text) else {
            throw DecodingError.dataCorrupted(
                .init(
                    codingPath: decoder.codingPath,
                    debugDescription: "\"\(printable(text))\" is not a digest (sha256: and 64 hexadecimal digits)"))
        }
        self = digest
    }

    public func encode(to encoder: any Encoder) throws {
        var value = encoder.singleValueContainer()
        try value.encode(description)
    }
}

/// The hash of a layer's uncompressed tar: what a layer is stored by. Source: image-spec config.md, "Layer DiffID".
public struct DiffID: Hashable, Sendable, Codable, Comparable, CustomStringConvertible {
    public let digest: Digest
    public init(_ digest: Digest) { self.digest = digest }
    public init(from decoder: any Decoder) throws { digest = try Digest(from: decoder) }
    public func encode(to encoder: any Encoder) throws { try digest.encode(to: encoder) }
    public var description: String { digest.description }
    public static func < (one: DiffID, other: DiffID) -> Bool { one.digest < other.digest }
}

/// The hash of a stack of layers. Source: image-spec config.md, "Layer ChainID".
public struct ChainID: Hashable, Sendable, Codable, CustomStringConvertible {
    public let digest: Digest
    public init(_ digest: Digest) { self.digest = digest }
    public init(from decoder: any Decoder) throws { digest = try Digest(from: decoder) }
    public func encode(to encoder: any Encoder) throws { try digest.encode(to: encoder) }
    public var description: String { digest.description }

    /// ChainID(L0) = DiffID(L0); ChainID(L0…Ln) = sha256(ChainID(L0…Ln-1) + " " + DiffID(Ln)).
    /// - Parameter sha256: the hash function; this module has none.
    /// - Returns: nil for an empty stack.
    public static func of(_ diffIDs: [DiffID], sha256: ([UInt8]) -> [UInt8]) -> ChainID? {
        guard let first = diffIDs.first else { return nil }
        return diffIDs.dropFirst().reduce(ChainID(first.digest)) { chain, diffID in
            ChainID(Digest(sha256: sha256(Array("\(chain) \(diffID)".utf8))))
        }
    }
}

/// A text from outside for a message: bounded, without control bytes.
package func printable(_ text: String, limit: Int = 128) -> String { JSONError.printable(text, limit: limit) }
