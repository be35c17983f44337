// SPDX-License-Identifier: Apache-2.0

extension RuntimeSpec.Linux {
    /// Source: runtime-spec config-linux.md, "Control groups".
    public struct Resources: Codable, Sendable, Hashable {
        public var devices: [DeviceCgroup]?
        public var memory: Memory?
        public var cpu: CPU?
        public var pids: Pids?
        public var blockIO: BlockIO?
        public var hugepageLimits: [HugepageLimit]?
        public var network: Network?
        public var rdma: [String: RDMA]?
        public var unified: [String: String]?
        public init() {}
    }

    public struct DeviceCgroup: Codable, Sendable, Hashable {
        public var allow: Bool
        /// "a", "c" or "b"; nil is all.
        public var type: String?
        public var major: Int64?
        public var minor: Int64?
        /// Of "rwm".
        public var access: String?
        public init(allow: Bool, type: String? = nil, major: Int64? = nil, minor: Int64? = nil, access: String? = nil) {
            self.allow = allow
            self.type = type
            self.major = major
            self.minor = minor
            self.access = access
        }
    }

    /// Bytes; -1 is no limit.
    public struct Memory: Codable, Sendable, Hashable {
        public var limit: Int64?
        public var reservation: Int64?
        /// Memory and swap together.
        public var swap: Int64?
        public var kernel: Int64?
        public var kernelTCP: Int64?
        public var swappiness: UInt64?
        public var disableOOMKiller: Bool?
        public var useHierarchy: Bool?
        public var checkBeforeUpdate: Bool?
        public init(limit: Int64? = nil, reservation: Int64? = nil, swap: Int64? = nil) {
            self.limit = limit
            self.reservation = reservation
            self.swap = swap
        }
    }

    /// Times in microseconds.
    public struct CPU: Codable, Sendable, Hashable {
        public var shares: UInt64?
        public var quota: Int64?
        public var burst: UInt64?
        public var period: UInt64?
        public var realtimeRuntime: Int64?
        public var realtimePeriod: UInt64?
        public var cpus: String?
        public var mems: String?
        public var idle: Int64?
        public init(shares: UInt64? = nil, quota: Int64? = nil, period: UInt64? = nil) {
            self.shares = shares
            self.quota = quota
            self.period = period
        }
    }

    public struct Pids: Codable, Sendable, Hashable {
        public var limit: Int64
        public init(limit: Int64) { self.limit = limit }
    }

    public struct HugepageLimit: Codable, Sendable, Hashable {
        public var pageSize: String
        public var limit: UInt64
        public init(pageSize: String, limit: UInt64) {
            self.pageSize = pageSize
            self.limit = limit
        }
    }

    public struct RDMA: Codable, Sendable, Hashable {
        public var hcaHandles: UInt32?
        public var hcaObjects: UInt32?
        public init(hcaHandles: UInt32? = nil, hcaObjects: UInt32? = nil) {
            self.hcaHandles = hcaHandles
            self.hcaObjects = hcaObjects
        }
    }

    public struct Network: Codable, Sendable, Hashable {
        public struct Priority: Codable, Sendable, Hashable {
            public var name: String
            public var priority: UInt32
            public init(name: String, priority: UInt32) {
                self.name = name
                self.priority = priority
            }
        }
        public var classID: UInt32?
        public var priorities: [Priority]?
        public init() {}
    }

    public struct BlockIO: Codable, Sendable, Hashable {
        public var weight: UInt16?
        public var leafWeight: UInt16?
        public var weightDevice: [WeightDevice]?
        public var throttleReadBpsDevice: [ThrottleDevice]?
        public var throttleWriteBpsDevice: [ThrottleDevice]?
        public var throttleReadIOPSDevice: [ThrottleDevice]?
        public var throttleWriteIOPSDevice: [ThrottleDevice]?
        public init() {}
    }

    public struct WeightDevice: Codable, Sendable, Hashable {
        public var major: Int64
        public var minor: Int64
        public var weight: UInt16?
        public var leafWeight: UInt16?
        public init(major: Int64, minor: Int64, weight: UInt16? = nil, leafWeight: UInt16? = nil) {
            self.major = major
            self.minor = minor
            self.weight = weight
            self.leafWeight = leafWeight
        }
    }

    public struct ThrottleDevice: Codable, Sendable, Hashable {
        public var major: Int64
        public var minor: Int64
        public var rate: UInt64
        public init(major: Int64, minor: Int64, rate: UInt64) {
            self.major = major
            self.minor = minor
            self.rate = rate
        }
    }
}
