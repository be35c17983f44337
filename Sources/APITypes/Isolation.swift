// SPDX-License-Identifier: Apache-2.0

/// What a container may do and see beyond, or short of, the default: Docker's default capabilities and filter, namespaces of its own, no new privileges.
/// Each member that is left out is the default.
public struct IsolationRequest: Codable, Sendable, Hashable {
    /// `NET_ADMIN`, `CAP_NET_ADMIN` or `ALL`.
    public var capabilitiesAdded: [String]?
    public var capabilitiesDropped: [String]?
    /// All capabilities, all devices, no filter, nothing masked: root in the container is root on the node.
    public var privileged: Bool?
    /// Default: true, false with `privileged`.
    public var noNewPrivileges: Bool?
    public var seccomp: SeccompChoice?
    /// The text of a profile as Docker or the runtime-spec writes it, in place of `seccomp`.
    public var seccompProfile: String?
    public var appArmorProfile: String?
    /// Nothing below /proc and /sys is masked or read-only.
    public var systemPathsUnconfined: Bool?
    public var devices: [DeviceRequest]?
    /// Kernel parameters that belong to a namespace of the container.
    public var sysctls: [String: String]?
    /// Supplementary groups, by the image's names or by number.
    public var groups: [String]?
    public var pid: NamespaceChoice?
    public var ipc: NamespaceChoice?
    public var uts: NamespaceChoice?
    public var cgroup: NamespaceChoice?
    public var userNamespace: UserNamespaceChoice?

    public init() {}
}

public enum SeccompChoice: String, Codable, Sendable, Hashable, CaseIterable { case `default`, unconfined }

/// A namespace of its own, the node's, or another container's, which has to run whenever this one starts.
public enum NamespaceChoice: RawRepresentable, Codable, Sendable, Hashable {
    /// For `ipc`: no other container may share it.
    case `private`
    /// For `ipc`: its own, which others may share. What is left out is the same.
    case shareable
    case host
    /// By name or id, looked up at each start.
    case container(String)

    public init?(rawValue: String) {
        switch rawValue {
        case "private": self = .private
        case "shareable": self = .shareable
        case "host": self = .host
        default:
            guard rawValue.hasPrefix("container:"), rawValue.utf8.count > 10 else { return nil }
            self = .container(String(rawValue.dropFirst(10)))
        }
    }

    public var rawValue: String {
        switch self {
        case .private: "private"
        case .shareable: "shareable"
        case .host: "host"
        case .container(let name): "container:\(name)"
        }
    }

    public init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        let text = try value.decode(String.self)
        guard let known = Self(rawValue: text) else {
            throw DecodingError.dataCorruptedError(
                in: value, debugDescription: "\"\(text)\" is none of private, shareable, host and container:NAME")
        }
        self = known
    }

    /// Whose it is, where it is another container's.
    public var container: String? { if case .container(let name) = self { name } else { nil } }
}

/// Whose ids the container's are. `host`: the node's own, root in it is root on the node. `auto`: 65536 ids that nobody else has, so that its root is
/// nobody on the node. `keep`: the same, but the user who asks for the container is the same user in it, and by default its first process.
public enum UserNamespaceChoice: String, Codable, Sendable, Hashable, CaseIterable { case host, auto, keep }

/// Ids in a container, and the node's that they are.
public struct IdentityMaps: Codable, Sendable, Hashable {
    /// `size` ids from `containerID` on are those from `hostID` on.
    public struct Line: Codable, Sendable, Hashable {
        public var containerID: UInt32
        public var hostID: UInt32
        public var size: UInt32
        public init(containerID: UInt32, hostID: UInt32, size: UInt32) {
            self.containerID = containerID
            self.hostID = hostID
            self.size = size
        }
    }
    public var users: [Line]
    public var groups: [Line]
    public init(users: [Line], groups: [Line]) {
        self.users = users
        self.groups = groups
    }
}

/// A device node of the host in the container.
public struct DeviceRequest: Codable, Sendable, Hashable {
    /// An absolute path of the host; links are followed.
    public var source: String
    /// In the container; nil is the same path.
    public var target: String?
    /// Of `r`, `w` and `m` (mknod); nil is all three.
    public var access: String?
    public init(source: String, target: String? = nil, access: String? = nil) {
        self.source = source
        self.target = target
        self.access = access
    }
}
