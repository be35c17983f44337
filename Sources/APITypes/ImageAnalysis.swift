// SPDX-License-Identifier: Apache-2.0

/// `GET /v1/images/efficiency?reference=`: what an image's layers carry that its tree does not show.
///
/// A file counts with its size, once in its layer whatever names it has there; a layer that is listed twice counts once. A file is
/// wasted where layers above leave it no name: they write it again, or delete it.
public struct ImageEfficiency: Codable, Sendable, Hashable {
    public struct Path: Codable, Sendable, Hashable {
        /// From the image's root. Bytes that are no UTF-8 are written as `\xNN`.
        public var path: String
        /// In how many layers there is a file, the one that is seen included.
        public var timesWritten: Int
        public var wastedBytes: Int64
        /// The image has nothing there.
        public var deleted: Bool
        public init(path: String, timesWritten: Int, wastedBytes: Int64, deleted: Bool) {
            self.path = path
            self.timesWritten = timesWritten
            self.wastedBytes = wastedBytes
            self.deleted = deleted
        }
    }
    public var manifestDigest: String
    /// 1 - wasted / content; 1 where there is no content.
    public var score: Double
    /// All files of all layers.
    public var contentBytes: Int64
    public var wastedBytes: Int64
    public var overwrittenFiles: Int64
    public var deletedFiles: Int64
    /// How many paths waste bytes.
    public var wastedPaths: Int64
    /// The hundred worst of them, worst first.
    public var paths: [Path]
    public init(
        manifestDigest: String, score: Double, contentBytes: Int64, wastedBytes: Int64, overwrittenFiles: Int64, deletedFiles: Int64,
        wastedPaths: Int64, paths: [Path]
    ) {
        self.manifestDigest = manifestDigest
        self.score = score
        self.contentBytes = contentBytes
        self.wastedBytes = wastedBytes
        self.overwrittenFiles = overwrittenFiles
        self.deletedFiles = deletedFiles
        self.wastedPaths = wastedPaths
        self.paths = paths
    }
}

/// `GET /v1/images/tree?reference=`: an image's layers, what made them and what they take.
public struct ImageTree: Codable, Sendable, Hashable {
    /// Whether the config says which step made which layer.
    public enum History: String, Codable, Sendable, Hashable {
        case known
        case missing
        case mismatched  // steps and layers differ in number
    }
    public struct Layer: Codable, Sendable, Hashable {
        public var diffID: String
        public var digest: String?
        /// The command that made it, as the builder wrote it.
        public var createdBy: String?
        public var comment: String?
        public var createdAt: String?
        public var compressedSizeInBytes: Int64?
        /// On disk.
        public var sizeInBytes: Int64
        public var inodes: Int64
        /// Of its files, as `image efficiency` counts them.
        public var contentBytes: Int64
        public var wastedBytes: Int64
        /// The image lists the layer again above: its files are counted there.
        public var repeated: Bool
        public init(
            diffID: String, digest: String?, createdBy: String?, comment: String?, createdAt: String?, compressedSizeInBytes: Int64?,
            sizeInBytes: Int64, inodes: Int64, contentBytes: Int64, wastedBytes: Int64, repeated: Bool
        ) {
            self.diffID = diffID
            self.digest = digest
            self.createdBy = createdBy
            self.comment = comment
            self.createdAt = createdAt
            self.compressedSizeInBytes = compressedSizeInBytes
            self.sizeInBytes = sizeInBytes
            self.inodes = inodes
            self.contentBytes = contentBytes
            self.wastedBytes = wastedBytes
            self.repeated = repeated
        }
    }
    public var manifestDigest: String
    public var history: History
    /// From the lowest up.
    public var layers: [Layer]
    /// What the stack needs on top to equal sequential extraction; left out where it needs nothing.
    public var fixupSizeInBytes: Int64?
    public init(manifestDigest: String, history: History, layers: [Layer], fixupSizeInBytes: Int64?) {
        self.manifestDigest = manifestDigest
        self.history = history
        self.layers = layers
        self.fixupSizeInBytes = fixupSizeInBytes
    }
}
