// SPDX-License-Identifier: Apache-2.0

package import OCI

/// What a directory below `layers/` is found by.
package enum LayerKey: Hashable, Sendable {
    /// One extracted layer, whatever stack it stands in.
    case layer(DiffID)
    /// What one stack needs on top, so that its merged tree equals sequential extraction.
    case fixup(ChainID)

    package var text: String {
        switch self {
        case .layer(let diffID): diffID.description
        case .fixup(let chainID): Self.fixupPrefix + chainID.description
        }
    }

    private static let fixupPrefix = "fixup:"

    package init?(text: String) {
        if text.hasPrefix(Self.fixupPrefix) {
            guard let digest = Digest(String(text.dropFirst(Self.fixupPrefix.count))) else { return nil }
            self = .fixup(ChainID(digest))
        } else {
            guard let digest = Digest(text) else { return nil }
            self = .layer(DiffID(digest))
        }
    }

    /// As `snapshot ls` shows it: twelve digits.
    package var shortText: String {
        switch self {
        case .layer(let diffID): String(diffID.digest.hex.prefix(12))
        case .fixup(let chainID): String(chainID.digest.hex.prefix(12))
        }
    }

    package var diffID: DiffID? {
        if case .layer(let diffID) = self { diffID } else { nil }
    }
}

/// A layer that is whole and on stable storage.
package struct LayerRecord: Hashable, Sendable {
    package var id: Int64
    package var key: LayerKey
    package var size: LayerSize
    /// RFC 3339, UTC.
    package var createdAt: String
    package var seal: LayerSeal
    /// What a check found first; nil: nothing.
    package var damage: String?

    package init(
        id: Int64, key: LayerKey, size: LayerSize, createdAt: String, seal: LayerSeal = LayerSeal(), damage: String? = nil
    ) {
        self.id = id
        self.key = key
        self.size = size
        self.createdAt = createdAt
        self.seal = seal
        self.damage = damage
    }

    /// The directory's name below `layers/`.
    package var shortID: String { Self.shortID(id) }

    /// Base 36: short names keep the page of overlay options that mount(2) takes from filling up.
    package static func shortID(_ id: Int64) -> String { String(id, radix: 36) }

    /// nil for a name that `shortID` does not make.
    package static func id(shortID: String) -> Int64? {
        guard let id = Int64(shortID, radix: 36), self.shortID(id) == shortID else { return nil }
        return id
    }
}

/// What a layer's directory must hold, fixed when it was committed. All nil for one that an older version stored.
package struct LayerSeal: Hashable, Sendable {
    /// Of the listing's bytes.
    package var listingDigest: Digest?
    /// Names in the listing.
    package var listingEntries: Int64?
    /// Of the bytes of `layer.json`.
    package var factsChecksum: UInt64?

    package init(listingDigest: Digest? = nil, listingEntries: Int64? = nil, factsChecksum: UInt64? = nil) {
        self.listingDigest = listingDigest
        self.listingEntries = listingEntries
        self.factsChecksum = factsChecksum
    }
}

/// What a layer takes, fixed when it was committed.
package struct LayerSize: Hashable, Sendable {
    /// The blob that it was unpacked from; nil for a fix-up.
    package var blobDigest: Digest?
    package var compressedBytes: Int64?
    /// Of the tar.
    package var uncompressedBytes: Int64
    /// Blocks on disk x 512; a hard-linked file counts once.
    package var diskBytes: Int64
    package var inodes: Int64

    package init(blobDigest: Digest? = nil, compressedBytes: Int64? = nil, uncompressedBytes: Int64 = 0, diskBytes: Int64, inodes: Int64) {
        self.blobDigest = blobDigest
        self.compressedBytes = compressedBytes
        self.uncompressedBytes = uncompressedBytes
        self.diskBytes = diskBytes
        self.inodes = inodes
    }
}
