// SPDX-License-Identifier: Apache-2.0

import APITypes
import Containers
import Glibc
import Linux
import ShimProtocol
import SystemPackage
import Testing

/// How containers are ended from outside: stop, kill, wait, remove.
@Suite(.asRoot, .busybox, .shim, .serialized) struct StopTests {
    /// A shell that has set its trap before it says so: a signal that comes earlier is lost to a PID 1.
    private static func ready(_ node: TestNode, _ script: String, _ change: (inout CreateContainerRequest) -> Void = { _ in }) async throws
        -> Container
    {
        let container = try await node.run(shell: script, change)
        try await eventually("it is ready") { (try? Files.read(container.paths.log.appending("container.log")).contains("ready")) == true }
        return container
    }

    @Test("stop sends the container's own signal, by request or SIGTERM", arguments: [nil, "SIGUSR1", "RTMIN+2"])
    func stopSignal(name: String?) async throws {
        try await withNode { node in
            let traps = "trap 'exit 21' TERM; trap 'exit 22' USR1; trap 'exit 23' 36"
            let container = try await Self.ready(node, "\(traps); echo ready; while :; do sleep 0.01; done") { $0.stopSignal = name }
            let record = try await node.service.stop(container, timeoutSeconds: nil)
            #expect(record.exitCode == (name == nil ? 21 : name == "SIGUSR1" ? 22 : 23))
            #expect(try await node.service.stop(container, timeoutSeconds: 0) == record, "one that has ended answers with its record")
        }
    }

    @Test("who does not listen is killed when the time is up, and with no time at once", arguments: [0, 1])
    func killedAfterTime(seconds: Int) async throws {
        try await withNode { node in
            let container = try await Self.ready(node, "trap '' TERM; echo ready; while :; do sleep 0.01; done")
            let record = try await node.service.stop(container, timeoutSeconds: seconds)
            #expect(record.exitCode == 137 && record.signal == Int(SIGKILL))
        }
    }

