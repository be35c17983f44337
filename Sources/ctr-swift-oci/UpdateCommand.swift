// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import JSON
import Linux
import OCI
import Runtime
import SystemPackage

/// The flags are runc's; sizes are bytes, or with k, m, g.
struct UpdateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "update", abstract: "Change the limits of a container.")

    @OptionGroup var global: GlobalOptions
    @Option(
        name: [.short, .long], parsing: .unconditional,
        help: "A file with linux.resources as JSON, or - for stdin; the other flags are not read then.")
    var resources: String?
    @Option(name: .long, help: "Memory.") var memory: String?
    @Option(name: .long, help: "Memory that is given back last.") var memoryReservation: String?
    @Option(name: .long, parsing: .unconditional, help: "Memory and swap together; -1: no limit.") var memorySwap: String?
    @Option(name: .long, help: "Processes and threads; -1: no limit.") var pidsLimit: String?
    @Option(name: .customLong("cpu-share"), help: "Share of CPU time against others, 2 to 262144.") var cpuShares: UInt64?
    @Option(name: .long, parsing: .unconditional, help: "Microseconds of CPU time a period; -1: no limit.") var cpuQuota: Int64?
    @Option(name: .long, help: "The period in microseconds.") var cpuPeriod: UInt64?
    @Option(name: .long, help: "Microseconds of unused time that may be used later.") var cpuBurst: UInt64?
    @Option(name: .long, help: "1: only time that nobody else wants.") var cpuIdle: Int64?
    @Option(name: .long, help: "Real-time period in microseconds.") var cpuRtPeriod: UInt64?
    @Option(name: .long, help: "Real-time microseconds a period.") var cpuRtRuntime: Int64?
    @Option(name: .long, help: "Processors: 0-2,4.") var cpusetCpus: String?
    @Option(name: .long, help: "Memory nodes: 0-1.") var cpusetMems: String?
    @Option(name: .long, help: "Weight of block I/O, 10 to 1000.") var blkioWeight: UInt16?
    @Argument(help: "The container's id.") var id: String

    func run() throws {
        try reporting(global) {
            var container = try FoundContainer(id, global)
            guard container.status != .stopped else { throw CommandError("container \"\(id)\" is stopped: it has no limits to change") }
            let before = container.record.cgroup
            let wanted = try wanted()
            do {
                try CgroupUpdate.apply(wanted, to: &container.record.cgroup)
            } catch {
                if container.record.cgroup != before { try? container.directory.write(container.record) }
                throw error
            }
            if container.record.cgroup != before { try container.directory.write(container.record) }
        }
    }

    private func wanted() throws -> RuntimeSpec.Linux.Resources {
        if let resources {
            return try JSON.decode(
                RuntimeSpec.Linux.Resources.self, from: resources == "-" ? standardInput() : readFile(FilePath(resources)))
        }
        var wanted = RuntimeSpec.Linux.Resources()
        if memory != nil || memoryReservation != nil || memorySwap != nil {
            wanted.memory = RuntimeSpec.Linux.Memory(
                limit: try size(memory, "--memory"), reservation: try size(memoryReservation, "--memory-reservation"),
                swap: try size(memorySwap, "--memory-swap"))
        }
        if let pidsLimit { wanted.pids = RuntimeSpec.Linux.Pids(limit: try number(pidsLimit, "--pids-limit")) }
        var cpu = RuntimeSpec.Linux.CPU(shares: cpuShares, quota: cpuQuota, period: cpuPeriod)
        cpu.burst = cpuBurst
        cpu.idle = cpuIdle
        cpu.realtimePeriod = cpuRtPeriod
        cpu.realtimeRuntime = cpuRtRuntime
        cpu.cpus = cpusetCpus
        cpu.mems = cpusetMems
        wanted.cpu = cpu
        if let blkioWeight {
            wanted.blockIO = RuntimeSpec.Linux.BlockIO()
            wanted.blockIO?.weight = blkioWeight
        }
        return wanted
    }

    private func standardInput() throws(KernelError) -> [UInt8] {
        let input = OwnedFD(owning: try kernel("fcntl(2)", "stdin") { fcntl(0, F_DUPFD_CLOEXEC, 3) })
        return try readAll(input, object: "stdin", limit: 16 << 20)
    }

    private func size(_ text: String?, _ option: String) throws -> Int64? {
        guard let text else { return nil }
        let units: [Character: Int64] = ["k": 1 << 10, "m": 1 << 20, "g": 1 << 30]
        if let unit = text.lowercased().last, let scale = units[unit] {
            let (bytes, overflow) = try number(String(text.dropLast()), option).multipliedReportingOverflow(by: scale)
            guard !overflow else { throw CommandError("\(option) \"\(text)\": too much") }
            return bytes
        }
        return try number(text, option)
    }

    private func number(_ text: String, _ option: String) throws -> Int64 {
        guard let number = Int64(text) else { throw CommandError("\(option) \"\(text)\": not a number") }
        return number
    }
}
