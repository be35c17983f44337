// SPDX-License-Identifier: Apache-2.0

package import APITypes
package import OCI
package import ShimProtocol

/// What is known of a container for as long as it exists, kept in the database as JSON: fixed when it is created, but for its name and its limits.
package struct ContainerMemo: Codable, Sendable, Hashable {
    package var name: String
    package var request: CreateContainerRequest
    /// What the reference pointed at when the container was created: an index or a manifest.
    package var resolvedDigest: Digest
    package var manifestDigest: Digest
    /// PID 1's words.
    package var arguments: [String]
    package var stopSignal: Int32
    package var stopTimeoutSeconds: Int
    package var hostname: String
    package var createdAt: String
    package var mounts: [ContainerDetail.Mount]
    /// From the uppermost down, each once.
    package var lowerDiffIDs: [DiffID]
    package var upperMode: UpperMode
    package var cgroup: String
    /// Whether neither image nor request set HOME: then each user's own is right. nil in records of before it was noted.
    package var homeIsDefault: Bool?
    /// Of one with a user namespace of its own.
    package var identities: ContainerIdentities?
    /// Where it mounts other images: the layers of its own root, from the uppermost down; nil where all that its record has are these.
    package var stackLayerIDs: [Int64]?
    package var imageMounts: [ImageMountMemo]?
    /// The last end, for one that is kept.
    package var exit: ExitRecord?
    /// It was started after that end, and its own is not known yet; nil at rest, and in the first run of one with --rm.
    package var runs: Bool?
    /// Of one with a health check: what its shim is told.
    package var health: ShimHealth?
    /// Of one with a restart policy, or that is restarted when it is unhealthy.
    package var restart: RestartTracker.Memo?
    /// What an update is about to set; nil at rest.
    package var update: ResourceRequest?
    /// It was asked to end, by a stop that waits without end for as long as its client does; nil at rest.
    package var isStopOpen: Bool?
    /// It is being stopped for a restart by hand; nil at rest.
    package var isRestarting: Bool?
    /// It is being ended to be removed; nil at rest.
    package var isToBeRemoved: Bool?

    package init(
        name: String, request: CreateContainerRequest, resolvedDigest: Digest, manifestDigest: Digest, arguments: [String],
        stopSignal: Int32,
        stopTimeoutSeconds: Int, hostname: String, createdAt: String, mounts: [ContainerDetail.Mount], lowerDiffIDs: [DiffID],
        upperMode: UpperMode, cgroup: String
    ) {
        self.name = name
        self.request = request
        self.resolvedDigest = resolvedDigest
        self.manifestDigest = manifestDigest
        self.arguments = arguments
        self.stopSignal = stopSignal
        self.stopTimeoutSeconds = stopTimeoutSeconds
        self.hostname = hostname
        self.createdAt = createdAt
        self.mounts = mounts
        self.lowerDiffIDs = lowerDiffIDs
        self.upperMode = upperMode
        self.cgroup = cgroup
    }

    /// Notes or takes back what is nil at rest.
    /// - Returns: whether that is news.
    mutating func note(_ isSo: Bool, _ flag: WritableKeyPath<ContainerMemo, Bool?>) -> Bool {
        defer { self[keyPath: flag] = isSo ? true : nil }
        return (self[keyPath: flag] == true) != isSo
    }
}

/// An image that a container mounts beside its own.
package struct ImageMountMemo: Codable, Sendable, Hashable {
    package var target: String
    package var manifestDigest: Digest
    /// From the uppermost down.
    package var layerIDs: [Int64]
}
