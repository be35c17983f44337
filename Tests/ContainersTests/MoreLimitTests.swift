// SPDX-License-Identifier: Apache-2.0

import APITypes
import Containers
import Glibc
import Linux
import OCI
import SystemPackage
import Testing

@Suite struct MoreLimitTests {
    private func resources(_ change: (inout ResourceRequest) -> Void) -> ResourceRequest {
        var request = ResourceRequest()
        change(&request)
        return request
    }

    @Test("every limit reaches the spec") func spec() throws {
        let plan = try TestPlan {
            $0.resources.memoryInBytes = 64 << 20
            $0.resources.memorySwapInBytes = 96 << 20
            $0.resources.memoryReservationInBytes = 32 << 20
            $0.resources.cpuShares = 512
            $0.resources.cpusetCPUs = "0"
            $0.resources.cpusetMemoryNodes = "0"
            $0.resources.blockIOWeight = 300
            $0.ulimits = [UlimitRequest(name: "nofile", soft: 99, hard: 100), UlimitRequest(name: "core", soft: -1, hard: -1)]
            $0.outOfMemoryScore = 500
            $0.sharedMemoryInBytes = 1 << 20
        }
        let made = try #require(plan.spec.linux?.resources)
        #expect(made.memory == RuntimeSpec.Linux.Memory(limit: 64 << 20, reservation: 32 << 20, swap: 96 << 20))
        #expect(made.cpu?.shares == 512 && made.cpu?.cpus == "0" && made.cpu?.mems == "0" && made.cpu?.quota == nil)
        #expect(made.blockIO?.weight == 300 && made.devices?.count == 1)
        let limits = try #require(plan.spec.process?.rlimits)
        #expect(limits.filter { $0.type == "RLIMIT_NOFILE" } == [RuntimeSpec.Rlimit(type: "RLIMIT_NOFILE", hard: 100, soft: 99)])
        #expect(limits.contains(RuntimeSpec.Rlimit(type: "RLIMIT_CORE", hard: .max, soft: .max)))
        #expect(plan.spec.process?.oomScoreAdj == 500)
        #expect(try TestPlan { _ in }.spec.process?.oomScoreAdj == 0, "not what the daemon has")
        let shm = plan.spec.mounts?.first { $0.destination == "/dev/shm" }?.options ?? []
        #expect(shm.filter { $0.hasPrefix("size=") } == ["size=1048576"] && shm.contains("nosuid"))
    }

    @Test(
        "what makes no sense is refused before anything is made",
        arguments: [
            ("swap", -2 as Int64), ("swap", 32 << 20), ("alone", 64 << 20), ("reservation", 65 << 20), ("shares", 1), ("shares", 262_145),
            ("weight", 9), ("weight", 1001),
        ])
    func wrong(what: String, value: Int64) {
        let request = resources {
            if what != "alone" { $0.memoryInBytes = 64 << 20 }
            switch what {
            case "swap", "alone": $0.memorySwapInBytes = value
            case "reservation": $0.memoryReservationInBytes = value
            case "shares": $0.cpuShares = value
            default: $0.blockIOWeight = value
            }
        }
        #expect(throws: ContainerError.self) { try ResourceLimits(request) }
    }

    @Test("lists of processors are the kernel's, and of what there is", arguments: ["0-", "a", "1-0", "0,,1", "-1", "0 1", "0\n", "9999"])
    func processors(list: String) {
        #expect(throws: ContainerError.self) { try ResourceLimits(resources { $0.cpusetCPUs = list }) }
    }

