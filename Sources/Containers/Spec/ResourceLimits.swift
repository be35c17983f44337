// SPDX-License-Identifier: Apache-2.0

package import APITypes
internal import CLinux
internal import Glibc
internal import Linux
package import OCI
internal import SystemPackage

/// The request's limits, checked, in the kernel's units. nil is no limit.
package struct ResourceLimits: Hashable, Sendable {
    package var memoryInBytes: Int64?
    /// Memory and swap together; -1 is no limit on swap.
    package var memorySwapInBytes: Int64?
    package var memoryReservationInBytes: Int64?
    /// Microseconds of CPU time a period of 100,000.
    package var cpuQuotaMicroseconds: Int64?
    package var cpuShares: UInt64?
    package var processors: String?
    package var memoryNodes: String?
    package var pids: Int64?
    package var blockIOWeight: UInt16?
    package var devices: [DeviceLimit] = []

    /// Of one block device; nil is no limit.
    package struct DeviceLimit: Hashable, Sendable {
        package var major: Int64
        package var minor: Int64
        package var readBytes, writtenBytes, reads, writes: UInt64?
    }

    package static let cpuPeriodMicroseconds: UInt64 = 100_000
    /// Less does not hold a process and its exec. Docker's floor is the same.
    package static let smallestMemory: Int64 = 6 << 20

    /// The kernel's PID_MAX_LIMIT; it refuses more in pids.max.
    package static let mostProcesses: Int64 = 4 << 20

    /// - Parameter change: what of the request is asked for now: that alone is compared with this machine. The rest was, when it was asked for;
    ///   where the machine has less today, a device that is gone is left out. nil is all of it.
    /// - Throws: `ContainerError.invalidRequest` for what the kernel would refuse, or round in silence.
    package init(
        _ request: ResourceRequest, checking change: ResourceRequest? = nil, processors count: Int = sysconf(Int32(_SC_NPROCESSORS_ONLN))
    ) throws(ContainerError) {
        let change = change ?? request
        try takeMemory(request)
        try takeProcessors(request, change, count)
        if let limit = request.pidsLimit {
            guard limit == -1 || (0...Self.mostProcesses).contains(limit) else {
                throw .invalidRequest("pids limit of \(limit)", remedy: "use 1 to \(Self.mostProcesses), or -1 for none")
            }
            pids = limit > 0 ? limit : nil
        }
        if let weight = request.blockIOWeight, weight != 0 {
            guard (10...1000).contains(weight), let weight = UInt16(exactly: weight) else {
                throw .invalidRequest("block I/O weight of \(weight)", remedy: "use 10 to 1000")
            }
            blockIOWeight = weight
        }
        let asked = Set((change.devices ?? []).map(\.path))
        for device in request.devices ?? [] {
            if let limit = try DeviceLimit(device, mustExist: asked.contains(device.path)) { devices.append(limit) }
        }
    }

    private mutating func takeMemory(_ request: ResourceRequest) throws(ContainerError) {
        if let memory = request.memoryInBytes, memory != 0 {
            guard memory >= Self.smallestMemory else {
                throw .invalidRequest(
                    "memory limit of \(memory) bytes: at least \(Self.smallestMemory) are needed", remedy: "use -m 6m or more")
            }
            memoryInBytes = memory
        }
        if let sum = request.memorySwapInBytes, sum != 0 {
            guard let memory = memoryInBytes else {
                throw .invalidRequest(
                    "a limit on memory and swap together without one on memory", remedy: "set the memory limit, too (-m)")
            }
            guard sum == -1 || sum >= memory else {
                throw .invalidRequest(
                    "memory and swap together of \(sum) bytes are less than the memory limit of \(memory)",
                    remedy: "use the memory limit itself for no swap, more for some, -1 for no limit")
            }
            memorySwapInBytes = sum
        }
        if let reservation = request.memoryReservationInBytes, reservation != 0 {
            guard reservation > 0, reservation <= memoryInBytes ?? .max else {
                throw .invalidRequest(
                    "memory reservation of \(reservation) bytes", remedy: "use more than 0, and no more than the memory limit")
            }
            memoryReservationInBytes = reservation
        }
    }

    private mutating func takeProcessors(_ request: ResourceRequest, _ change: ResourceRequest, _ count: Int) throws(ContainerError) {
        if let nanoCPUs = request.nanoCPUs, nanoCPUs != 0 {
            guard nanoCPUs >= 10_000_000, change.nanoCPUs == nil || nanoCPUs <= Int64(count) * 1_000_000_000 else {
                throw .invalidRequest(
                    "CPU limit of \(Double(nanoCPUs) / 1e9): this node has \(count) processors", remedy: "use 0.01 to \(count)")
            }
            cpuQuotaMicroseconds = nanoCPUs / (1_000_000_000 / Int64(Self.cpuPeriodMicroseconds))
        }
        if let shares = request.cpuShares, shares != 0 {
            guard (2...262_144).contains(shares) else {
                throw .invalidRequest("CPU shares of \(shares)", remedy: "use 2 to 262144; 1024 is what others have")
            }
            cpuShares = UInt64(shares)
        }
        processors = try Self.checkedSet(
            request.cpusetCPUs, of: change.cpusetCPUs.map { _ in "/sys/devices/system/cpu/online" }, "processor")
        memoryNodes = try Self.checkedSet(
            request.cpusetMemoryNodes, of: change.cpusetMemoryNodes.map { _ in "/sys/devices/system/node/online" }, "memory node")
    }

    /// - Parameter file: where the kernel says which there are; without it the kernel's own refusal has to do.
    private static func checkedSet(_ text: String?, of file: FilePath?, _ what: String) throws(ContainerError) -> String? {
        guard let text, !text.isEmpty else { return nil }
        guard let wanted = NumberList(text) else {
            throw .invalidRequest("\"\(text)\" is no list of \(what)s", remedy: "use 0-2,4")
        }
        if let present = file.flatMap(online), let set = NumberList(present), let missing = wanted.first(notIn: set) {
            throw .invalidRequest("there is no \(what) \(missing) on this node", remedy: "there are \(present)")
        }
        return text
    }

    private static func online(_ file: FilePath) -> String? {
        (try? readFile(file, limit: 4096)).map { String(decoding: $0.prefix { $0 != 0x0A }, as: UTF8.self) }
    }

    /// The spec's part: what was there before (device rules), and these limits.
    package func resources(over base: RuntimeSpec.Linux.Resources?) -> RuntimeSpec.Linux.Resources {
        var resources = base ?? RuntimeSpec.Linux.Resources()
        if memoryInBytes != nil || memoryReservationInBytes != nil {
            resources.memory = RuntimeSpec.Linux.Memory(
                limit: memoryInBytes, reservation: memoryReservationInBytes, swap: memorySwapInBytes)
        }
        if cpuQuotaMicroseconds != nil || cpuShares != nil || processors != nil || memoryNodes != nil {
            resources.cpu = RuntimeSpec.Linux.CPU(
                shares: cpuShares, quota: cpuQuotaMicroseconds, period: cpuQuotaMicroseconds == nil ? nil : Self.cpuPeriodMicroseconds)
            resources.cpu?.cpus = processors
            resources.cpu?.mems = memoryNodes
        }
        if let pids { resources.pids = RuntimeSpec.Linux.Pids(limit: pids) }
        if blockIOWeight != nil || !devices.isEmpty { resources.blockIO = blockIO(devices) }
        return resources
    }

    private func blockIO(_ devices: [DeviceLimit]) -> RuntimeSpec.Linux.BlockIO {
        var block = RuntimeSpec.Linux.BlockIO()
        block.weight = blockIOWeight
        func list(_ rate: KeyPath<DeviceLimit, UInt64?>) -> [RuntimeSpec.Linux.ThrottleDevice]? {
            let limited = devices.compactMap { device in
                device[keyPath: rate].map { RuntimeSpec.Linux.ThrottleDevice(major: device.major, minor: device.minor, rate: $0) }
            }
            return limited.isEmpty ? nil : limited
        }
        block.throttleReadBpsDevice = list(\.readBytes)
        block.throttleWriteBpsDevice = list(\.writtenBytes)
        block.throttleReadIOPSDevice = list(\.reads)
        block.throttleWriteIOPSDevice = list(\.writes)
        return block
    }

    /// What has to be written to a running container's files so that these limits hold in place of others: a limit that goes is written as
    /// none.
    /// - Parameter unifiedCPU: whether the CPU controller is v2's, whose weight without shares is another.
    package func change(from old: ResourceLimits, unifiedCPU: Bool) -> RuntimeSpec.Linux.Resources {
        var change = RuntimeSpec.Linux.Resources()
        var memory = RuntimeSpec.Linux.Memory()
        // Each is a part of what the other means, in one of the two versions of cgroups.
        if memoryInBytes != old.memoryInBytes || memorySwapInBytes != old.memorySwapInBytes {
            memory.limit = memoryInBytes ?? -1
            memory.swap = memorySwapInBytes ?? (old.memorySwapInBytes == nil ? nil : -1)
        }
        if memoryReservationInBytes != old.memoryReservationInBytes { memory.reservation = memoryReservationInBytes ?? -1 }
        memory.checkBeforeUpdate = true
        change.memory = memory
        var cpu = RuntimeSpec.Linux.CPU()
        if cpuQuotaMicroseconds != old.cpuQuotaMicroseconds {
            cpu.quota = cpuQuotaMicroseconds ?? -1
            cpu.period = Self.cpuPeriodMicroseconds
        }
        if cpuShares != old.cpuShares { cpu.shares = cpuShares ?? (unifiedCPU ? 2598 : 1024) }
        if processors != old.processors { cpu.cpus = processors ?? Self.online("/sys/devices/system/cpu/online") }
        if memoryNodes != old.memoryNodes { cpu.mems = memoryNodes ?? Self.online("/sys/devices/system/node/online") }
        change.cpu = cpu
        if pids != old.pids { change.pids = RuntimeSpec.Linux.Pids(limit: pids ?? -1) }
        if blockIOWeight != old.blockIOWeight || devices != old.devices {
            let gone = old.devices.map { DeviceLimit(major: $0.major, minor: $0.minor, readBytes: 0, writtenBytes: 0, reads: 0, writes: 0) }
            change.blockIO = blockIO(gone + devices)
            if blockIOWeight == nil { change.blockIO?.weight = old.blockIOWeight == nil ? nil : 100 }
        }
        return change
    }
}

