// SPDX-License-Identifier: Apache-2.0

import APITypes
import Containers
import Glibc
import JSON
import Linux
import Metadata
import OCI
import Runtime
import SystemPackage
import Testing

@Suite(.asRoot, .busybox, .shim, .serialized) struct UpdateTests {
    private func value(_ container: Container, _ controller: String, _ v1: String, _ v2: String) throws -> String? {
        let handle = CgroupHandle(existing: String(container.memo.cgroup.dropFirst()), try CgroupLayout.detect())
        guard let directory = handle.directory(of: controller) else { return nil }
        let bytes = try readFile(directory.location.appending(directory.hierarchy.isUnified ? v2 : v1))
        return String(decoding: bytes.prefix { $0 != 0x0A }, as: UTF8.self)
    }

    private func memory(_ container: Container) throws -> String? {
        try value(container, "memory", "memory.limit_in_bytes", "memory.max")
    }

    private func change(_ body: (inout ResourceRequest) -> Void) -> ResourceRequest {
        var request = ResourceRequest()
        body(&request)
        return request
    }

    @Test("limits change at once, the others stay, and a later start has them")
    func live() async throws {
        try await withNode { node in
            let container = try await node.run(shell: "echo ready; while :; do sleep 0.01; done") {
                $0.resources = ResourceRequest(memoryInBytes: 64 << 20, pidsLimit: 40)
            }
            let now = try await node.service.update(
                container,
                change {
                    $0.memoryInBytes = 128 << 20
                    $0.memorySwapInBytes = 128 << 20
                    $0.cpuShares = 512
                    $0.nanoCPUs = 500_000_000
                })
            #expect(now.pidsLimit == 40 && now.memoryInBytes == 128 << 20 && now.cpuShares == 512)
            for round in 0..<2 {
                #expect(try memory(container) == "134217728", "round \(round)")
                #expect(try value(container, "pids", "pids.max", "pids.max") == "40")
                #expect(["512", "20"].contains(try value(container, "cpu", "cpu.shares", "cpu.weight")))
                #expect(["50000", "50000 100000"].contains(try value(container, "cpu", "cpu.cfs_quota_us", "cpu.max")))
                guard round == 0 else { break }
                _ = try await node.service.stop(container, timeoutSeconds: 0)
                try await node.service.start(container)
            }
            #expect(container.detail.request.resources == now)
            let kept = try JSON.decode(ContainerMemo.self, from: #require(try node.metadata.container(container.id.text)).json)
            #expect(kept.request.resources == now)
            let open = try await node.service.update(
                container,
                change {
                    $0.memoryInBytes = 0
                    $0.memorySwapInBytes = 0
                    $0.pidsLimit = -1
                    $0.nanoCPUs = 0
                })
            #expect(open.memoryInBytes == 0)
            #expect(try value(container, "pids", "pids.max", "pids.max") == "max")
            let none = try #require(try memory(container))
            #expect(none.utf8.count > 15 || none == "max", "no limit is a very large one")
            let spec = try JSON.decode(RuntimeSpec.self, from: readFile(container.paths.spec))
            #expect(spec.linux?.resources?.memory == nil && spec.linux?.resources?.devices?.isEmpty == false)
        }
    }

    @Test("what is below use is refused with the kernel's reason, and nothing has changed")
    func belowUse() async throws {
        try await withNode { node in
            let script = "dd if=/dev/zero of=/dev/shm/held bs=1048576 count=24 2>/dev/null; echo ready; while :; do sleep 0.01; done"
            let container = try await node.run(shell: script.replacing("dd if", with: "/bin/busybox dd if")) {
                $0.resources = ResourceRequest(memoryInBytes: 64 << 20, pidsLimit: 40)
                $0.resources.memorySwapInBytes = 64 << 20
            }
            try await eventually("ready") { try Files.read(container.paths.log.appending("container.log")).contains("ready") }
            let error = await #expect(throws: ContainerError.self) {
                try await node.service.update(
                    container,
                    change {
                        $0.pidsLimit = 30
                        $0.memoryInBytes = 8 << 20
                        $0.memorySwapInBytes = 8 << 20
                    })
            }
            #expect(error?.description.contains("uses") == true, "\(error.map { "\($0)" } ?? "")")
            #expect(try memory(container) == "67108864")
            #expect(try value(container, "pids", "pids.max", "pids.max") == "40")
            #expect(container.memo.request.resources.pidsLimit == 40 && container.summary.state == .running)
        }
    }

