// SPDX-License-Identifier: Apache-2.0

internal import Containers

/// How a node is set up. docs/configuration.md describes each setting; these are its defaults.
public struct NodeConfiguration: Sendable, Hashable {
    /// What survives a restart of the machine: database, layers, uppers. On ext4 or xfs.
    public var root: String
    /// What does not: sockets and records of running containers. On a tmpfs.
    public var state: String
    /// Told by `info`; the server that embeds the engine listens there.
    public var socketPath: String
    /// The parent of every container's cgroup.
    public var cgroupParent: String
    /// 1...500 (the kernel's own ceiling).
    public var maxLayers: Int
    /// What unpacking leaves free on the root's filesystem.
    public var reserveBytes: Int64
    public var reserveInodes: Int64
    /// `host:port` of registries that are spoken to without TLS, besides loopback.
    public var insecureRegistries: [String]
    /// Registry host to the path of a PEM file with further roots of trust.
    public var registryCertificates: [String: String]
    /// Keep the compressed layer blobs after they are unpacked.
    public var keepBlobs: Bool
    /// When images are removed for space; nil: never without being asked.
    public var waterMarks: WaterMarks?
    /// How often rows, directories and cgroups are compared; 0: at the start alone.
    public var reconcileSeconds: Int64
    /// Of containers that ask for no other: the size of a log's file, and how many there are, with the one that is being written.
    public var logMaxSizeInBytes: Int64
    public var logMaxFiles: Int
    /// The ids that containers with a user namespace of their own are given, first and number; nil: as /etc/subuid and /etc/subgid say.
    public var userNamespaceIDs: NodeIDs?
    /// The monitor's executable.
    public var shimPath: String
    /// The group that may use the sockets.
    public var socketGroup: UInt32

    public init(root: String = "/var/lib/ctr-swift", state: String = "/run/ctr-swift", shimPath: String, socketGroup: UInt32 = 0) {
        self.root = root
        self.state = state
        self.shimPath = shimPath
        self.socketGroup = socketGroup
        socketPath = state + "/ctr-swift.sock"
        cgroupParent = "ctr-swift"
        maxLayers = 127
        reserveBytes = 256 << 20
        reserveInodes = 10_000
        insecureRegistries = []
        registryCertificates = [:]
        keepBlobs = false
        waterMarks = nil
        reconcileSeconds = 3600
        logMaxSizeInBytes = 10 << 20
        logMaxFiles = 3
        userNamespaceIDs = nil
    }
}

/// So many of the node's user and group ids, from the first on.
public struct NodeIDs: Sendable, Hashable {
    public var first: UInt32
    public var size: UInt32
    public init(first: UInt32, size: UInt32) {
        self.first = first
        self.size = size
    }

    /// What is below is users and groups of the node itself.
    public static let lowest: UInt32 = SubordinateIDs.lowest
    public static let perContainer: UInt32 = ContainerIdentities.size
}
