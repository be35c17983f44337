// SPDX-License-Identifier: Apache-2.0

package import OCI

/// What is known of an extracted layer, beside its files: `layer.json`.
package struct LayerFacts: Codable, Sendable, Hashable {
    package var diffID: DiffID
    package var digest: Digest
    /// Of the stored blob.
    package var compressedSize: Int64
    /// Of the tar.
    package var uncompressedSize: Int64
    /// Blocks x 512; a hard-linked file counts once.
    package var diskBytes: Int64
    package var inodes: Int64
    package var entries: Int64
    /// Directories that entries needed and the layer did not list: their attributes belong to the layers below. The root is "".
    package var implied: [LayerPath]
    /// Names that the layer deletes and that stand in its directories as 0:0 devices.
    package var whiteouts: [LayerPath]
    /// Directories that hide what is below.
    package var opaques: [LayerPath]
    /// Hard links to files that only a lower layer can have.
    package var externalLinks: [ExternalLink]
    /// What could not be stored and was not needed: an attribute that the filesystem does not know.
    package var warnings: [String]
    /// Of the listing beside it; nil for a layer that was stored by a version without listings.
    package var listing: ListingSummary?

    package struct ExternalLink: Codable, Sendable, Hashable {
        package var path: LayerPath
        package var target: LayerPath
        package init(path: LayerPath, target: LayerPath) {
            self.path = path
            self.target = target
        }
    }

    package init(diffID: DiffID, digest: Digest) {
        self.diffID = diffID
        self.digest = digest
        compressedSize = 0
        uncompressedSize = 0
        diskBytes = 0
        inodes = 0
        entries = 0
        implied = []
        whiteouts = []
        opaques = []
        externalLinks = []
        warnings = []
    }
}

/// A path in a layer: names as bytes, from the root down. In JSON a text where it is UTF-8, else its hexadecimal digits behind "\0".
package struct LayerPath: Sendable, Hashable, Comparable, Codable, CustomStringConvertible {
    package var components: [[UInt8]]

    package init(_ components: [[UInt8]]) { self.components = components }

    /// - Parameter bytes: separated by slashes; empty parts are dropped.
    package init(bytes: some Collection<UInt8>) { components = bytes.split(separator: UInt8(ascii: "/")).map { Array($0) } }

    package var bytes: [UInt8] { Array(components.joined(separator: [UInt8(ascii: "/")])) }

    package var description: String { String(decoding: bytes, as: UTF8.self) }

    /// By bytes, name for name.
    package static func < (left: Self, right: Self) -> Bool {
        for (left, right) in zip(left.components, right.components) where left != right { return left.lexicographicallyPrecedes(right) }
        return left.components.count < right.components.count
    }

    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard text.utf8.first == 0 else {
            self.init(bytes: text.utf8)
            return
        }
        let digits = Array(text.utf8.dropFirst())
        self.init(
            bytes: stride(from: 0, to: digits.count - 1, by: 2).compactMap {
                UInt8(String(decoding: digits[$0...($0 + 1)], as: UTF8.self), radix: 16)
            })
    }

    package func encode(to encoder: any Encoder) throws {
        var value = encoder.singleValueContainer()
        // A NUL in front says that digits follow, and so is written as digits itself.
        if bytes.first != 0, let text = String(validating: bytes, as: UTF8.self) { return try value.encode(text) }
        try value.encode("\0" + bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined())
    }
}
