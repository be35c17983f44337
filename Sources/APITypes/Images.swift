// SPDX-License-Identifier: Apache-2.0

/// Credentials for one registry, for the length of one request. Never stored or logged by the daemon.
public struct RegistryCredentials: Codable, Sendable, Hashable {
    public var username: String
    public var password: String
    public init(username: String, password: String) {
        self.username = username
        self.password = password
    }
}

/// `POST /v1/images/pull`; the answer is a stream of `PullEvent` lines.
public struct PullRequest: Codable, Sendable, Hashable {
    public var reference: String
    public var platform: String?
    public var credentials: RegistryCredentials?
    public init(reference: String, platform: String? = nil, credentials: RegistryCredentials? = nil) {
        self.reference = reference
        self.platform = platform
        self.credentials = credentials
    }
}

/// One line of a pull's or load's progress. The last line is `done` or `failed`.
public struct PullEvent: Codable, Sendable, Hashable {
    public enum Kind: String, Codable, Sendable, Hashable {
        case resolved  // digest, reference
        case manifest  // the chosen manifest: digest, layers
        case layer  // digest, status, and for the moving ones: current and total in bytes (compressed)
        case committing
        case done  // digest, image
        case failed  // problem
    }
    public enum LayerStatus: String, Codable, Sendable, Hashable { case waiting, exists, pulling, extracted, retrying }
    public var event: Kind
    public var reference: String?
    public var digest: String?
    public var diffID: String?
    public var status: LayerStatus?
    public var current: Int64?
    public var total: Int64?
    public var layers: [Layer]?
    public var image: ImageSummary?
    public var problem: Problem?
    public var message: String?

    public struct Layer: Codable, Sendable, Hashable {
        public var digest: String
        public var sizeInBytes: Int64
        public init(digest: String, sizeInBytes: Int64) {
            self.digest = digest
            self.sizeInBytes = sizeInBytes
        }
    }

    public init(_ event: Kind) { self.event = event }
}

/// `GET /v1/images`: one row of `images`.
public struct ImageSummary: Codable, Sendable, Hashable {
    /// The config's digest: what Docker calls the image ID.
    public var id: String
    /// References with a tag that point here, in familiar form (`localhost:5000/app:1`).
    public var references: [String]
    /// `name@digest` forms by which it was pulled.
    public var digests: [String]
    public var manifestDigest: String
    public var platform: String
    public var createdAt: String?
    /// Sum of its layers on disk; a layer that is listed twice counts once.
    public var sizeInBytes: Int64
    public var layerCount: Int
    /// When it was pulled or loaded, or a container of it was created, started or ended: whichever came last.
    public var lastUsedAt: String
    /// No prune takes it.
    public var pinned: Bool
    public init(
        id: String, references: [String], digests: [String], manifestDigest: String, platform: String, createdAt: String?,
        sizeInBytes: Int64, layerCount: Int, lastUsedAt: String, pinned: Bool
    ) {
        self.id = id
        self.references = references
        self.digests = digests
        self.manifestDigest = manifestDigest
        self.platform = platform
        self.createdAt = createdAt
        self.sizeInBytes = sizeInBytes
        self.layerCount = layerCount
        self.lastUsedAt = lastUsedAt
        self.pinned = pinned
    }
}

/// `GET /v1/images/inspect?reference=`.
public struct ImageDetail: Codable, Sendable, Hashable {
    public struct Layer: Codable, Sendable, Hashable {
        public var diffID: String
        public var digest: String?
        public var compressedSizeInBytes: Int64?
        public var sizeInBytes: Int64
        public var inodes: Int64
        public init(diffID: String, digest: String?, compressedSizeInBytes: Int64?, sizeInBytes: Int64, inodes: Int64) {
            self.diffID = diffID
            self.digest = digest
            self.compressedSizeInBytes = compressedSizeInBytes
            self.sizeInBytes = sizeInBytes
            self.inodes = inodes
        }
    }
    public var summary: ImageSummary
    /// The image config, verbatim JSON text.
    public var config: String
    public var layers: [Layer]
    public init(summary: ImageSummary, config: String, layers: [Layer]) {
        self.summary = summary
        self.config = config
        self.layers = layers
    }
}

/// `DELETE /v1/images?reference=`.
public struct RemoveImageResponse: Codable, Sendable, Hashable {
    public var untagged: [String]
    /// Digests of images and diff IDs of layers that nothing refers to any more.
    public var deleted: [String]
    public var freedBytes: Int64
    public init(untagged: [String], deleted: [String], freedBytes: Int64) {
        self.untagged = untagged
        self.deleted = deleted
        self.freedBytes = freedBytes
    }
}

/// `POST /v1/registries/check`: are these credentials good? 204, or a problem `registry-unauthorized`.
public struct RegistryCheckRequest: Codable, Sendable, Hashable {
    public var registry: String
    public var credentials: RegistryCredentials
    public init(registry: String, credentials: RegistryCredentials) {
        self.registry = registry
        self.credentials = credentials
    }
}