    @Test("processors are taken away and given back; the group that this needed goes with the container")
    func processors() async throws {
        try await withNode { node in
            let container = try await node.run(shell: "sleep 1000 & echo ready; while :; do sleep 0.01; done")
            _ = try await node.service.update(container, change { $0.cpusetCPUs = "0" })
            for process in try await node.service.processes(of: container) {
                guard let status = try? readFile(FilePath("/proc/\(process.pid)/status")) else { continue }
                #expect(String(decoding: status, as: UTF8.self).contains("Cpus_allowed_list:\t0\n"), "\(process.arguments)")
            }
            _ = try await node.service.update(container, change { $0.cpusetCPUs = "" })
            let all = String(decoding: try readFile("/sys/devices/system/cpu/online").prefix { $0 != 0x0A }, as: UTF8.self)
            #expect(try value(container, "cpuset", "cpuset.cpus", "cpuset.cpus") == all)
            _ = try await node.service.stop(container, timeoutSeconds: 0)
            _ = try await node.service.wait(container, for: .shimGone)
            #expect(try node.cgroups(container) == [])
        }
    }

    @Test(
        "an update that was cut off before it had moved a process is finished by the next; what comes in later is in the new group, too",
        arguments: [false, true])
    func processorsCutOff(filled: Bool) async throws {
        try await withNode { node in
            let container = try await node.run(shell: "sleep 1000 & echo ready; while :; do sleep 0.01; done")
            // As one leaves it that has made the group.
            for hierarchy in try CgroupLayout.detect().hierarchies where hierarchy.controllers.contains("cpuset") && !hierarchy.isUnified {
                let path = String(container.memo.cgroup.drop { $0 == "/" })
                var handle = CgroupHandle(CgroupLayout(hierarchies: [hierarchy]), path: path)
                if filled {
                    try handle.make()
                } else {
                    let location = handle.directories[0].location
                    for directory in [location.removingLastComponent(), location] { try makeDirectory(directory, mode: 0o755) }
                }
            }
            #expect(try await node.exec(container, shell: "echo in").lines == ["in"])
            _ = try await node.service.update(container, change { $0.cpusetCPUs = "0" })
            var request = ExecRequest(command: ["sleep", "1000"])
            request.detach = true
            let exec = try await node.service.exec(container, request)
            var found = 0
            for process in try await node.service.processes(of: container) {
                guard let status = try? readFile(FilePath("/proc/\(process.pid)/status")) else { continue }
                #expect(String(decoding: status, as: UTF8.self).contains("Cpus_allowed_list:\t0\n"), "\(process.arguments)")
                if process.pid == exec.pid { found += 1 }
            }
            #expect(found == 1)
            _ = try await node.service.stop(container, timeoutSeconds: 0)
            _ = try await node.service.wait(container, for: .shimGone)
            #expect(try node.cgroups(container) == [])
        }
    }

    @Test("a container that does not run has the new limits when it does; a wrong one is refused before anything is written")
    func stopped() async throws {
        try await withNode { node in
            let container = try await node.create(shell: "echo ready; while :; do sleep 0.01; done")
            _ = try await node.service.update(container, change { $0.pidsLimit = 33 })
            await #expect(throws: ContainerError.self) {
                try await node.service.update(container, change { $0.memoryInBytes = 1 })
            }
            await #expect(throws: ContainerError.self) {
                try await node.service.update(container, change { $0.cpusetCPUs = "0-99999" })
            }
            try await node.service.start(container)
            #expect(try value(container, "pids", "pids.max", "pids.max") == "33")
        }
    }

    @Test("twenty updates at once are all made")
    func concurrent() async throws {
        try await withNode { node in
            let container = try await node.run(shell: "while :; do sleep 0.01; done")
            try await withThrowingTaskGroup { group in
                for number in 1...20 {
                    let change = change { if number % 2 == 0 { $0.pidsLimit = 60 } else { $0.cpuShares = 300 } }
                    group.addTask { _ = try await node.service.update(container, change) }
                }
                try await group.waitForAll()
            }
            #expect(container.memo.request.resources.pidsLimit == 60 && container.memo.request.resources.cpuShares == 300)
            #expect(try value(container, "pids", "pids.max", "pids.max") == "60")
        }
    }
}
