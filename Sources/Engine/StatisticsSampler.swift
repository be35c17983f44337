// SPDX-License-Identifier: Apache-2.0

public import APITypes
internal import Containers
internal import Linux
internal import OCI

/// Reads what containers use, again and again: of two readings it tells how busy they were in between.
public actor StatisticsSampler {
    private let service: ContainerService
    /// nil: all that run.
    private let named: [Container]?
    private var last: [String: (moment: Moment, nanoseconds: UInt64)] = [:]

    init(_ service: ContainerService, named: [Container]?) {
        self.service = service
        self.named = named
    }

    /// The first one needs a reading before it; later ones compare with the one before.
    private static let firstPause = Duration.milliseconds(500)

    /// Everything at about the same moment.
    /// - Parameter pause: how long to wait before; the first sample waits half a second at least for its comparison.
    /// - Returns: nil once all of the named containers have ended.
    /// - Throws: `EngineError`; `CancellationError` in a wait.
    public func next(after pause: Duration = .zero) async throws -> StatisticsSample? {
        if last.isEmpty {
            _ = try await read()
            try await Task.sleep(for: Self.firstPause)
        } else {
            try await Task.sleep(for: pause)
        }
        let containers = try await read()
        if let named, containers.isEmpty, !named.contains(where: \.life.isLive) { return nil }
        return StatisticsSample(time: Timestamp.now(), containers: containers)
    }

    private func read() async throws(EngineError) -> [ContainerStatistics] {
        let readings: [GroupReading]
        do throws(ContainerError) { readings = try await service.readUsage(of: named ?? service.running) } catch {
            throw EngineError(error)
        }
        var now: [String: (moment: Moment, nanoseconds: UInt64)] = [:]
        var rows: [ContainerStatistics] = []
        for reading in readings {
            let id = reading.container.id.text
            let used = reading.usage.cpu?.usageNanoseconds ?? 0
            now[id] = (reading.moment, used)
            rows.append(ContainerStatistics(reading, percent: Self.percent(from: last[id], to: (reading.moment, used))))
        }
        // So that a node where nothing runs is not read twice for each sample.
        now[""] = (.now, 0)
        last = now
        return rows.sorted { ($0.name, $0.id) < ($1.name, $1.id) }
    }

    /// A container that was not there before, or was started anew, has no share yet.
    static func percent(from old: (moment: Moment, nanoseconds: UInt64)?, to new: (moment: Moment, nanoseconds: UInt64)) -> Double {
        guard let old, new.moment > old.moment, new.nanoseconds >= old.nanoseconds else { return 0 }
        let hundredths = Double(new.nanoseconds - old.nanoseconds) * 10_000 / Double(new.moment.nanoseconds - old.moment.nanoseconds)
        return hundredths.rounded() / 100
    }
}

extension ContainerStatistics {
    init(_ reading: GroupReading, percent: Double) {
        let container = reading.container
        self.init(id: container.id.text, name: container.memo.name, state: container.life.state)
        let usage = reading.usage
        cpu = usage.cpu.map { CPUStatistics($0, percent: percent) }
        memory = usage.memory.map(MemoryStatistics.init)
        processes = usage.processes.map { ProcessStatistics(count: $0.count, limit: $0.limit) }
        blockIO = usage.blockIO.map {
            BlockIOStatistics(readBytes: $0.readBytes, writtenBytes: $0.writtenBytes, reads: $0.reads, writes: $0.writes)
        }
        network = reading.network.map {
            NetworkStatistics(
                receivedBytes: $0.receivedBytes, sentBytes: $0.sentBytes, receivedPackets: $0.receivedPackets,
                sentPackets: $0.sentPackets)
        }
        if usage.cpuPressure != nil || usage.memoryPressure != nil || usage.ioPressure != nil {
            pressure = PressureStatistics(
                cpu: usage.cpuPressure.map(PressureStatistics.Resource.init),
                memory: usage.memoryPressure.map(PressureStatistics.Resource.init),
                io: usage.ioPressure.map(PressureStatistics.Resource.init))
        }
    }
}

extension CPUStatistics {
    fileprivate init(_ cpu: CgroupUsage.CPU, percent: Double) {
        self.init(percent: percent, usageNanoseconds: cpu.usageNanoseconds)
        userNanoseconds = cpu.userNanoseconds
        systemNanoseconds = cpu.systemNanoseconds
        periods = cpu.periods
        throttledPeriods = cpu.throttledPeriods
        throttledNanoseconds = cpu.throttledNanoseconds
    }
}

extension MemoryStatistics {
    fileprivate init(_ memory: CgroupUsage.Memory) {
        self.init(workingSetBytes: memory.workingSetBytes, usedBytes: memory.usedBytes)
        limitBytes = memory.limitBytes
        if let limit = memory.limitBytes, limit > 0 {
            percent = (Double(memory.workingSetBytes) * 10_000 / Double(limit)).rounded() / 100
        }
        peakBytes = memory.peakBytes
        swapBytes = memory.swapBytes
        anonymousBytes = memory.anonymousBytes
        fileBytes = memory.fileBytes
        limitFailures = memory.limitFailures
        outOfMemoryKills = memory.outOfMemoryKills
    }
}

extension PressureStatistics.Resource {
    fileprivate init(_ pressure: CgroupUsage.Pressure) {
        self.init(some: PressureStatistics.Share(pressure.some), full: pressure.full.map(PressureStatistics.Share.init))
    }
}

extension PressureStatistics.Share {
    fileprivate init(_ share: CgroupUsage.Pressure.Share) {
        self.init(
            average10: Double(share.average10) / 100, average60: Double(share.average60) / 100,
            average300: Double(share.average300) / 100, totalMicroseconds: share.totalMicroseconds)
    }
}
