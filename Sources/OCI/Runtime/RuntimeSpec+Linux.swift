// SPDX-License-Identifier: Apache-2.0

public import JSON

extension RuntimeSpec {
    /// Source: runtime-spec config-linux.md.
    public struct Linux: Codable, Sendable, Hashable {
        public var uidMappings: [IDMapping]?
        public var gidMappings: [IDMapping]?
        public var timeOffsets: [String: TimeOffset]?
        public var sysctl: [String: String]?
        public var resources: Resources?
        public var cgroupsPath: String?
        public var namespaces: [Namespace]?
        public var devices: [Device]?
        public var seccomp: Seccomp?
        public var rootfsPropagation: String?
        public var maskedPaths: [String]?
        public var readonlyPaths: [String]?
        public var mountLabel: String?
        public var intelRdt: JSONValue?
        /// Not of the spec, but asked for by some engines; kept so that it can be refused.
        public var vtpms: JSONValue?
        public var personality: Personality?
        /// Of newer spec versions; kept so that a runtime without them can refuse them.
        public var netDevices: JSONValue?
        public var memoryPolicy: JSONValue?
        public init() {}

        public struct Namespace: Codable, Sendable, Hashable {
            /// "pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time".
            public var type: String
            /// To join; nil makes a new one.
            public var path: String?
            public init(type: String, path: String? = nil) {
                self.type = type
                self.path = path
            }
        }

        public struct TimeOffset: Codable, Sendable, Hashable {
            public var secs: Int64?
            public var nanosecs: UInt32?
            public init(secs: Int64? = nil, nanosecs: UInt32? = nil) {
                self.secs = secs
                self.nanosecs = nanosecs
            }
        }

        public struct Device: Codable, Sendable, Hashable {
            /// "c", "b", "u" or "p".
            public var type: String
            public var path: String
            public var major: Int64?
            public var minor: Int64?
            public var fileMode: UInt32?
            public var uid: UInt32?
            public var gid: UInt32?
            public init(
                type: String, path: String, major: Int64? = nil, minor: Int64? = nil, fileMode: UInt32? = nil, uid: UInt32? = nil,
                gid: UInt32? = nil
            ) {
                self.type = type
                self.path = path
                self.major = major
                self.minor = minor
                self.fileMode = fileMode
                self.uid = uid
                self.gid = gid
            }
        }

        public struct Personality: Codable, Sendable, Hashable {
            public var domain: String
            public var flags: [String]?
            public init(domain: String, flags: [String]? = nil) {
                self.domain = domain
                self.flags = flags
            }
        }
    }
}
