// SPDX-License-Identifier: Apache-2.0

/// `GET /v1/stats`: what containers use, all read at about the same moment.
public struct StatisticsSample: Codable, Sendable, Hashable {
    public var time: String
    /// Of those that ran, by name.
    public var containers: [ContainerStatistics]
    public init(time: String, containers: [ContainerStatistics]) {
        self.time = time
        self.containers = containers
    }
}

/// What one container uses. Counters are since its start; a part that nobody counts on this node is left out.
public struct ContainerStatistics: Codable, Sendable, Hashable {
    public var id: String
    public var name: String
    public var state: ContainerState
    public var cpu: CPUStatistics?
    public var memory: MemoryStatistics?
    public var processes: ProcessStatistics?
    public var blockIO: BlockIOStatistics?
    /// Of its own interfaces but loopback; left out for one that has none, or the node's.
    public var network: NetworkStatistics?
    public var pressure: PressureStatistics?

    public init(id: String, name: String, state: ContainerState) {
        self.id = id
        self.name = name
        self.state = state
    }
}

public struct CPUStatistics: Codable, Sendable, Hashable {
    /// Of one processor, since the sample before: 150 is one and a half. Two decimals.
    public var percent: Double
    public var usageNanoseconds: UInt64
    public var userNanoseconds: UInt64?
    public var systemNanoseconds: UInt64?
    /// With a limit on CPU time: how many periods there were, and in how many it had to wait, how long.
    public var periods: UInt64?
    public var throttledPeriods: UInt64?
    public var throttledNanoseconds: UInt64?
    public init(percent: Double, usageNanoseconds: UInt64) {
        self.percent = percent
        self.usageNanoseconds = usageNanoseconds
    }
}

public struct MemoryStatistics: Codable, Sendable, Hashable {
    /// What can't be had back at once: all but inactive page cache, as Docker and the kubelet count.
    public var workingSetBytes: UInt64
    /// Everything, page cache included.
    public var usedBytes: UInt64
    public var limitBytes: UInt64?
    /// Of the limit, two decimals.
    public var percent: Double?
    /// The most that was ever used.
    public var peakBytes: UInt64?
    public var swapBytes: UInt64?
    public var anonymousBytes: UInt64?
    public var fileBytes: UInt64?
    /// How often the limit was met, and how many processes were killed for it.
    public var limitFailures: UInt64?
    public var outOfMemoryKills: UInt64?
    public init(workingSetBytes: UInt64, usedBytes: UInt64) {
        self.workingSetBytes = workingSetBytes
        self.usedBytes = usedBytes
    }
}

public struct ProcessStatistics: Codable, Sendable, Hashable {
    /// Threads, too.
    public var count: UInt64
    public var limit: UInt64?
    public init(count: UInt64, limit: UInt64?) {
        self.count = count
        self.limit = limit
    }
}

public struct BlockIOStatistics: Codable, Sendable, Hashable {
    public var readBytes: UInt64
    public var writtenBytes: UInt64
    public var reads: UInt64
    public var writes: UInt64
    public init(readBytes: UInt64, writtenBytes: UInt64, reads: UInt64, writes: UInt64) {
        self.readBytes = readBytes
        self.writtenBytes = writtenBytes
        self.reads = reads
        self.writes = writes
    }
}

public struct NetworkStatistics: Codable, Sendable, Hashable {
    public var receivedBytes: UInt64
    public var sentBytes: UInt64
    public var receivedPackets: UInt64
    public var sentPackets: UInt64
    public init(receivedBytes: UInt64, sentBytes: UInt64, receivedPackets: UInt64, sentPackets: UInt64) {
        self.receivedBytes = receivedBytes
        self.sentBytes = sentBytes
        self.receivedPackets = receivedPackets
        self.sentPackets = sentPackets
    }
}

/// Where the container waited for what it needs (PSI).
public struct PressureStatistics: Codable, Sendable, Hashable {
    /// Percent of the last 10, 60 and 300 seconds; and microseconds since the start.
    public struct Share: Codable, Sendable, Hashable {
        public var average10: Double
        public var average60: Double
        public var average300: Double
        public var totalMicroseconds: UInt64
        public init(average10: Double, average60: Double, average300: Double, totalMicroseconds: UInt64) {
            self.average10 = average10
            self.average60 = average60
            self.average300 = average300
            self.totalMicroseconds = totalMicroseconds
        }
    }
    /// `some`: at least one task waited; `full`: all of them did.
    public struct Resource: Codable, Sendable, Hashable {
        public var some: Share
        public var full: Share?
        public init(some: Share, full: Share?) {
            self.some = some
            self.full = full
        }
    }
    public var cpu: Resource?
    public var memory: Resource?
    public var io: Resource?
    public init(cpu: Resource?, memory: Resource?, io: Resource?) {
        self.cpu = cpu
        self.memory = memory
        self.io = io
    }
}

/// `GET /v1/containers/{id}/processes`: one process of a container.
public struct ContainerProcess: Codable, Sendable, Hashable {
    /// On the host.
    public var pid: Int32
    public var parentPID: Int32
    /// In its own PID namespace: 1 is the container's first process.
    public var pidInside: Int32
    public var uid: UInt32
    public var gid: UInt32
    /// proc(5)'s letter: "R", "S", "D", "Z", …
    public var state: String
    public var threads: Int
    /// "pts/0"; left out without one.
    public var terminal: String?
    public var cpuMilliseconds: UInt64
    public var startedAt: String
    public var elapsedMilliseconds: UInt64
    public var residentBytes: UInt64
    public var virtualBytes: UInt64
    /// Of its program; at most 15 bytes, which it can change.
    public var name: String
    public var arguments: [String]
    public init(
        pid: Int32, parentPID: Int32, pidInside: Int32, uid: UInt32, gid: UInt32, state: String, threads: Int, terminal: String?,
        cpuMilliseconds: UInt64, startedAt: String, elapsedMilliseconds: UInt64, residentBytes: UInt64, virtualBytes: UInt64, name: String,
        arguments: [String]
    ) {
        self.pid = pid
        self.parentPID = parentPID
        self.pidInside = pidInside
        self.uid = uid
        self.gid = gid
        self.state = state
        self.threads = threads
        self.terminal = terminal
        self.cpuMilliseconds = cpuMilliseconds
        self.startedAt = startedAt
        self.elapsedMilliseconds = elapsedMilliseconds
        self.residentBytes = residentBytes
        self.virtualBytes = virtualBytes
        self.name = name
        self.arguments = arguments
    }
}
