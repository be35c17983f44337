// SPDX-License-Identifier: Apache-2.0

/// `GET /v1/snapshots/tree`: which images stand on which layers. A list of stacks, not nested: an image may have 500 layers.
public struct SnapshotTree: Codable, Sendable, Hashable {
    public struct Image: Codable, Sendable, Hashable {
        public var manifestDigest: String
        public var references: [String]
        /// Diff IDs from the lowest up, as the manifest lists them, repeated ones repeated.
        public var layers: [String]
        /// The chain ID of what stands on top of them, where the stack needs it.
        public var fixup: String?
        public init(manifestDigest: String, references: [String], layers: [String], fixup: String?) {
            self.manifestDigest = manifestDigest
            self.references = references
            self.layers = layers
            self.fixup = fixup
        }
    }

    public var images: [Image]
    /// Layers and fix-ups, each once, however many images have them.
    public var layers: [SnapshotSummary]
    public init(images: [Image], layers: [SnapshotSummary]) {
        self.images = images
        self.layers = layers
    }
}

/// `GET /v1/snapshots/owner`: to what a path belongs.
public struct SnapshotOwner: Codable, Sendable, Hashable {
    public enum Kind: String, Codable, Sendable, Hashable {
        case layer  // an extracted layer
        case fixup  // what a stack of layers needs on top
        case upper  // what a container has written
        case container  // a container's log, bundle, network files or workdir
        case mount  // something that is mounted there in the container
        case blob  // a stored manifest, config or layer blob
        case records  // the database, or what is known of a layer
        case trash  // deleted already
        case underWay  // being pulled, loaded or unpacked
        case orphan  // in the place of a layer or container, but not recorded
        case root  // one of the root's own directories
        case unknown  // not made by the daemon
    }

    public var kind: Kind
    /// The diff ID, chain ID, container's ID or digest.
    public var key: String?
    /// Of the host.
    public var path: String?
    /// The path in the layer, upper or container.
    public var inside: String?
    /// `file`, `directory`, `link`, `device`, `pipe`, `socket`; left out where nothing is there.
    public var type: String?
    /// Blocks on disk x 512; of a directory itself alone.
    public var sizeInBytes: Int64?
    /// Of a directory in a container: the keys of all whose directories are merged into it, the uppermost first.
    public var merged: [String]?
    /// Manifest digests of the images that have it.
    public var images: [String]
    public var references: [String]
    public var containers: [String]
    /// What should be known about the answer.
    public var note: String?
    public init(
        kind: Kind, key: String? = nil, path: String? = nil, inside: String? = nil, type: String? = nil, sizeInBytes: Int64? = nil,
        merged: [String]? = nil, images: [String] = [], references: [String] = [], containers: [String] = [], note: String? = nil
    ) {
        self.kind = kind
        self.key = key
        self.path = path
        self.inside = inside
        self.type = type
        self.sizeInBytes = sizeInBytes
        self.merged = merged
        self.images = images
        self.references = references
        self.containers = containers
        self.note = note
    }
}

/// `GET /v1/snapshots/orphans`: one thing below the root that no record stands for.
public struct SnapshotOrphan: Codable, Sendable, Hashable {
    public enum Kind: String, Codable, Sendable, Hashable { case layer, container, blob, ingest, trash, unknown }
    /// What will happen to it.
    public enum Fate: String, Codable, Sendable, Hashable {
        case deleted  // in the trash: deleted when there is time
        case swept  // moved to the trash by the next sweep, at the latest when the daemon starts
        case underWay  // about to be recorded, or taken away, by what is being done
        case kept  // not the daemon's: left alone
    }

    public var kind: Kind
    public var path: String
    public var sizeInBytes: Int64
    public var inodes: Int64
    public var fate: Fate
    public init(kind: Kind, path: String, sizeInBytes: Int64, inodes: Int64, fate: Fate) {
        self.kind = kind
        self.path = path
        self.sizeInBytes = sizeInBytes
        self.inodes = inodes
        self.fate = fate
    }
}
