// SPDX-License-Identifier: Apache-2.0

public import JSON

/// What an image runs as, and the diff IDs of its layers. Source: image-spec config.md.
public struct ImageConfig: Codable, Sendable, Hashable {
    public var created: String?
    public var author: String?
    public var os: String
    public var architecture: String
    public var variant: String?
    public var config: ContainerConfig?
    public var rootfs: RootFS
    public var history: [History]?
    /// What tools add: `docker_version`, `container_config`, `moby.buildkit.…`.
    public var others = JSONOtherMembers()

    public var platform: Platform { Platform(os: os, architecture: architecture, variant: variant) }

    public struct RootFS: Codable, Sendable, Hashable {
        public var type: String
        /// From the lowest layer up.
        public var diffIDs: [DiffID]
        public var others = JSONOtherMembers()
        private enum CodingKeys: String, CodingKey {
            case type, others
            case diffIDs = "diff_ids"
        }
        public init(diffIDs: [DiffID]) {
            type = "layers"
            self.diffIDs = diffIDs
        }
    }

    public struct History: Codable, Sendable, Hashable {
        public var created: String?
        public var createdBy: String?
        public var author: String?
        public var comment: String?
        /// This step made no layer.
        public var emptyLayer: Bool?
        public var others = JSONOtherMembers()
        private enum CodingKeys: String, CodingKey {
            case created, author, comment, others
            case createdBy = "created_by"
            case emptyLayer = "empty_layer"
        }
    }

    /// The execution parameters.
    public struct ContainerConfig: Codable, Sendable, Hashable {
        public var user: String?
        public var exposedPorts: [String: JSONValue]?
        public var env: [String]?
        public var entrypoint: [String]?
        public var cmd: [String]?
        public var volumes: [String: JSONValue]?
        public var workingDir: String?
        public var labels: [String: String]?
        public var stopSignal: String?
        /// Docker's own: `Healthcheck`, `OnBuild`, `Shell` and the like.
        public var others = JSONOtherMembers()
        public init() {}
        private enum CodingKeys: String, CodingKey {
            case user = "User"
            case exposedPorts = "ExposedPorts"
            case env = "Env"
            case entrypoint = "Entrypoint"
            case cmd = "Cmd"
            case volumes = "Volumes"
            case workingDir = "WorkingDir"
            case labels = "Labels"
            case stopSignal = "StopSignal"
            case others
        }
    }

    public init(platform: Platform, config: ContainerConfig? = nil, diffIDs: [DiffID]) {
        os = platform.os
        architecture = platform.architecture
        variant = platform.variant
        self.config = config
        rootfs = RootFS(diffIDs: diffIDs)
    }
}
