// SPDX-License-Identifier: Apache-2.0

import APITypes
import Containers
import Glibc
import Linux
import SystemPackage
import Testing

@Suite(.asRoot, .busybox, .shim, .serialized) struct UsageTests {
    @Test("what is counted is what the container did")
    func counters() async throws {
        try await withNode { node in
            let script =
                "/bin/busybox dd if=/dev/zero of=/dev/shm/held bs=1048576 count=20 2>/dev/null; sleep 1000 & sleep 1000 & echo ready; wait"
            let container = try await node.run(shell: script) { $0.resources = ResourceRequest(memoryInBytes: 64 << 20, pidsLimit: 40) }
            try await eventually("ready") { try Files.read(container.paths.log.appending("container.log")).contains("ready") }
            let reading = try #require(try await node.service.readUsage(of: [container]).first)
            let usage = reading.usage
            let memory = try #require(usage.memory)
            #expect(memory.limitBytes == 64 << 20 && memory.workingSetBytes >= 20 << 20 && memory.workingSetBytes <= memory.usedBytes)
            #expect(try #require(memory.peakBytes) >= memory.workingSetBytes && memory.outOfMemoryKills == 0)
            #expect(usage.processes?.count == 3 && usage.processes?.limit == 40)
            #expect(try #require(usage.cpu).usageNanoseconds > 1_000_000)
            #expect(usage.blockIO != nil)
            #expect(reading.network == nil, "there is loopback alone")
            if Files.exists("/proc/pressure/cpu"), try CgroupLayout.detect().unified != nil {
                #expect(usage.cpuPressure != nil && usage.memoryPressure != nil && usage.ioPressure != nil)
            }
            _ = try await node.service.stop(container, timeoutSeconds: 0)
            #expect(try await node.service.readUsage(of: [container]).isEmpty)
        }
    }

    /// Forked is not yet what it becomes.
    private func sleeping(_ node: TestNode, _ container: Container) async throws -> [ProcessDetails] {
        var found = try await node.service.processes(of: container)
        for _ in 0..<12_000 {
            let names = found.map(\.name)
            if names.filter({ $0 == "sleep" }).count == 2 { break }
            try await Task.sleep(for: .milliseconds(5))
            found = try await node.service.processes(of: container)
        }
        return found
    }

    @Test("processes are told with the host's numbers and their own")
    func processes() async throws {
        try await withNode { node in
            let container = try await node.run(shell: "sleep 1000 & sleep 1001 & echo ready; wait") { $0.user = "7:8" }
            let found = try await sleeping(node, container)
            let first = try #require(found.first { $0.pidInside == 1 })
            #expect(first.pid == container.summary.pid && first.arguments.first == "/bin/sh" && first.uid == 7 && first.gid == 8)
            #expect(found.count { $0.parent == first.pid && $0.name == "sleep" } == 2)
            #expect(first.terminal == nil && first.startedAtSeconds > 1_600_000_000)
        }
    }

    /// F-12, F-13: what a container's end says of memory, for each way in which its limit can be met.
    @Test(
        "F-12: an end for want of memory is one, and no other is",
        arguments: [
            ("/bin/busybox dd if=/dev/zero of=/dev/shm/x bs=1048576 count=64", 16 << 20, true),
            ("(tail /dev/zero); exit 3", 16 << 20, true), ("exec tail /dev/zero", 16 << 20, true), ("kill -9 $$", 16 << 20, false),
            ("exit 137", 16 << 20, false), ("exec tail /dev/zero", 8 << 20, true),
        ] as [(String, Int, Bool)])
    func outOfMemory(script: String, limit: Int, expected: Bool) async throws {
        try await withNode(["bin/tail": "->busybox"]) { node in
            let container = try await node.run(shell: script) {
                $0.initProcess = script.hasPrefix("kill")
                $0.resources.memoryInBytes = Int64(limit)
                $0.resources.memorySwapInBytes = Int64(limit)
            }
            let exit = try await node.service.wait(container, for: .stopped)
            #expect(exit.outOfMemory == expected, "\(exit)")
            if script.hasPrefix("exec") { #expect(exit.exitCode == 137 && exit.signal == 9) }
            if script.hasPrefix("(") { #expect(exit.exitCode == 3, "the first process lived on") }
        }
    }

    @Test("F-13: a kill for want of memory while no daemon runs is known to the next one")
    func outOfMemoryUnseen() async throws {
        try await Daemons.follow { node in
            try node.install(["bin/tail": "->busybox"])
            let script = "trap 'exec tail /dev/zero' USR1; echo ready; while :; do sleep 0.01; done"
            let container = try await node.create(shell: script) {
                $0.resources.memoryInBytes = 16 << 20
                $0.resources.memorySwapInBytes = 16 << 20
            }
            return [try await Daemons.untilSignal(node, container)]
        } between: { old in
            try Daemons.signal(old[0])
            try await Daemons.reap(old[0].shimPID)
        } then: { _, found in
            #expect(found[0].summary.exit?.outOfMemory == true && found[0].summary.exit?.exitCode == 137)
        }
    }

    @Test("F-15: a fork bomb meets its limit, the node goes on, and a kill ends all of it")
    func forkBomb() async throws {
        try await withNode { node in
            let container = try await node.run(shell: "bomb() { bomb | bomb & }; echo ready; bomb; exec sleep 1000") {
                $0.resources.pidsLimit = 60
            }
            let cgroup = CgroupHandle(existing: String(container.memo.cgroup.dropFirst()), try .detect())
            let events = try #require(cgroup.directory(of: "pids")).location.appending("pids.events")
            try await eventually("forks are refused") { try CgroupText.keyed(readFile(events))["max"] ?? 0 > 0 }
            let other = try await node.create(shell: "echo still here")
            #expect(try await node.output(other) == ["still here"])
            #expect(try await node.service.stop(container, timeoutSeconds: 0).exitCode == 137)
            _ = try await node.service.wait(container, for: .shimGone)
            #expect(try node.cgroups(container) == [], "nobody is left")
        }
    }
}
