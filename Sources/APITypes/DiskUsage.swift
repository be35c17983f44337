// SPDX-License-Identifier: Apache-2.0

/// `GET /v1/system/df`: what the root takes, and what of it could be had back. Sizes are blocks on disk x 512.
public struct DiskUsage: Codable, Sendable, Hashable {
    /// One kind of thing. The sizes of all of them are the total's.
    public struct Part: Codable, Sendable, Hashable {
        public var count: Int
        public var sizeInBytes: Int64
        public var inodes: Int64
        /// The oldest measurement in it; left out for what is counted when it is stored.
        public var measuredAt: String?
        /// There was no time to measure everything for this answer: some of it is as it was then.
        public var stale: Bool?
        public init(count: Int, sizeInBytes: Int64, inodes: Int64, measuredAt: String? = nil, stale: Bool? = nil) {
            self.count = count
            self.sizeInBytes = sizeInBytes
            self.inodes = inodes
            self.measuredAt = measuredAt
            self.stale = stale
        }
    }

    public struct Images: Codable, Sendable, Hashable {
        public var count: Int
        /// That containers use.
        public var active: Int
        /// Their layers, each once.
        public var sizeInBytes: Int64
        public var inodes: Int64
        /// What would go with every image that no container uses.
        public var reclaimableBytes: Int64
        public var reclaimableInodes: Int64
        public init(
            count: Int, active: Int, sizeInBytes: Int64, inodes: Int64, reclaimableBytes: Int64, reclaimableInodes: Int64
        ) {
            self.count = count
            self.active = active
            self.sizeInBytes = sizeInBytes
            self.inodes = inodes
            self.reclaimableBytes = reclaimableBytes
            self.reclaimableInodes = reclaimableInodes
        }
    }

    /// The images' layers and fix-ups again, by who uses them.
    public struct Layers: Codable, Sendable, Hashable {
        public var count: Int
        /// Of one image alone.
        public var uniqueBytes: Int64
        /// Of several.
        public var sharedBytes: Int64
        /// Of no image any more, held by containers: not part of the images' size.
        public var detached: Part
        public init(count: Int, uniqueBytes: Int64, sharedBytes: Int64, detached: Part) {
            self.count = count
            self.uniqueBytes = uniqueBytes
            self.sharedBytes = sharedBytes
            self.detached = detached
        }
    }

    /// What containers have written.
    public struct Uppers: Codable, Sendable, Hashable {
        public enum Method: String, Codable, Sendable, Hashable {
            case quota  // the filesystem counts them; deleted files that are still open are in it
            case walk  // they are walked
        }
        public var method: Method
        public var running: Int
        /// Of those that don't run.
        public var reclaimableBytes: Int64
        public var reclaimableInodes: Int64
        /// How many are as they were measured before.
        public var staleCount: Int
        public var part: Part
        public init(
            method: Method, running: Int, reclaimableBytes: Int64, reclaimableInodes: Int64, staleCount: Int, part: Part
        ) {
            self.method = method
            self.running = running
            self.reclaimableBytes = reclaimableBytes
            self.reclaimableInodes = reclaimableInodes
            self.staleCount = staleCount
            self.part = part
        }
    }

    public var root: String
    public var filesystem: String
    public var images: Images
    public var layers: Layers
    public var uppers: Uppers
    /// Logs, bundles and workdirs.
    public var containerFiles: Part
    /// Manifests, configs, and layer blobs where they are kept.
    public var blobs: Part
    /// Deleted already, and on its way.
    public var trash: Part
    /// Being pulled, loaded or unpacked.
    public var underWay: Part
    /// The database, and what is known of the layers.
    public var records: Part
    public var totalBytes: Int64
    public var totalInodes: Int64
    public var freeBytes: Int64
    public var freeInodes: Int64
    public var reserveBytes: Int64
    public var reserveInodes: Int64
    /// With `verbose`.
    public var imageRows: [ImageShare]?
    public var snapshotRows: [SnapshotSummary]?
    public init(
        root: String, filesystem: String, images: Images, layers: Layers, uppers: Uppers, containerFiles: Part, blobs: Part, trash: Part,
        underWay: Part, records: Part, totalBytes: Int64, totalInodes: Int64, freeBytes: Int64, freeInodes: Int64, reserveBytes: Int64,
        reserveInodes: Int64, imageRows: [ImageShare]? = nil, snapshotRows: [SnapshotSummary]? = nil
    ) {
        self.root = root
        self.filesystem = filesystem
        self.images = images
        self.layers = layers
        self.uppers = uppers
        self.containerFiles = containerFiles
        self.blobs = blobs
        self.trash = trash
        self.underWay = underWay
        self.records = records
        self.totalBytes = totalBytes
        self.totalInodes = totalInodes
        self.freeBytes = freeBytes
        self.freeInodes = freeInodes
        self.reserveBytes = reserveBytes
        self.reserveInodes = reserveInodes
        self.imageRows = imageRows
        self.snapshotRows = snapshotRows
    }
}

/// What one image takes, and with whom it shares it.
public struct ImageShare: Codable, Sendable, Hashable {
    public var manifestDigest: String
    public var references: [String]
    /// Of the blobs that it was pulled as; a layer that is listed twice counts once.
    public var compressedBytes: Int64
    /// Its layers and fix-up on disk.
    public var sizeInBytes: Int64
    /// Of layers that no other image has.
    public var exclusiveBytes: Int64
    public var sharedBytes: Int64
    /// Manifest digests of the images that have a layer of it, too.
    public var sharedWith: [String]
    public var containers: [String]
    public init(
        manifestDigest: String, references: [String], compressedBytes: Int64, sizeInBytes: Int64, exclusiveBytes: Int64, sharedBytes: Int64,
        sharedWith: [String], containers: [String]
    ) {
        self.manifestDigest = manifestDigest
        self.references = references
        self.compressedBytes = compressedBytes
        self.sizeInBytes = sizeInBytes
        self.exclusiveBytes = exclusiveBytes
        self.sharedBytes = sharedBytes
        self.sharedWith = sharedWith
        self.containers = containers
    }
}