    @Test(
        "limits of processes that are none are refused",
        arguments: [
            UlimitRequest(name: "files", soft: 1, hard: 1), UlimitRequest(name: "nofile", soft: 2, hard: 1),
            UlimitRequest(name: "core", soft: -1, hard: 5),
            UlimitRequest(name: "core", soft: -2, hard: -2),
        ])
    func ulimits(request: UlimitRequest) { #expect(throws: ContainerError.self) { try TestPlan { $0.ulimits = [request] } } }

    @Test("a rate is for a block device of this node", arguments: ["sda", "/dev/null", "/no/such/device", "/dev/\0"])
    func devices(path: String) {
        var device = DeviceLimitRequest(path: path)
        device.readBytesPerSecond = 1
        #expect(throws: ContainerError.self) { try ResourceLimits(resources { $0.devices = [device] }) }
    }

    @Test("a machine that has got smaller does not refuse what it was asked for before, but what it is asked for now") func smaller() throws
    {
        var device = DeviceLimitRequest(path: "/no/such/disk")
        device.readBytesPerSecond = 1
        let old = resources {
            $0.nanoCPUs = 8_000_000_000
            $0.cpusetCPUs = "0,9999"
            $0.cpusetMemoryNodes = "0,9999"
            $0.devices = [device]
        }
        let before = try ResourceLimits(old, checking: ResourceRequest(), processors: 4)
        #expect(before.cpuQuotaMicroseconds == 800_000 && before.processors == "0,9999" && before.devices.isEmpty)
        for change in [ResourceRequest(memoryInBytes: 64 << 20), ResourceRequest(nanoCPUs: 2_000_000_000)] {
            #expect(throws: Never.self) { try ResourceLimits(old.updated(by: change), checking: change, processors: 4) }
        }
        let wrong = [
            resources { $0.nanoCPUs = 5_000_000_000 }, resources { $0.cpusetCPUs = "9999" }, resources { $0.cpusetMemoryNodes = "9999" },
            resources { $0.devices = [device] }, ResourceRequest(memoryInBytes: 1),
        ]
        for change in wrong {
            #expect(throws: ContainerError.self) { try ResourceLimits(old.updated(by: change), checking: change, processors: 4) }
        }
    }

    @Test("a change is what differs; what goes is written as none") func change() throws {
        let old = try ResourceLimits(
            resources {
                $0.memoryInBytes = 64 << 20
                $0.memorySwapInBytes = 64 << 20
                $0.pidsLimit = 9
                $0.cpuShares = 512
                $0.nanoCPUs = 500_000_000
            })
        let none = try ResourceLimits(ResourceRequest()).change(from: old, unifiedCPU: false)
        #expect(none.memory?.limit == -1 && none.memory?.swap == -1 && none.pids?.limit == -1)
        #expect(none.cpu?.shares == 1024 && none.cpu?.quota == -1 && none.cpu?.cpus == nil && none.blockIO == nil)
        let same = old.change(from: old, unifiedCPU: true)
        #expect(same.memory?.limit == nil && same.memory?.swap == nil && same.pids == nil && same.cpu == RuntimeSpec.Linux.CPU())
    }
}

@Suite(.asRoot, .busybox, .shim, .serialized) struct LimitsInsideTests {
    @Test("limits of each process, the score and /dev/shm are what the container sees") func inside() async throws {
        try await withNode(["bin/df": "->busybox"]) { node in
            let script =
                "ulimit -n; ulimit -Hn; cat /proc/self/oom_score_adj; df -k /dev/shm | sed -n '2s/  */ /gp'; grep Cpus_allowed_list /proc/self/status"
            let container = try await node.create(shell: script) {
                $0.ulimits = [UlimitRequest(name: "nofile", soft: 99, hard: 100)]
                $0.outOfMemoryScore = 700
                $0.sharedMemoryInBytes = 1 << 20
                $0.resources.cpusetCPUs = "0"
            }
            let lines = try await node.output(container)
            #expect(lines.prefix(3) == ["99", "100", "700"])
            #expect(lines[3].hasPrefix("shm 1024 ") && lines[4] == "Cpus_allowed_list:\t0", "\(lines)")
        }
    }

    @Test("X-23: a container's root can't set a release agent, nor allow itself a device, nor mount a hierarchy to do so")
    func releaseAgent() async throws {
        try await withNode(["bin/mount": "->busybox", "bin/mkdir": "->busybox", "bin/find": "->busybox"]) { node in
            let script = """
                for f in $(find /sys/fs/cgroup -name release_agent -o -name notify_on_release -o -name devices.allow -o -name cgroup.procs); do
                    (echo 1 > $f) 2>/dev/null && echo "wrote $f"
                done
                mkdir /tmp/m
                for t in cgroup cgroup2; do mount -t $t -o rdma none /tmp/m 2>/dev/null && echo "mounted $t"; mount -t $t none /tmp/m 2>/dev/null && echo "mounted $t"; done
                mount -o remount,rw /sys/fs/cgroup 2>/dev/null && echo remounted
                echo done
                """
            let container = try await node.create(shell: script)
            #expect(try await node.output(container) == ["done"])
        }
    }
}
