// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux
internal import OCI
internal import SystemPackage

/// One value in one file of a cgroup.
struct CgroupSetting: Hashable {
    var controller: String
    var file: String
    var value: String
}

/// The spec's resources as files of cgroup v1 or v2, whichever has the controller. Source: runtime-spec config-linux.md, "Control groups".
struct CgroupSettings {
    private let handle: CgroupHandle

    init(_ handle: CgroupHandle) { self.handle = handle }

    /// In the order in which they are to be written.
    func all(_ resources: RuntimeSpec.Linux.Resources?) throws(LaunchError) -> [CgroupSetting] {
        guard let resources else { return [] }
        var settings: [CgroupSetting] = []
        if let memory = resources.memory { settings += try isUnified("memory") ? memoryV2(memory) : memoryV1(memory) }
        if let cpu = resources.cpu {
            settings += try isUnified("cpu") ? cpuV2(cpu) : cpuV1(cpu)
            if let cpus = cpu.cpus, !cpus.isEmpty { settings.append(CgroupSetting(controller: "cpuset", file: "cpuset.cpus", value: cpus)) }
            if let mems = cpu.mems, !mems.isEmpty { settings.append(CgroupSetting(controller: "cpuset", file: "cpuset.mems", value: mems)) }
        }
        if let pids = resources.pids {
            // 0 and less mean "no limit", as runc reads it.
            settings.append(CgroupSetting(controller: "pids", file: "pids.max", value: pids.limit > 0 ? "\(pids.limit)" : "max"))
        }
        if let block = resources.blockIO { settings += try isUnified("io") ? blockV2(block) : blockV1(block) }
        for limit in resources.hugepageLimits ?? [] {
            let file = isUnified("hugetlb") ? "max" : "limit_in_bytes"
            let size = try Self.name(limit.pageSize)
            settings.append(CgroupSetting(controller: "hugetlb", file: "hugetlb.\(size).\(file)", value: "\(limit.limit)"))
            // Also what is reserved and not touched yet (Linux 5.7): else a program would be told by SIGBUS, not by mmap(2).
            let reserved = "hugetlb.\(size).rsvd.\(file)"
            if exists(reserved, "hugetlb") {
                settings.append(CgroupSetting(controller: "hugetlb", file: reserved, value: "\(limit.limit)"))
            }
        }
        settings += network(resources.network)
        for (device, limit) in (resources.rdma ?? [:]).sorted(by: { $0.key < $1.key }) {
            let handles = limit.hcaHandles.map { " hca_handle=\($0)" } ?? ""
            let objects = limit.hcaObjects.map { " hca_object=\($0)" } ?? ""
            settings.append(CgroupSetting(controller: "rdma", file: "rdma.max", value: device + handles + objects))
        }
        for (file, value) in (resources.unified ?? [:]).sorted(by: { $0.key < $1.key }) {
            let controller = String(try Self.name(file).prefix { $0 != "." })
            // "cgroup." files are every v2 group's; the others are there where their controller is, on a hybrid machine maybe in v1.
            guard controller == "cgroup" ? handle.unified != nil : isUnified(controller) else {
                throw .refused("resources.unified \"\(file)\" needs cgroup v2 with the \(controller) controller: here it is in v1")
            }
            settings.append(CgroupSetting(controller: controller, file: file, value: value))
        }
        return settings
    }

    private func exists(_ file: String, _ controller: String) -> Bool {
        guard let directory = handle.directory(of: controller) else { return false }
        return withCPath(directory.location.appending(file)) { access($0, F_OK) } == 0
    }

    /// 0 is "not set" in most members, as every engine that writes specs takes it.
    private static func set<Value: BinaryInteger>(_ value: Value?) -> Value? { value == 0 ? nil : value }

    private func isUnified(_ controller: String) -> Bool {
        handle.directory(of: controller)?.hierarchy.isUnified ?? handle.directories.allSatisfy(\.hierarchy.isUnified)
    }

