// SPDX-License-Identifier: Apache-2.0

/// `GET /v1/snapshots`: one row of `snapshot ls`.
public struct SnapshotSummary: Codable, Sendable, Hashable {
    public enum Kind: String, Codable, Sendable, Hashable {
        case layer  // a lowerdir: one extracted layer, by diff ID
        case fixup  // a lowerdir: what a stack of layers needs on top to equal sequential extraction, by chain ID
        case upper  // a container's writable layer
    }
    public var kind: Kind
    /// The diff ID, the chain ID or the container's ID.
    public var key: String
    public var path: String
    /// Fixed at commit for lowers. Blocks on disk x 512; a hard-linked file counts once.
    public var sizeInBytes: Int64
    public var inodes: Int64
    public var compressedSizeInBytes: Int64?
    public var createdAt: String
    /// Images (manifest digests) that use a lower.
    public var images: [String]
    /// Containers that use it now; for an upper its own.
    public var containers: [String]
    /// A layer's tar.
    public var uncompressedSizeInBytes: Int64?
    /// Of an upper; left out where it never was.
    public var measuredAt: String?
    /// There was no time to measure the upper for this answer: it is as it was then.
    public var stale: Bool?
    public init(
        kind: Kind, key: String, path: String, sizeInBytes: Int64, inodes: Int64, compressedSizeInBytes: Int64?, createdAt: String,
        images: [String], containers: [String], uncompressedSizeInBytes: Int64? = nil, measuredAt: String? = nil, stale: Bool? = nil
    ) {
        self.kind = kind
        self.key = key
        self.path = path
        self.sizeInBytes = sizeInBytes
        self.inodes = inodes
        self.compressedSizeInBytes = compressedSizeInBytes
        self.createdAt = createdAt
        self.images = images
        self.containers = containers
        self.uncompressedSizeInBytes = uncompressedSizeInBytes
        self.measuredAt = measuredAt
        self.stale = stale
    }
}

/// `GET /v1/snapshots/usage`.
public struct SnapshotUsage: Codable, Sendable, Hashable {
    public var snapshots: [SnapshotSummary]
    public var lowerBytes: Int64
    public var lowerInodes: Int64
    public var upperBytes: Int64
    public var upperInodes: Int64
    /// What the lowers would take if each container had a copy of its own.
    public var unsharedBytes: Int64
    public var freeBytes: Int64
    public var freeInodes: Int64
    /// Of the lowers: those of one image alone, and those of several.
    public var exclusiveBytes: Int64
    public var sharedBytes: Int64
    public var images: [ImageShare]
    public init(
        snapshots: [SnapshotSummary], lowerBytes: Int64, lowerInodes: Int64, upperBytes: Int64, upperInodes: Int64, unsharedBytes: Int64,
        freeBytes: Int64, freeInodes: Int64, exclusiveBytes: Int64, sharedBytes: Int64, images: [ImageShare]
    ) {
        self.snapshots = snapshots
        self.lowerBytes = lowerBytes
        self.lowerInodes = lowerInodes
        self.upperBytes = upperBytes
        self.upperInodes = upperInodes
        self.unsharedBytes = unsharedBytes
        self.freeBytes = freeBytes
        self.freeInodes = freeInodes
        self.exclusiveBytes = exclusiveBytes
        self.sharedBytes = sharedBytes
        self.images = images
    }
}
