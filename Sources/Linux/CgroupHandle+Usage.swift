// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import SystemPackage

// What was counted: a few small files for each group, read by path, no process looked at.
extension CgroupHandle {
    /// Every counter that this machine's hierarchies have for the group.
    /// - Throws: `KernelError` `.noSuchFileOrDirectory` where the group is gone.
    package func usage() throws(KernelError) -> CgroupUsage {
        guard let directory = unified ?? directories.first else {
            throw KernelError(call: "open(2)", object: "a cgroup", errno: .noSuchFileOrDirectory)
        }
        _ = try openFile(directory.location, CTR_O_PATH | O_DIRECTORY)
        var usage = CgroupUsage()
        usage.cpu = try cpuUsage()
        usage.memory = try memoryUsage()
        usage.processes = try processUsage()
        usage.blockIO = try blockUsage()
        usage.cpuPressure = try pressure("cpu.pressure")
        usage.memoryPressure = try pressure("memory.pressure")
        usage.ioPressure = try pressure("io.pressure")
        return usage
    }

    /// nil where the file is not there: a kernel without it, or a controller that was not handed down.
    /// - Parameter limit: more than it ever is: the buffer is as large, and there are many files.
    private func bytes(_ directory: Directory, _ name: String, limit: Int = 1023) throws(KernelError) -> [UInt8]? {
        do throws(KernelError) {
            return try readFile(directory.location.appending(name), limit: limit)
        } catch  where error.errno == .noSuchFileOrDirectory || error.errno == .notSupportedOnSocket {
            // EOPNOTSUPP: pressure that was switched off with "psi=0" or cgroup.pressure.
            return nil
        }
    }

    private func keyed(_ directory: Directory, _ name: String) throws(KernelError) -> [String: UInt64] {
        try bytes(directory, name, limit: 16_383).map(CgroupText.keyed) ?? [:]
    }

    private func number(_ directory: Directory, _ name: String) throws(KernelError) -> UInt64? {
        try bytes(directory, name).flatMap { CgroupText.number($0) }
    }

    // MARK: CPU

    /// v2 counts time whether or not its CPU controller is here; else v1's cpuacct does. Throttling is told by whoever limits.
    private func cpuUsage() throws(KernelError) -> CgroupUsage.CPU? {
        var cpu: CgroupUsage.CPU?
        if let unified {
            let values = try keyed(unified, "cpu.stat")
            if let usage = values["usage_usec"] {
                cpu = CgroupUsage.CPU(
                    usageNanoseconds: usage &* 1000, userNanoseconds: values["user_usec"].map { $0 &* 1000 },
                    systemNanoseconds: values["system_usec"].map { $0 &* 1000 })
                cpu?.periods = values["nr_periods"]
                cpu?.throttledPeriods = values["nr_throttled"]
                cpu?.throttledNanoseconds = values["throttled_usec"].map { $0 &* 1000 }
            }
        }
        if cpu == nil, let account = directory(of: "cpuacct"), let usage = try number(account, "cpuacct.usage") {
            cpu = CgroupUsage.CPU(usageNanoseconds: usage)
            cpu?.userNanoseconds = try number(account, "cpuacct.usage_user")
            cpu?.systemNanoseconds = try number(account, "cpuacct.usage_sys")
        }
        if let limiter = directory(of: "cpu"), !limiter.hierarchy.isUnified {
            let values = try keyed(limiter, "cpu.stat")
            cpu?.periods = values["nr_periods"]
            cpu?.throttledPeriods = values["nr_throttled"]
            cpu?.throttledNanoseconds = values["throttled_time"]
        }
        return cpu
    }

    // MARK: Memory

    private func memoryUsage() throws(KernelError) -> CgroupUsage.Memory? {
        guard let directory = directory(of: "memory") else { return nil }
        return directory.hierarchy.isUnified ? try memoryV2(directory) : try memoryV1(directory)
    }

    private func memoryV1(_ directory: Directory) throws(KernelError) -> CgroupUsage.Memory? {
        guard let used = try number(directory, "memory.usage_in_bytes") else { return nil }
        let values = try keyed(directory, "memory.stat")
        let inactive = values["total_inactive_file"] ?? values["inactive_file"] ?? 0
        var memory = CgroupUsage.Memory(usedBytes: used, workingSetBytes: used > inactive ? used - inactive : 0)
        // The largest page counter there is stands for "none".
        if let limit = try number(directory, "memory.limit_in_bytes"), limit < 1 << 62 { memory.limitBytes = limit }
        memory.peakBytes = try number(directory, "memory.max_usage_in_bytes")
        memory.swapBytes = values["total_swap"]
        memory.anonymousBytes = values["total_rss"]
        memory.fileBytes = values["total_cache"]
        memory.limitFailures = try number(directory, "memory.failcnt")
        memory.outOfMemoryKills = try keyed(directory, "memory.oom_control")["oom_kill"]
        return memory
    }

    private func memoryV2(_ directory: Directory) throws(KernelError) -> CgroupUsage.Memory? {
        guard let used = try number(directory, "memory.current") else { return nil }
        let values = try keyed(directory, "memory.stat")
        let inactive = values["inactive_file"] ?? 0
        var memory = CgroupUsage.Memory(usedBytes: used, workingSetBytes: used > inactive ? used - inactive : 0)
        memory.limitBytes = try number(directory, "memory.max")
        memory.peakBytes = try number(directory, "memory.peak")
        memory.swapBytes = try number(directory, "memory.swap.current")
        memory.anonymousBytes = values["anon"]
        memory.fileBytes = values["file"]
        let events = try keyed(directory, "memory.events")
        memory.limitFailures = events["max"]
        memory.outOfMemoryKills = events["oom_kill"]
        return memory
    }

    // MARK: The rest

    private func processUsage() throws(KernelError) -> CgroupUsage.Processes? {
        guard let directory = directory(of: "pids"), let count = try number(directory, "pids.current") else { return nil }
        return CgroupUsage.Processes(count: count, limit: try number(directory, "pids.max"))
    }

    private func blockUsage() throws(KernelError) -> CgroupUsage.BlockIO? {
        if let directory = directory(of: "io") { return try bytes(directory, "io.stat", limit: 1 << 20).map(CgroupText.operationsV2) }
        guard let directory = directory(of: "blkio") else { return nil }
        guard let moved = try counters(directory, "io_service_bytes"), let operations = try counters(directory, "io_serviced") else {
            return nil
        }
        return CgroupUsage.BlockIO(
            readBytes: moved.reads, writtenBytes: moved.writes, reads: operations.reads, writes: operations.writes)
    }

    /// With what groups below have moved, where the kernel tells it (Linux 5.2).
    private func counters(_ directory: Directory, _ name: String) throws(KernelError) -> (reads: UInt64, writes: UInt64)? {
        for file in ["blkio.throttle.\(name)_recursive", "blkio.throttle.\(name)"] {
            if let bytes = try bytes(directory, file, limit: 1 << 20) { return CgroupText.operationsV1(bytes) }
        }
        return nil
    }

    private func pressure(_ name: String) throws(KernelError) -> CgroupUsage.Pressure? {
        guard let unified else { return nil }
        return try bytes(unified, name).flatMap(CgroupText.pressure)
    }
}
