// SPDX-License-Identifier: Apache-2.0

import APITypes
import Containers
import Glibc
import JSON
import Linux
import Metadata
import ShimProtocol
import Snapshots
import SystemPackage
import Testing

/// One daemon follows another on the same root: what the first left is found, whatever happened in between.
@Suite(.asRoot, .busybox, .shim, .serialized) struct RestoreTests {
    @Test("a running container goes on: same process, listed, stopped by the next daemon")
    func running() async throws {
        try await Daemons.follow { node in
            [try await node.run(shell: "trap 'exit 6' TERM; echo ready; while :; do sleep 0.01; done") { $0.name = "web" }]
        } then: { node, found in
            let container = found[0]
            #expect(container.summary.state == .running)
            #expect(container.summary.name == "web")
            #expect(try node.service.find("web") === container)
            let pid = try #require(container.summary.pid)
            #expect(try CgroupMembers.of(container).contains(pid))
            #expect(!container.detail.timings.isEmpty)
            try await eventually("ready") { try Files.read(container.paths.log.appending("container.log")).contains("ready") }
            let shim = container.shimPID
            #expect(try await node.service.stop(container, timeoutSeconds: 10).exitCode == 6)
            _ = try await node.service.wait(container, for: .shimGone)
            try await Daemons.reap(shim)
            #expect(try node.cgroups(container) == [])
            #expect(container.summary.state == .stopped)
        }
    }