    /// A part of a file name from the spec stays a part of a file name.
    private static func name(_ text: String) throws(LaunchError) -> String {
        guard !text.isEmpty, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "/") }) else {
            throw .refused("\"\(text)\" is not the name of a cgroup file")
        }
        return text
    }

    // MARK: Memory

    private func memoryV1(_ memory: RuntimeSpec.Linux.Memory) throws(LaunchError) -> [CgroupSetting] {
        if Self.set(memory.kernel) != nil || Self.set(memory.kernelTCP) != nil {
            throw .refused("kernel memory limits are gone from Linux")
        }
        let values: [(String, String?)] = [
            ("memory.limit_in_bytes", Self.set(memory.limit).map { "\($0)" }),
            // The sum of memory and swap, which can't be below memory alone: written after it.
            ("memory.memsw.limit_in_bytes", Self.set(memory.swap).map { "\($0)" }),
            ("memory.soft_limit_in_bytes", Self.set(memory.reservation).map { "\($0)" }),
            ("memory.swappiness", memory.swappiness.map { "\($0)" }),
            ("memory.oom_control", memory.disableOOMKiller == true ? "1" : nil),
        ]
        return Self.settings("memory", values)
    }

    private func memoryV2(_ memory: RuntimeSpec.Linux.Memory) throws(LaunchError) -> [CgroupSetting] {
        if Self.set(memory.kernel) != nil || Self.set(memory.kernelTCP) != nil {
            throw .refused("kernel memory limits are gone from Linux")
        }
        if memory.swappiness != nil { throw .refused("memory.swappiness needs cgroup v1") }
        if memory.disableOOMKiller == true { throw .refused("memory.disableOOMKiller needs cgroup v1") }
        var swap: String?
        if let total = Self.set(memory.swap) {
            if total < 0 {
                swap = "max"
            } else {
                guard let limit = memory.limit, limit >= 0, total >= limit else {
                    throw .refused("memory.swap \(total) is memory and swap together: it needs a memory.limit that is not above it")
                }
                swap = "\(total - limit)"
            }
        }
        return Self.settings(
            "memory",
            [
                ("memory.max", Self.set(memory.limit).map { $0 < 0 ? "max" : "\($0)" }), ("memory.swap.max", swap),
                // -1 is "no reservation", which in v2 is nothing protected, not everything.
                ("memory.low", Self.set(memory.reservation).map { $0 < 0 ? "0" : "\($0)" }),
            ])
    }

    // MARK: CPU

    private func cpuV1(_ cpu: RuntimeSpec.Linux.CPU) -> [CgroupSetting] {
        Self.settings(
            "cpu",
            [
                ("cpu.shares", Self.set(cpu.shares).map { "\($0)" }), ("cpu.cfs_period_us", Self.set(cpu.period).map { "\($0)" }),
                ("cpu.cfs_quota_us", Self.set(cpu.quota).map { "\($0)" }), ("cpu.cfs_burst_us", cpu.burst.map { "\($0)" }),
                ("cpu.rt_period_us", Self.set(cpu.realtimePeriod).map { "\($0)" }),
                ("cpu.rt_runtime_us", Self.set(cpu.realtimeRuntime).map { "\($0)" }),
                ("cpu.idle", cpu.idle.map { "\($0)" }),
            ])
    }

    private func cpuV2(_ cpu: RuntimeSpec.Linux.CPU) throws(LaunchError) -> [CgroupSetting] {
        if Self.set(cpu.realtimePeriod) != nil || Self.set(cpu.realtimeRuntime) != nil {
            throw .refused("real-time CPU limits need cgroup v1")
        }
        var maximum: String?
        switch (Self.set(cpu.quota), Self.set(cpu.period)) {
        case (nil, nil): break
        // The kernel keeps the period that it has.
        case (let quota?, nil): maximum = quota > 0 ? "\(quota)" : "max"
        case (let quota, let period?): maximum = "\(quota.map { $0 > 0 ? "\($0)" : "max" } ?? currentQuota) \(period)"
        }
        return Self.settings(
            "cpu",
            [
                ("cpu.weight", Self.set(cpu.shares).map { "\(Self.weight(shares: $0))" }), ("cpu.max", maximum),
                ("cpu.max.burst", cpu.burst.map { "\($0)" }), ("cpu.idle", cpu.idle.map { "\($0)" }),
            ])
    }

    /// The first word of cpu.max, which a new period is written beside.
    private var currentQuota: String {
        guard let directory = handle.directory(of: "cpu"), let bytes = try? readFile(directory.location.appending("cpu.max")) else {
            return "max"
        }
        return String(decoding: bytes.prefix { $0 != 0x20 }, as: UTF8.self)
    }

    /// v1's 2...262144 on v2's 1...10000.
    static func weight(shares: UInt64) -> UInt64 { 1 + (min(max(shares, 2), 262_144) - 2) * 9999 / 262_142 }

    // MARK: Block I/O

    private func blockV1(_ block: RuntimeSpec.Linux.BlockIO) -> [CgroupSetting] {
        // The weight is the I/O scheduler's, and its file is called after it. Linux 5.0.
        let weight = exists("blkio.bfq.weight", "blkio") ? "blkio.bfq.weight" : "blkio.weight"
        var settings = Self.settings(
            "blkio", [(weight, Self.set(block.weight).map { "\($0)" }), ("blkio.leaf_weight", Self.set(block.leafWeight).map { "\($0)" })])
        for device in block.weightDevice ?? [] {
            let number = "\(device.major):\(device.minor)"
            settings += Self.settings(
                "blkio",
                [
                    (weight + "_device", device.weight.map { "\(number) \($0)" }),
                    ("blkio.leaf_weight_device", device.leafWeight.map { "\(number) \($0)" }),
                ])
        }
        for (name, devices) in Self.throttles(block) {
            for device in devices {
                settings.append(
                    CgroupSetting(
                        controller: "blkio", file: "blkio.throttle.\(name.v1)", value: "\(device.major):\(device.minor) \(device.rate)"))
            }
        }
        return settings
    }

    private func blockV2(_ block: RuntimeSpec.Linux.BlockIO) throws(LaunchError) -> [CgroupSetting] {
        if Self.set(block.leafWeight) != nil { throw .refused("blockIO.leafWeight needs cgroup v1") }
        // BFQ's own file has v1's numbers; else v1's 10...1000 on v2's 1...10000.
        let isBFQ = exists("io.bfq.weight", "io")
        let file = isBFQ ? "io.bfq.weight" : "io.weight"
        func weight(_ value: UInt16) -> UInt64 { isBFQ ? UInt64(value) : 1 + (UInt64(min(max(value, 10), 1000)) - 10) * 9999 / 990 }
        var settings = Self.settings("io", [(file, Self.set(block.weight).map { "default \(weight($0))" })])
        for device in block.weightDevice ?? [] {
            if device.leafWeight != nil { throw .refused("blockIO.leafWeight needs cgroup v1") }
            let value = device.weight.map { "\(device.major):\(device.minor) \(weight($0))" }
            settings += Self.settings("io", [(file, value)])
        }
        for (name, devices) in Self.throttles(block) {
            for device in devices {
                // 0 takes a limit away, as in v1.
                let rate = device.rate == 0 ? "max" : "\(device.rate)"
                settings.append(
                    CgroupSetting(controller: "io", file: "io.max", value: "\(device.major):\(device.minor) \(name.v2)=\(rate)"))
            }
        }
        return settings
    }

    private typealias ThrottleName = (v1: String, v2: String)

    private static func throttles(_ block: RuntimeSpec.Linux.BlockIO) -> [(ThrottleName, [RuntimeSpec.Linux.ThrottleDevice])] {
        [
            (("read_bps_device", "rbps"), block.throttleReadBpsDevice ?? []),
            (("write_bps_device", "wbps"), block.throttleWriteBpsDevice ?? []),
            (("read_iops_device", "riops"), block.throttleReadIOPSDevice ?? []),
            (("write_iops_device", "wiops"), block.throttleWriteIOPSDevice ?? []),
        ]
    }

    // MARK: Network

    private func network(_ network: RuntimeSpec.Linux.Network?) -> [CgroupSetting] {
        guard let network else { return [] }
        var settings = Self.settings("net_cls", [("net_cls.classid", network.classID.map { "\($0)" })])
        for priority in network.priorities ?? [] {
            settings.append(
                CgroupSetting(controller: "net_prio", file: "net_prio.ifpriomap", value: "\(priority.name) \(priority.priority)"))
        }
        return settings
    }

    private static func settings(_ controller: String, _ values: [(String, String?)]) -> [CgroupSetting] {
        values.compactMap { file, value in value.map { CgroupSetting(controller: controller, file: file, value: $0) } }
    }
}
