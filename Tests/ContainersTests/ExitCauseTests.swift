// SPDX-License-Identifier: Apache-2.0

import APITypes
import Containers
import Glibc
import Linux
import ShimProtocol
import SystemPackage
import Testing

/// Who ended it, and stops that know whether they are heard (F-29).
@Suite(.asRoot, .busybox, .shim, .serialized) struct ExitCauseTests {
    private static func ready(_ node: TestNode, _ script: String, _ change: (inout CreateContainerRequest) -> Void = { _ in }) async throws
        -> Container
    {
        let container = try await node.run(shell: script, change)
        try await eventually("it is ready") { (try? Files.read(container.paths.log.appending("container.log")).contains("ready")) == true }
        return container
    }

    @Test("an end of its own, by a request, and by somebody unknown are told apart")
    func causes() async throws {
        try await withNode { node in
            let own = try await node.run(shell: "exit 4")
            #expect(try await node.service.wait(own, for: .stopped).cause == ExitCause(kind: .itself))
            let looping = "echo ready; while :; do sleep 0.01; done"
            let stopped = try await Self.ready(node, "trap 'exit 5' TERM; " + looping)
            let stop = try await node.service.stop(stopped, timeoutSeconds: 10)
            #expect(stop.cause?.kind == .request && stop.cause?.request == "stop" && stop.cause?.signal == 15 && stop.exitCode == 5)
            let killed = try await Self.ready(node, looping)
            try await node.service.kill(killed, signal: SIGKILL)
            let kill = try await node.service.wait(killed, for: .stopped)
            #expect(kill.cause?.request == "kill" && kill.cause?.signal == 9 && kill.cause?.sentAt ?? "" <= kill.finishedAt)
            let removed = try await Self.ready(node, looping)
            async let last = node.service.wait(removed, for: .stopped)
            try await node.service.remove(removed, force: true)
            #expect(try await last.cause?.request == "rm")
            let other = try await Self.ready(node, looping)
            #expect(Glibc.kill(try #require(other.started).pid, SIGKILL) == 0)
            let unknown = try await node.service.wait(other, for: .stopped)
            #expect(unknown.cause == ExitCause(kind: .unknown) && unknown.signal == 9 && !unknown.outOfMemory)
            #expect(unknown.timings?.contains { $0.step == "exec" } == true)
            #expect(other.summary.exit?.timings == nil && other.detail.timings == unknown.timings)
        }
    }

    @Test("the cause outlives the daemon that sent the signal")
    func overDaemons() async throws {
        try await Daemons.follow { node in
            let container = try await Daemons.untilSignal(
                node, try await node.create(shell: "trap 'exit 6' USR1 TERM; echo ready; while :; do sleep 0.01; done"))
            _ = try await node.service.stop(container, timeoutSeconds: 10)
            return [container]
        } between: { old in
            try await Daemons.reap(old[0].shimPID)
        } then: { _, found in
            #expect(found[0].life.exit?.cause?.request == "stop")
            #expect(found[0].detail.timings.isEmpty == false)
        }
    }

