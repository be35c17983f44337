// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import JSON
import Linux
import SystemPackage

/// A line of JSON each, in runc's form.
struct EventsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events", abstract: "Tell what a container uses, and processes killed for want of memory, until it ends.")

    @OptionGroup var global: GlobalOptions
    @Flag(help: "What it uses now, once.") var stats = false
    @Option(help: "Time between two reports: 5s, 500ms, 1m.") var interval = "5s"
    @Argument(help: "The container's id.") var id: String

    func run() throws {
        try reporting(global) {
            guard let pause = Self.milliseconds(interval), pause > 0 else {
                throw CommandError("--interval \"\(interval)\": not a time: use 5s, 500ms or 1m")
            }
            let container = try FoundContainer(id, global)
            guard container.status != .stopped else { throw CommandError("container \"\(id)\" is not running") }
            if stats { return try show(container.record) }
            try follow(container.record, container.directory, every: pause)
        }
    }

    /// Kills are looked for once a second at least, and after the end: the counter of the group tells the last ones, too.
    private func follow(_ record: ContainerRecord, _ directory: StateDirectory, every pause: Int) throws {
        var kills = try record.cgroup.outOfMemoryKills
        let process = try? openProcess(record.pid)
        var due = Moment.now
        while true {
            let isStopped = record.status(gate: directory.gate) == .stopped
            // A group that is gone has been told of before.
            let now = (try? record.cgroup.outOfMemoryKills) ?? kills
            for _ in kills..<max(now, kills) { try show(Event<String>(type: "oom", id: id)) }
            kills = max(now, kills)
            if isStopped { return }
            if Moment.now >= due {
                due = Moment.now.advanced(byMilliseconds: UInt64(pause))
                try show(record)
            }
            wait(min(Int(due.milliseconds(from: Moment.now)), 1000), process)
        }
    }

    private func wait(_ milliseconds: Int, _ process: borrowing OwnedFD?) {
        switch process {
        case .some(let descriptor):
            var polled = pollfd(fd: descriptor.raw, events: Int16(POLLIN), revents: 0)
            poll(&polled, 1, CInt(max(milliseconds, 1)))
        case .none: usleep(UInt32(max(milliseconds, 1)) * 1000)
        }
    }

    private func show(_ record: ContainerRecord) throws {
        do throws(KernelError) {
            let usage = try record.cgroup.usage()
            try? show(Event(type: "stats", id: id, data: RuncStatistics(usage)))
        } catch  where error.isOfVanishedGroup {
            // It has just ended.
        }
    }

    private func show(_ event: Event<some Encodable>) throws {
        var line = String(decoding: try JSON.encode(event), as: UTF8.self) + "\n"
        let written = line.withUTF8 { write(1, $0.baseAddress, $0.count) }
        if written == -1 { throw KernelError(call: "write(2)", object: "stdout", errno: lastErrno()) }
    }

    private static func milliseconds(_ text: String) -> Int? {
        for (unit, scale) in [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)] where text.hasSuffix(unit) {
            return Int(text.dropLast(unit.count)).flatMap { $0 > 0 && $0 < 1 << 20 ? $0 * scale : nil }
        }
        return nil
    }
}

private struct Event<Data: Encodable>: Encodable {
    var type: String
    var id: String
    var data: Data?
}

/// runc's `Stats`, as far as they are told by both versions of cgroups.
private struct RuncStatistics: Encodable {
    struct CPU: Encodable {
        struct Usage: Encodable { var total, kernel, user: UInt64? }
        struct Throttling: Encodable { var periods, throttledPeriods, throttledTime: UInt64? }
        var usage: Usage
        var throttling: Throttling
        var psi: Pressure?
    }
    struct Memory: Encodable {
        struct Entry: Encodable { var limit, usage, max, failcnt: UInt64? }
        var cache: UInt64?
        var usage: Entry
        var swap: Entry
        var workingSet: UInt64
        var oomKills: UInt64?
        var psi: Pressure?
    }
    struct Processes: Encodable { var current, limit: UInt64? }
    struct BlockIO: Encodable {
        struct Entry: Encodable {
            var op: String
            var value: UInt64
        }
        var ioServiceBytesRecursive: [Entry]
        var ioServicedRecursive: [Entry]
        var psi: Pressure?
    }
    struct Pressure: Encodable {
        struct Share: Encodable {
            var avg10, avg60, avg300: Double
            var total: UInt64
            init(_ share: CgroupUsage.Pressure.Share) {
                avg10 = Double(share.average10) / 100
                avg60 = Double(share.average60) / 100
                avg300 = Double(share.average300) / 100
                total = share.totalMicroseconds
            }
        }
        var some: Share
        var full: Share?
        init(_ pressure: CgroupUsage.Pressure) {
            some = Share(pressure.some)
            full = pressure.full.map(Share.init)
        }
    }

    var cpu: CPU?
    var memory: Memory?
    var pids: Processes?
    var blkio: BlockIO?

    init(_ usage: CgroupUsage) {
        cpu = usage.cpu.map { cpu in
            CPU(
                usage: CPU.Usage(total: cpu.usageNanoseconds, kernel: cpu.systemNanoseconds, user: cpu.userNanoseconds),
                throttling: CPU.Throttling(
                    periods: cpu.periods, throttledPeriods: cpu.throttledPeriods, throttledTime: cpu.throttledNanoseconds),
                psi: usage.cpuPressure.map(Pressure.init))
        }
        memory = usage.memory.map { memory in
            Memory(
                cache: memory.fileBytes,
                usage: Memory.Entry(
                    limit: memory.limitBytes, usage: memory.usedBytes, max: memory.peakBytes, failcnt: memory.limitFailures),
                swap: Memory.Entry(usage: memory.swapBytes), workingSet: memory.workingSetBytes, oomKills: memory.outOfMemoryKills,
                psi: usage.memoryPressure.map(Pressure.init))
        }
        pids = usage.processes.map { Processes(current: $0.count, limit: $0.limit) }
        blkio = usage.blockIO.map { block in
            BlockIO(
                ioServiceBytesRecursive: [.init(op: "Read", value: block.readBytes), .init(op: "Write", value: block.writtenBytes)],
                ioServicedRecursive: [.init(op: "Read", value: block.reads), .init(op: "Write", value: block.writes)],
                psi: usage.ioPressure.map(Pressure.init))
        }
    }
}