    @Test("ends that nobody saw are told with their codes and times", arguments: [0, 7, 137])
    func missedEnd(code: Int) async throws {
        try await Daemons.follow { node in
            let script = "trap 'exit \(code)' USR1; echo ready; while :; do sleep 0.01; done"
            return [try await Daemons.untilSignal(node, try await node.create(shell: script))]
        } between: { old in
            try Daemons.signal(old[0])
            try await Daemons.reap(old[0].shimPID)
        } then: { node, found in
            let container = found[0]
            #expect(container.summary.state == .stopped)
            #expect(container.summary.exit?.exitCode == code)
            #expect(container.summary.exit?.note == nil)
            #expect(try node.cgroups(container) == [])
            // It is kept: a third daemon finds the same.
            let memo = try JSON.decode(ContainerMemo.self, from: #require(try node.metadata.container(container.id.text)).json)
            #expect(memo.exit?.withoutTimings == container.summary.exit)
            #expect(try await node.service.wait(container, for: .stopped).exitCode == code)
            try await node.service.remove(container, force: false)
            try node.expectGone(container)
        }
    }

    @Test("the missed end of a second run counts, and not the first one's that was recorded")
    func missedSecondEnd() async throws {
        try await Daemons.follow { node in
            let script = "test -e /again || { touch /again; exit 1; }; trap 'exit 2' USR1; echo ready; while :; do sleep 0.01; done"
            let container = try await node.create(shell: script)
            try await node.service.start(container)
            _ = try await node.service.wait(container, for: .shimGone)
            return [try await Daemons.untilSignal(node, container)]
        } between: { old in
            try Daemons.signal(old[0])
            try await Daemons.reap(old[0].shimPID)
        } then: { _, found in
            #expect(found[0].summary.exit?.exitCode == 2)
        }
    }

    @Test("a second run that goes on has no end yet")
    func runningAgain() async throws {
        try await Daemons.follow { node in
            let container = try await node.create(shell: "test -e /again || { touch /again; exit 1; }; exec sleep 1000")
            try await node.service.start(container)
            _ = try await node.service.wait(container, for: .shimGone)
            try await node.service.start(container)
            return [container]
        } then: { node, found in
            #expect(found[0].summary.state == .running)
            #expect(found[0].summary.exit == nil)
            let shim = found[0].shimPID
            try await node.service.remove(found[0], force: true)
            try await Daemons.reap(shim)
        }
    }

    @Test("a shim that was killed meanwhile: the rest of its container is killed, and that is told; it can be started again")
    func killedShim() async throws {
        try await Daemons.follow { node in
            [try await node.run(shell: "sleep 1001 & exec sleep 1000") { $0.upper = .volatile }]
        } between: { old in
            kill(try #require(old[0].shimPID), SIGKILL)
            try await Daemons.reap(old[0].shimPID)
            #expect(try !CgroupMembers.of(old[0]).isEmpty)
        } then: { node, found in
            #expect(found[0].summary.state == .stopped)
            #expect(found[0].summary.exit?.exitCode == 137)
            #expect(found[0].summary.exit?.note?.contains("not seen") == true)
            #expect(try node.cgroups(found[0]) == [])
            try await node.service.start(found[0])
            #expect(found[0].summary.state == .running)
        }
    }

    @Test("an end that was told as unseen stays what it was for the daemons that follow")
    func toldOnce() async throws {
        try await Daemons.follow { node in
            let container = try await node.run(shell: "exec sleep 1000")
            kill(try #require(container.shimPID), SIGKILL)
            _ = try await node.service.wait(container, for: .shimGone)
            return [container]
        } then: { _, found in
            #expect(found[0].summary.exit?.note?.contains("not seen") == true)
            let first = found[0].summary.exit
            let kept = try JSON.decode(ExitRecord.self, from: readFile(found[0].paths.exitRecord))
            #expect(kept == first)
        }
    }

    @Test("what was created and never started is so still; what had ended keeps its end")
    func atRest() async throws {
        try await Daemons.follow { node in
            let ended = try await node.run(shell: "exit 9")
            _ = try await node.service.wait(ended, for: .shimGone)
            return [try await node.create(shell: "exit 8"), ended]
        } then: { node, found in
            #expect(found.map(\.summary.state) == [.created, .stopped])
            #expect(found[1].summary.exit?.exitCode == 9)
            for container in found { try await node.service.start(container) }
            var codes: [Int] = []
            for container in found { codes.append(try await node.service.wait(container, for: .stopped).exitCode) }
            #expect(codes == [8, 9])
        }
    }

    @Test("the restart of the machine takes the state directory: what was created or had ended stays, and what ran has ended")
    func machineRestart() async throws {
        try await Daemons.follow { node in
            let ended = try await node.run(shell: "exit 9")
            _ = try await node.service.wait(ended, for: .shimGone)
            let running = try await node.create(shell: "trap 'exit 2' USR1; echo ready; while :; do sleep 0.01; done")
            return [try await node.create(shell: "exit 8"), ended, try await Daemons.untilSignal(node, running)]
        } between: { old in
            try Daemons.signal(old[2])
            try await Daemons.reap(old[2].shimPID)
            try removeTree(old[0].paths.state.removingLastComponent().removingLastComponent())
        } then: { node, found in
            #expect(found.map(\.summary.state) == [.created, .stopped, .stopped])
            #expect(found[2].summary.exit?.exitCode == 137, "nobody saw its end")
            try await node.service.start(found[1])
            #expect(try await node.service.wait(found[1], for: .stopped).exitCode == 9)
        }
    }

    @Test(
        "the machine stops in a second run: nobody saw that end, and the first run's is not taken for it",
        arguments: [nil, .onFailure, .unlessStopped] as [RestartPolicy.Condition?])
    func machineStopsAgain(policy: RestartPolicy.Condition?) async throws {
        try await Daemons.follow { node in
            let traps = "trap 'touch /ok; exit 0' TERM; trap 'exit 2' USR1"
            let end = policy == .unlessStopped ? "while :; do sleep 0.01; done" : "exit 0"
            let script = "\(traps); test -e /again || { touch /again; \(end); }; echo ready; while :; do sleep 0.01; done"
            let container = try await node.create(shell: script) {
                $0.restart = policy.map { RestartPolicy($0) }
                guard policy == .unlessStopped else { return }
                // It ends the first run, and then the policy does not start it again.
                var health = HealthRequest(test: ["CMD-SHELL", "test -e /ok"])
                health.intervalMilliseconds = 50
                health.retries = 20
                health.onFailure = .stop
                $0.health = health
            }
            try await node.service.start(container)
            _ = try await node.service.wait(container, for: .shimGone)
            return [try await Daemons.untilSignal(node, container)]
        } between: { old in
            try Daemons.signal(old[0])
            try await Daemons.reap(old[0].shimPID)
            try removeTree(old[0].paths.state.removingLastComponent().removingLastComponent())
        } then: { _, found in
            if policy == nil {
                #expect(found[0].summary.state == .stopped && found[0].summary.exit?.exitCode == 137)
                #expect(found[0].summary.exit?.note?.contains("not seen") == true)
            } else {
                try await eventually("it runs again") { found[0].summary.state == .running }
            }
        }
    }
}
