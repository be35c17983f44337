// SPDX-License-Identifier: Apache-2.0

import APITypes
import Containers
import Glibc
import JSON
import Linux
import OCI
import Runtime
import Synchronization
import SystemPackage
import Testing

/// Verbs that meet a start that is under way: its monitor is stopped before it has made anything.
@Suite(.asRoot, .busybox, .shim, .serialized) struct StartingTests {
    private struct Halted {
        let container: Container
        let start: Task<Void, any Error>
        let shim: Int32

        func goOn() { kill(shim, SIGCONT) }
        func fail() { kill(shim, SIGKILL) }
    }

    /// - Returns: nil where the monitor was faster.
    private static func halt(_ node: TestNode, _ container: Container) async throws -> Halted? {
        let found = Found()
        // A thread that does nothing else: the monitor is at its container within a millisecond or two.
        try startThread(name: "halt") {
            let end = ContinuousClock.now + .seconds(30)
            while ContinuousClock.now < end, !found.isDone.load(ordering: .sequentiallyConsistent) {
                guard let shim = container.shimPID else { continue }
                kill(shim, SIGSTOP)
                return found.shim.store(shim, ordering: .sequentiallyConsistent)
            }
        }
        let start = Task {
            defer { found.isDone.store(true, ordering: .sequentiallyConsistent) }
            try await node.service.start(container)
        }
        try await eventually("it is spawned") {
            found.shim.load(ordering: .sequentiallyConsistent) != 0 || found.isDone.load(ordering: .sequentiallyConsistent)
        }
        let shim = found.shim.load(ordering: .sequentiallyConsistent)
        guard shim != 0 else {
            found.isDone.store(true, ordering: .sequentiallyConsistent)
            return nil
        }
        // Or it has ended before the signal: then the start is over.
        try await eventually("it stands still") {
            (try? ProcessStat(of: shim).state) == "T" || found.isDone.load(ordering: .sequentiallyConsistent)
        }
        if found.isDone.load(ordering: .sequentiallyConsistent) { return nil }
        if container.life.phase == .starting, try node.cgroups(container) == [] {
            return Halted(container: container, start: start, shim: shim)
        }
        kill(shim, SIGCONT)
        _ = await start.result
        return nil
    }

    private final class Found: Sendable {
        let shim = Atomic<Int32>(0)
        let isDone = Atomic(false)
    }

    private struct NotStarted: Error {}

    private static func halted(_ node: TestNode, _ program: [String] = ["/bin/sleep", "1000"]) async throws -> Halted {
        for _ in 0..<50 {
            let container = try await node.create(program)
            if let halted = try await halt(node, container) { return halted }
        }
        throw NotStarted()
    }

    @Test("a stop that meets a start that fails is told that nothing runs")
    func stopAndFailure() async throws {
        try await withNode { node in
            let halted = try await Self.halted(node)
            let stop = Task { try await node.service.stop(halted.container, timeoutSeconds: 1) }
            let signal = Task { try await node.service.kill(halted.container, signal: SIGUSR1) }
            try await Task.sleep(for: .milliseconds(200))
            halted.fail()
            await #expect(throws: ContainerError.self) { try await halted.start.value }
            await expectWrongState { _ = try await stop.value }
            await expectWrongState { try await signal.value }
            #expect(halted.container.summary.state == .created)
        }
    }

    @Test("a stop that meets a start waits for it, and stops what it has brought to life")
    func stopAndStart() async throws {
        try await withNode { node in
            let halted = try await Self.halted(node)
            let stop = Task { try await node.service.stop(halted.container, timeoutSeconds: 1) }
            try await Task.sleep(for: .milliseconds(200))
            halted.goOn()
            try await halted.start.value
            #expect(try await stop.value.exitCode == 137)
        }
    }

    @Test("a second start has the outcome of the first one, that it waits for", arguments: [true, false])
    func secondStart(succeeds: Bool) async throws {
        try await withNode { node in
            // A second start that comes late fails by itself.
            let halted = try await Self.halted(node, [succeeds ? "/bin/sleep" : "/none", "1000"])
            let second = Task {
                try await node.service.start(halted.container)
                return halted.container.life.phase
            }
            try await Task.sleep(for: .milliseconds(200))
            halted.goOn()
            if succeeds {
                try await halted.start.value
                #expect(try await second.value == .running)
                try await node.service.start(halted.container)
            } else {
                await #expect(throws: ContainerError.self) { try await halted.start.value }
                await #expect(throws: ContainerError.self) { try await second.value }
            }
        }
    }

    @Test("an update that a start comes into is made when that has been made")
    func update() async throws {
        try await withNode { node in
            for _ in 0..<50 {
                // With --rm, so that the start itself has nothing to write into the database.
                let container = try await node.create(shell: "exec sleep 1000") { $0.autoRemove = true }
                var change = ResourceRequest()
                change.pidsLimit = 41
                let wanted = change
                var update: Task<ResourceRequest, any Error>?
                var halted: Halted?
                try await node.withHeldDatabase {
                    update = Task { try await node.service.update(container, wanted) }
                    try await eventually("the update has begun") { container.memo.update != nil }
                    halted = try await Self.halt(node, container)
                }
                guard let halted, let update else {
                    _ = try await update?.value
                    continue
                }
                try await eventually("it is recorded") { container.memo.update == nil }
                try await Task.sleep(for: .milliseconds(200))
                halted.goOn()
                #expect(try await update.value.pidsLimit == 41)
                try await halted.start.value
                let group = CgroupHandle(existing: String(container.memo.cgroup.dropFirst()), try CgroupLayout.detect())
                let file = try #require(group.directory(of: "pids")).location.appending("pids.max")
                #expect(try Files.read(file) == "41\n")
                let spec = try JSON.decode(RuntimeSpec.self, from: readFile(container.paths.spec))
                #expect(spec.linux?.resources?.pids?.limit == 41)
                return
            }
            Issue.record("no start could be halted")
        }
    }
}