    @Test("everyone who stops one container at once gets the one record")
    func stopsAtOnce() async throws {
        try await withNode { node in
            let container = try await Self.ready(node, "trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done")
            try await withThrowingTaskGroup(of: ExitRecord.self) { group in
                for _ in 0..<6 { group.addTask { try await node.service.stop(container, timeoutSeconds: 10) } }
                for try await record in group { #expect(record.exitCode == 7) }
            }
        }
    }

    @Test("a stop without end waits, and can be given up; the container then runs as before, and can be stopped")
    func stopWithoutEnd() async throws {
        try await withNode { node in
            let container = try await Self.ready(
                node, "trap 'echo got' TERM; echo ready; while :; do sleep 0.01; done")
            let stop = Task { try await node.service.stop(container, timeoutSeconds: -1) }
            try await eventually("it has the signal") { try Files.read(container.paths.log.appending("container.log")).contains("got") }
            #expect(container.summary.state == .stopping)
            stop.cancel()
            let error = await #expect(throws: ContainerError.self) { try await stop.value }
            #expect(error?.description.contains("given up") == true)
            #expect(container.summary.state == .running)
            #expect(try await node.exec(container, shell: "echo inside").lines == ["inside"])
            try await node.service.pause(container)
            try await node.service.unpause(container)
            try await node.service.kill(container, signal: SIGKILL)
            #expect(try await node.service.wait(container, for: .stopped).exitCode == 137)
        }
    }

    @Test("a time to stop in that would overflow the clock is refused, and the container goes on", arguments: [Int.max, Int.min, -2])
    func overflow(seconds: Int) async throws {
        try await withNode { node in
            let container = try await node.run(shell: "exec sleep 1000")
            let error = await #expect(throws: ContainerError.self) { try await node.service.stop(container, timeoutSeconds: seconds) }
            #expect(error?.description.contains("stop timeout") == true)
            #expect(container.summary.state == .running)
        }
    }

    @Test("what does not run is neither stopped nor killed")
    func notRunning() async throws {
        try await withNode { node in
            let created = try await node.create(shell: "exit 0")
            let ended = try await node.run(shell: "exit 0")
            _ = try await node.service.wait(ended, for: .stopped)
            await expectWrongState { try await node.service.kill(created, signal: SIGTERM) }
            await expectWrongState { _ = try await node.service.stop(created, timeoutSeconds: 1) }
            await expectWrongState { try await node.service.kill(ended, signal: SIGTERM) }
        }
    }

    @Test("a running container is removed by force only, and then wholly, with all that it started")
    func removeByForce() async throws {
        try await withNode { node in
            let container = try await Self.ready(node, "setsid sleep 1000 & sleep 1001 & trap '' TERM; echo ready; wait; wait")
            let error = await #expect(throws: ContainerError.self) { try await node.service.remove(container, force: false) }
            guard case .wrongState(_, "remove", .running)? = error else {
                Issue.record("\(error.map { "\($0)" } ?? "no error")")
                return
            }
            let processes = try CgroupMembers.of(container)
            #expect(processes.count >= 2)
            try await withThrowingTaskGroup { group in
                for _ in 0..<5 { group.addTask { try await node.service.remove(container, force: true) } }
                try await group.waitForAll()
            }
            try node.expectGone(container)
            for process in processes { #expect(!Files.exists(FilePath("/proc/\(process)"))) }
        }
    }

    @Test("a container that was never started is removed, and who waited for it is told that it is gone")
    func removeCreated() async throws {
        try await withNode { node in
            let container = try await node.create(shell: "exit 0")
            let waiter = Task { try await node.service.wait(container, for: .removed) }
            let stopped = Task { try await node.service.wait(container, for: .stopped) }
            try await node.service.remove(container, force: false)
            for task in [waiter, stopped] {
                guard case .notFound? = await #expect(throws: ContainerError.self, performing: { try await task.value }) else {
                    Issue.record("not \"not found\"")
                    return
                }
            }
            try node.expectGone(container)
        }
    }

    @Test("a wait that is given up ends, and the others go on")
    func cancelledWait() async throws {
        try await withNode { node in
            let container = try await node.run(shell: "exec sleep 1000")
            let given = Task { try await node.service.wait(container, for: .stopped) }
            let kept = Task { try await node.service.wait(container, for: .stopped) }
            given.cancel()
            await #expect(throws: ContainerError.self) { try await given.value }
            try await node.service.kill(container, signal: SIGKILL)
            #expect(try await kept.value.exitCode == 137)
        }
    }

    @Test("a killed shim is noticed: the rest of the container is killed, its end says so, and it can be started again")
    func killedShim() async throws {
        try await withNode { node in
            let container = try await node.run(shell: "sleep 1000 & exec sleep 1001")
            let processes = try CgroupMembers.of(container)
            #expect(!processes.isEmpty)
            let shim = try #require(container.shimPID)
            #expect(kill(shim, SIGKILL) == 0)
            let record = try await node.service.wait(container, for: .shimGone)
            #expect(record.exitCode == 137 && record.signal == Int(SIGKILL))
            #expect(record.note?.contains("monitor was killed") == true)
            #expect(record.startedAt == container.started?.startedAt)
            // The cgroup is empty a moment before the kernel is done with its last process.
            try await eventually("they are gone") {
                processes.allSatisfy { !Files.exists(FilePath("/proc/\($0)")) || Self.isZombie($0) }
            }
            #expect(try node.cgroups(container) == [])
            #expect(!Files.exists(FilePath("/proc/\(shim)")))
            try await node.service.start(container)
            #expect(container.summary.state == .running)
        }
    }

    private static func isZombie(_ process: Int32) -> Bool {
        (try? Files.read(FilePath("/proc/\(process)/stat")).contains(") Z ")) == true
    }
}
