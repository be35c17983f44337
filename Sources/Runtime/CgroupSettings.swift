// SPDX-License-Identifier: Apache-2.0

internal import Linux
internal import OCI

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
            settings.append(
                CgroupSetting(controller: "hugetlb", file: "hugetlb.\(try Self.name(limit.pageSize)).\(file)", value: "\(limit.limit)"))
        }
        settings += network(resources.network)
        for (device, limit) in (resources.rdma ?? [:]).sorted(by: { $0.key < $1.key }) {
            let handles = limit.hcaHandles.map { " hca_handle=\($0)" } ?? ""
            let objects = limit.hcaObjects.map { " hca_object=\($0)" } ?? ""
            settings.append(CgroupSetting(controller: "rdma", file: "rdma.max", value: device + handles + objects))
        }
        for (file, value) in (resources.unified ?? [:]).sorted(by: { $0.key < $1.key }) {
            let controller = String(try Self.name(file).prefix { $0 != "." })
            guard handle.directories.allSatisfy(\.hierarchy.isUnified) else { throw .refused("resources.unified needs cgroup v2") }
            settings.append(CgroupSetting(controller: controller, file: file, value: value))
        }
        return settings
    }

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
        if memory.kernel != nil || memory.kernelTCP != nil { throw .refused("kernel memory limits are gone from Linux") }
        let values: [(String, String?)] = [
            ("memory.limit_in_bytes", memory.limit.map { "\($0)" }),
            // The sum of memory and swap, which can't be below memory alone: written after it.
            ("memory.memsw.limit_in_bytes", memory.swap.map { "\($0)" }),
            ("memory.soft_limit_in_bytes", memory.reservation.map { "\($0)" }),
            ("memory.swappiness", memory.swappiness.map { "\($0)" }),
            ("memory.oom_control", memory.disableOOMKiller == true ? "1" : nil),
        ]
        return Self.settings("memory", values)
    }

    private func memoryV2(_ memory: RuntimeSpec.Linux.Memory) throws(LaunchError) -> [CgroupSetting] {
        if memory.kernel != nil || memory.kernelTCP != nil { throw .refused("kernel memory limits are gone from Linux") }
        if memory.swappiness != nil { throw .refused("memory.swappiness needs cgroup v1") }
        if memory.disableOOMKiller == true { throw .refused("memory.disableOOMKiller needs cgroup v1") }
        var swap: String?
        if let total = memory.swap {
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
                ("memory.max", memory.limit.map { $0 < 0 ? "max" : "\($0)" }), ("memory.swap.max", swap),
                ("memory.low", memory.reservation.map { $0 < 0 ? "max" : "\($0)" }),
            ])
    }

    // MARK: CPU

    private func cpuV1(_ cpu: RuntimeSpec.Linux.CPU) -> [CgroupSetting] {
        Self.settings(
            "cpu",
            [
                ("cpu.shares", cpu.shares.flatMap { $0 == 0 ? nil : "\($0)" }), ("cpu.cfs_period_us", cpu.period.map { "\($0)" }),
                ("cpu.cfs_quota_us", cpu.quota.map { "\($0)" }), ("cpu.cfs_burst_us", cpu.burst.map { "\($0)" }),
                ("cpu.rt_period_us", cpu.realtimePeriod.map { "\($0)" }), ("cpu.rt_runtime_us", cpu.realtimeRuntime.map { "\($0)" }),
                ("cpu.idle", cpu.idle.map { "\($0)" }),
            ])
    }

    private func cpuV2(_ cpu: RuntimeSpec.Linux.CPU) throws(LaunchError) -> [CgroupSetting] {
        if cpu.realtimePeriod != nil || cpu.realtimeRuntime != nil { throw .refused("real-time CPU limits need cgroup v1") }
        var maximum: String?
        if cpu.quota != nil || cpu.period != nil {
            maximum = "\(cpu.quota.map { $0 > 0 ? "\($0)" : "max" } ?? "max") \(cpu.period ?? 100_000)"
        }
        return Self.settings(
            "cpu",
            [
                ("cpu.weight", cpu.shares.flatMap { $0 == 0 ? nil : "\(Self.weight(shares: $0))" }), ("cpu.max", maximum),
                ("cpu.max.burst", cpu.burst.map { "\($0)" }), ("cpu.idle", cpu.idle.map { "\($0)" }),
            ])
    }

    /// v1's 2...262144 on v2's 1...10000.
    static func weight(shares: UInt64) -> UInt64 { 1 + (min(max(shares, 2), 262_144) - 2) * 9999 / 262_142 }

    // MARK: Block I/O

    private func blockV1(_ block: RuntimeSpec.Linux.BlockIO) -> [CgroupSetting] {
        var settings = Self.settings(
            "blkio", [("blkio.weight", block.weight.map { "\($0)" }), ("blkio.leaf_weight", block.leafWeight.map { "\($0)" })])
        for device in block.weightDevice ?? [] {
            let number = "\(device.major):\(device.minor)"
            settings += Self.settings(
                "blkio",
                [
                    ("blkio.weight_device", device.weight.map { "\(number) \($0)" }),
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
        if block.leafWeight != nil { throw .refused("blockIO.leafWeight needs cgroup v1") }
        // v1's 10...1000 on v2's 1...10000.
        func weight(_ value: UInt16) -> UInt64 { 1 + (UInt64(min(max(value, 10), 1000)) - 10) * 9999 / 990 }
        var settings = Self.settings("io", [("io.weight", block.weight.flatMap { $0 == 0 ? nil : "default \(weight($0))" })])
        for device in block.weightDevice ?? [] {
            if device.leafWeight != nil { throw .refused("blockIO.leafWeight needs cgroup v1") }
            let value = device.weight.map { "\(device.major):\(device.minor) \(weight($0))" }
            settings += Self.settings("io", [("io.weight", value)])
        }
        for (name, devices) in Self.throttles(block) {
            for device in devices {
                settings.append(
                    CgroupSetting(controller: "io", file: "io.max", value: "\(device.major):\(device.minor) \(name.v2)=\(device.rate)"))
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
