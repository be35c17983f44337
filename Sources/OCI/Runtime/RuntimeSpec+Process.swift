// SPDX-License-Identifier: Apache-2.0

extension RuntimeSpec {
    /// The container's process. Source: runtime-spec config.md, "Process".
    public struct Process: Codable, Sendable, Hashable {
        public var terminal: Bool?
        public var consoleSize: ConsoleSize?
        public var user: User
        public var args: [String]
        public var env: [String]?
        public var cwd: String
        public var capabilities: Capabilities?
        public var rlimits: [Rlimit]?
        public var noNewPrivileges: Bool?
        public var apparmorProfile: String?
        public var oomScoreAdj: Int?
        public var selinuxLabel: String?
        public var ioPriority: IOPriority?
        public var scheduler: Scheduler?
        public var execCPUAffinity: CPUAffinity?

        public init(args: [String], cwd: String = "/", user: User = User()) {
            self.args = args
            self.cwd = cwd
            self.user = user
        }

        public init(from decoder: any Decoder) throws {
            let values = try decoder.container(keyedBy: CodingKeys.self)
            terminal = try values.decodeIfPresent(Bool.self, forKey: .terminal)
            consoleSize = try values.decodeIfPresent(ConsoleSize.self, forKey: .consoleSize)
            user = try values.decodeIfPresent(User.self, forKey: .user) ?? User()
            args = try values.decodeIfPresent([String].self, forKey: .args) ?? []
            env = try values.decodeIfPresent([String].self, forKey: .env)
            cwd = try values.decode(String.self, forKey: .cwd)
            capabilities = try values.decodeIfPresent(Capabilities.self, forKey: .capabilities)
            rlimits = try values.decodeIfPresent([Rlimit].self, forKey: .rlimits)
            noNewPrivileges = try values.decodeIfPresent(Bool.self, forKey: .noNewPrivileges)
            apparmorProfile = try values.decodeIfPresent(String.self, forKey: .apparmorProfile)
            oomScoreAdj = try values.decodeIfPresent(Int.self, forKey: .oomScoreAdj)
            selinuxLabel = try values.decodeIfPresent(String.self, forKey: .selinuxLabel)
            ioPriority = try values.decodeIfPresent(IOPriority.self, forKey: .ioPriority)
            scheduler = try values.decodeIfPresent(Scheduler.self, forKey: .scheduler)
            execCPUAffinity = try values.decodeIfPresent(CPUAffinity.self, forKey: .execCPUAffinity)
        }
    }

    public struct ConsoleSize: Codable, Sendable, Hashable {
        public var height: UInt
        public var width: UInt
        public init(height: UInt, width: UInt) {
            self.height = height
            self.width = width
        }
    }

    public struct User: Codable, Sendable, Hashable {
        public var uid: UInt32
        public var gid: UInt32
        public var umask: UInt32?
        public var additionalGids: [UInt32]?
        public init(uid: UInt32 = 0, gid: UInt32 = 0, umask: UInt32? = nil, additionalGids: [UInt32]? = nil) {
            self.uid = uid
            self.gid = gid
            self.umask = umask
            self.additionalGids = additionalGids
        }
    }

    /// Names such as "CAP_CHOWN".
    public struct Capabilities: Codable, Sendable, Hashable {
        public var bounding: [String]?
        public var effective: [String]?
        public var permitted: [String]?
        public var inheritable: [String]?
        public var ambient: [String]?
        public init(
            bounding: [String]? = nil, effective: [String]? = nil, permitted: [String]? = nil, inheritable: [String]? = nil,
            ambient: [String]? = nil
        ) {
            self.bounding = bounding
            self.effective = effective
            self.permitted = permitted
            self.inheritable = inheritable
            self.ambient = ambient
        }
    }

    public struct Rlimit: Codable, Sendable, Hashable {
        /// "RLIMIT_NOFILE"
        public var type: String
        public var hard: UInt64
        public var soft: UInt64
        public init(type: String, hard: UInt64, soft: UInt64) {
            self.type = type
            self.hard = hard
            self.soft = soft
        }
    }

    public struct IOPriority: Codable, Sendable, Hashable {
        public var `class`: String
        public var priority: Int?
        public init(class: String, priority: Int? = nil) {
            self.class = `class`
            self.priority = priority
        }
    }

    public struct Scheduler: Codable, Sendable, Hashable {
        public var policy: String
        public var nice: Int32?
        public var priority: Int32?
        public var flags: [String]?
        public var runtime: UInt64?
        public var deadline: UInt64?
        public var period: UInt64?
        public init(policy: String) { self.policy = policy }
    }

    /// CPU lists such as "0-3,7", for processes that join.
    public struct CPUAffinity: Codable, Sendable, Hashable {
        public var initial: String?
        public var final: String?
        public init(initial: String? = nil, final: String? = nil) {
            self.initial = initial
            self.final = final
        }
    }
}