extension ResourceLimits.DeviceLimit {
    /// nil: it is gone, which it may be.
    /// - Throws: `ContainerError.invalidRequest` for what is no block device, or a rate that is none.
    init?(_ request: DeviceLimitRequest, mustExist: Bool) throws(ContainerError) {
        guard request.path.hasPrefix("/"), !request.path.utf8.contains(0) else {
            throw .invalidRequest("device \"\(request.path)\"", remedy: "use an absolute path of the host")
        }
        var status = stat()
        guard stat(request.path, &status) == 0, status.st_mode & S_IFMT == S_IFBLK else {
            guard mustExist else { return nil }
            throw .invalidRequest("\"\(request.path)\" is no block device of this node")
        }
        major = Int64(ctr_major(UInt64(status.st_rdev)))
        minor = Int64(ctr_minor(UInt64(status.st_rdev)))
        for rate in [request.readBytesPerSecond, request.writtenBytesPerSecond, request.readsPerSecond, request.writesPerSecond] {
            guard rate ?? 0 >= 0 else { throw .invalidRequest("a rate of \(rate ?? 0) for \(request.path)", remedy: "use 1 or more") }
        }
        func rate(_ value: Int64?) -> UInt64? { value.flatMap { $0 > 0 ? UInt64($0) : nil } }
        readBytes = rate(request.readBytesPerSecond)
        writtenBytes = rate(request.writtenBytesPerSecond)
        reads = rate(request.readsPerSecond)
        writes = rate(request.writesPerSecond)
    }
}

/// The kernel's form of a set of small numbers: "0-2,4". Source: cpuset(7), "List format".
struct NumberList {
    private var ranges: [ClosedRange<Int>] = []

    init?(_ text: String) {
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false).map { end -> Int? in
                guard end.utf8.count <= 6, end.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
                return Int(end)
            }
            guard let first = ends.first ?? nil, let last = ends.last ?? nil, first <= last else { return nil }
            ranges.append(first...last)
        }
        guard !ranges.isEmpty else { return nil }
    }

    func contains(_ number: Int) -> Bool { ranges.contains { $0.contains(number) } }

    func first(notIn other: NumberList) -> Int? {
        for range in ranges {
            for number in range where !other.contains(number) { return number }
        }
        return nil
    }
}