    @Test("the kernel's kill for want of memory is told with its victim, level, limit and peak", arguments: [true, false])
    func outOfMemory(isPID1: Bool) async throws {
        try await withNode { node in
            let eat = "x=$(head -c 60000000 /dev/zero | tr '\\0' x); echo ${#x}"
            let container = try await node.run(shell: isPID1 ? eat : "sh -c '\(eat.replacing("'", with: "'\\''"))'; exit 9") {
                $0.resources.memoryInBytes = 16 << 20
            }
            let record = try await node.service.wait(container, for: .stopped)
            #expect(record.outOfMemory)
            let memory = try #require(record.memory)
            #expect(memory.kills >= 1 && memory.limitInBytes == 16 << 20)
            #expect(memory.peakInBytes.map { $0 > 8 << 20 && $0 <= 17 << 20 } ?? true)
            // Where the kernel log can be read, it says more.
            if let level = memory.level {
                #expect(level == .container && memory.victim != nil && memory.cgroup?.hasSuffix(container.id.text) == true)
            }
            if record.signal == nil { #expect(record.cause == ExitCause(kind: .itself) && record.exitCode == 9 || isPID1) }
            if record.signal != nil { #expect(record.cause == ExitCause(kind: .outOfMemory) && record.exitCode == 137) }
        }
    }

    struct Deaf: Sendable {
        var script: String
        var signal: String?
        var reason: UnheardSignal.Reason?
    }

    @Test(
        "a stop whose signal would be dropped says so, and does not wait",
        arguments: [
            Deaf(script: "trap '' TERM; echo ready; exec sleep 1000", reason: .ignored),
            Deaf(script: "echo ready; exec sleep 1000", reason: .defaultOfInit),
            Deaf(script: "echo ready; exec sleep 1000", signal: "USR1", reason: .defaultOfInit),
            Deaf(script: "trap 'exit 3' TERM; echo ready; while :; do sleep 0.01; done", reason: nil),
            Deaf(script: "echo ready; while :; do sleep 0.01; done", signal: "KILL", reason: nil),
        ])
    func deaf(case deaf: Deaf) async throws {
        try await withNode { node in
            let container = try await Self.ready(node, deaf.script) { $0.stopSignal = deaf.signal }
            // A wait would be seen: nobody sits out a day.
            let answer = try await node.service.stop(container, StopRequest(timeoutSeconds: 86_400))
            #expect(answer.unheard?.reason == deaf.reason)
            #expect(answer.exit.exitCode == (deaf.reason == nil && deaf.signal == nil ? 3 : 137))
            #expect(try CgroupMembers.of(container) == [])
        }
    }

    @Test("who is asked to wait the full time does, and still says it")
    func waitFull() async throws {
        try await withNode { node in
            let container = try await Self.ready(node, "trap '' TERM; echo ready; sleep 0.3; echo on; while :; do sleep 0.01; done")
            let answer = try await node.service.stop(container, StopRequest(timeoutSeconds: 2, waitFull: true))
            #expect(answer.unheard?.reason == .ignored && answer.exit.exitCode == 137)
            #expect(try await node.log(container).map(\.text).contains("on"), "it had its time")
        }
    }

    @Test("every process of the container goes, those in sessions of their own too")
    func allGone() async throws {
        try await withNode { node in
            let container = try await Self.ready(
                node, "setsid sleep 1000 & (trap '' TERM HUP; sleep 1001) & trap '' TERM; echo ready; wait; wait")
            let processes = try CgroupMembers.of(container)
            #expect(processes.count >= 3)
            #expect(try await node.service.stop(container, timeoutSeconds: 1).exitCode == 137)
            _ = try await node.service.wait(container, for: .shimGone)
            for process in processes { #expect(!Files.exists(FilePath("/proc/\(process)"))) }
        }
    }

    @Test("a shell around the program is told of at the start; one that execs it, or traps, is not")
    func shellWrap() async throws {
        try await withNode { node in
            let wrapped = try await node.run(shell: "sleep 1000; true")
            try await eventually("it is told") { wrapped.detail.warnings.contains { $0.contains("PID 1 is a shell") } }
            for script in ["exec sleep 1000", "trap 'exit 0' TERM; sleep 1000 & wait", "exit 0"] {
                let container = try await node.run(shell: script)
                #expect(container.detail.warnings == [])
            }
        }
    }

    @Test(
        "which words can be a shell's that keeps signals",
        arguments: [
            (["sh", "-c", "a; b"], true), (["/bin/bash", "-ec", "a"], true), (["/bin/busybox", "sh", "-c", "a"], true),
            (["dash", "-e", "-c", "a"], true), (["sh", "-c", " exec a"], false), (["sh", "-c", "trap x TERM; a"], false), (["sh"], false),
            (["sh", "script"], false), (["python", "-c", "a"], false), (["sh", "-c"], false), ([], false),
            (["bash", "--norc", "-c", "a"], true),
        ])
    func words(arguments: [String], possible: Bool) { #expect(ShellWrap.isPossible(arguments) == possible) }
}
