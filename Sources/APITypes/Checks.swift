// SPDX-License-Identifier: Apache-2.0

/// `POST /v1/fsck`; the answer is a stream of `CheckEvent` lines.
public struct CheckRequest: Codable, Sendable, Hashable {
    /// Also contents, by checksum: everything is read.
    public var full: Bool?
    /// Layers (a diff ID, twelve or more of its digits, or the directory's name) and images; none: all that is stored.
    public var targets: [String]?
    public init(full: Bool? = nil, targets: [String]? = nil) {
        self.full = full
        self.targets = targets
    }
}

/// One line of a check. The last line is `done` or `failed`.
public struct CheckEvent: Codable, Sendable, Hashable {
    public enum Kind: String, Codable, Sendable, Hashable {
        case checking  // object, current and total: which of how many
        case finding
        case done  // summary
        case failed  // problem
    }
    public var event: Kind
    /// `database`, `layer …`, `blob …`, `image …`.
    public var object: String?
    public var current: Int64?
    public var total: Int64?
    public var finding: CheckFinding?
    public var summary: CheckSummary?
    public var problem: Problem?

    public init(_ event: Kind) { self.event = event }
}

/// One thing that is not as it should be.
public struct CheckFinding: Codable, Sendable, Hashable {
    public enum Kind: String, Codable, Sendable, Hashable { case database, layer, blob, image, orphan }
    public var kind: Kind
    /// Diff ID, chain ID, digest, or the path of an orphan.
    public var object: String
    /// In a layer: from its root, escaped where it is not printable; "layer.json" and "files" are beside its tree.
    public var path: String?
    public var expected: String
    public var found: String
    public var remedy: String?
    public init(kind: Kind, object: String, path: String? = nil, expected: String, found: String, remedy: String? = nil) {
        self.kind = kind
        self.object = object
        self.path = path
        self.expected = expected
        self.found = found
        self.remedy = remedy
    }
}

public struct CheckSummary: Codable, Sendable, Hashable {
    public var full: Bool
    public var layers: Int
    /// Names in layers that were compared.
    public var names: Int64
    public var readBytes: Int64
    public var blobs: Int
    public var images: Int
    public var findings: Int
    /// Layers that an older version stored without checksums: they were not checked in full.
    public var unlisted: [String]
    public init(
        full: Bool, layers: Int = 0, names: Int64 = 0, readBytes: Int64 = 0, blobs: Int = 0, images: Int = 0, findings: Int = 0,
        unlisted: [String] = []
    ) {
        self.full = full
        self.layers = layers
        self.names = names
        self.readBytes = readBytes
        self.blobs = blobs
        self.images = images
        self.findings = findings
        self.unlisted = unlisted
    }
}

/// `POST /v1/repair`; the answer is a stream of `RepairEvent` lines.
public struct RepairRequest: Codable, Sendable, Hashable {
    /// A diff ID, a fix-up's chain ID, twelve or more of its digits, or the directory's name.
    public var layer: String
    /// By registry host, for the ones that may be asked.
    public var credentials: [String: RegistryCredentials]?
    public init(layer: String, credentials: [String: RegistryCredentials]? = nil) {
        self.layer = layer
        self.credentials = credentials
    }
}

/// One line of a repair. The last line is `done` or `failed`.
public struct RepairEvent: Codable, Sendable, Hashable {
    public enum Kind: String, Codable, Sendable, Hashable {
        case trying  // source
        case pulling  // current and total, in bytes (compressed)
        case verifying
        case done  // result
        case failed  // problem
    }
    public var event: Kind
    /// `kept blob`, `layers below`, or a reference.
    public var source: String?
    public var current: Int64?
    public var total: Int64?
    public var result: RepairResult?
    public var problem: Problem?

    public init(_ event: Kind) { self.event = event }
}

public struct RepairResult: Codable, Sendable, Hashable {
    public var layer: String
    public var source: String
    /// Containers that run on with the old files until they end.
    public var containers: [String]
    public init(layer: String, source: String, containers: [String]) {
        self.layer = layer
        self.source = source
        self.containers = containers
    }
}
