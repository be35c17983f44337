// SPDX-License-Identifier: Apache-2.0

/// `POST /v1/prune`: which images may go. Never one that a container has, running or not, nor one that is pinned.
public struct PruneRequest: Codable, Sendable, Hashable {
    /// Only what was not used for so long; nil and 0: whenever it was used last.
    public var unusedForSeconds: Int64?
    /// Only images that no name points at.
    public var dangling: Bool?
    /// First remove the containers that have ended (so long ago).
    public var containers: Bool?
    /// Change nothing: tell what would go.
    public var dryRun: Bool?
    public init(unusedForSeconds: Int64? = nil, dangling: Bool? = nil, containers: Bool? = nil, dryRun: Bool? = nil) {
        self.unusedForSeconds = unusedForSeconds
        self.dangling = dangling
        self.containers = containers
        self.dryRun = dryRun
    }
}

/// What went, or would go.
public struct PruneResponse: Codable, Sendable, Hashable {
    public struct Image: Codable, Sendable, Hashable {
        /// The config's digest.
        public var id: String
        public var manifestDigest: String
        /// The names that are gone with it, in familiar form.
        public var references: [String]
        public var lastUsedAt: String
        /// Of its layers and documents: what no image that stays has, nor one before it in this list.
        public var freedBytes: Int64
        public var freedInodes: Int64
        public init(
            id: String, manifestDigest: String, references: [String], lastUsedAt: String, freedBytes: Int64, freedInodes: Int64
        ) {
            self.id = id
            self.manifestDigest = manifestDigest
            self.references = references
            self.lastUsedAt = lastUsedAt
            self.freedBytes = freedBytes
            self.freedInodes = freedInodes
        }
    }

    public struct Container: Codable, Sendable, Hashable {
        public var id: String
        public var name: String
        public var freedBytes: Int64
        public var freedInodes: Int64
        public init(id: String, name: String, freedBytes: Int64, freedInodes: Int64) {
            self.id = id
            self.name = name
            self.freedBytes = freedBytes
            self.freedInodes = freedInodes
        }
    }

    public var dryRun: Bool
    /// The longest unused first.
    public var images: [Image]
    public var containers: [Container]
    /// Diff IDs, and chain IDs of fix-ups.
    public var layers: [String]
    public var blobs: [String]
    /// Blocks on disk x 512, and inodes: layers, blobs and writable layers together. Layers and writable layers are deleted in the background.
    public var freedBytes: Int64
    public var freedInodes: Int64
    public init(
        dryRun: Bool, images: [Image], containers: [Container], layers: [String], blobs: [String], freedBytes: Int64, freedInodes: Int64
    ) {
        self.dryRun = dryRun
        self.images = images
        self.containers = containers
        self.layers = layers
        self.blobs = blobs
        self.freedBytes = freedBytes
        self.freedInodes = freedInodes
    }
}
