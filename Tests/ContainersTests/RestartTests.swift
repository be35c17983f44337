// SPDX-License-Identifier: Apache-2.0

import APITypes
import Containers
import Glibc
import Linux
import ShimProtocol
import SystemPackage
import Testing

/// Policies, `restart` and `rename`, with real containers.
@Suite(.asRoot, .busybox, .shim, .serialized) struct RestartTests {
    private static func log(_ container: Container) -> String {
        (try? Files.read(container.paths.log.appending("container.log"))) ?? ""
    }

    @Test("on-failure:2 starts it twice more, then leaves it, and the counts are told")
    func onFailure() async throws {
        try await withNode { node in
            let container = try await node.create(shell: "echo run; exit 3") {
                $0.restart = RestartPolicy(.onFailure, maximumRetries: 2)
            }
            try await node.service.start(container)
            try await eventually("it has run three times") { Self.log(container).split(separator: "\n").count == 3 }
            try await eventually("it is left") { container.summary.state == .stopped && container.summary.restarts?.nextAt == nil }
            #expect(container.summary.restarts?.count == 2)
            #expect(container.summary.exit?.exitCode == 3)
            try await node.service.start(container)
            try await eventually("a start by hand counts anew") { Self.log(container).split(separator: "\n").count == 6 }
        }
    }

    @Test("a stop ends it for good: while it runs, and while it waits to be started again", arguments: [true, false])
    func stopped(running: Bool) async throws {
        try await withNode { node in
            let container = try await node.create(shell: running ? "echo run; exec sleep 1000" : "echo run; exit 1") {
                $0.restart = RestartPolicy(.always)
            }
            try await node.service.start(container)
            if running {
                try await eventually("it runs") { Self.log(container).contains("run") }
            } else {
                try await eventually("it waits, the second time at least") {
                    container.summary.state == .restarting && container.summary.restarts?.count ?? 0 > 1
                }
                #expect(container.summary.restarts?.nextAt != nil)
                await expectWrongState { try await node.service.remove(container, force: false) }
            }
            _ = try await node.service.stop(container, timeoutSeconds: 0)
            let runs = Self.log(container)
            try await Task.sleep(for: .milliseconds(700))
            #expect(container.summary.state == .stopped && Self.log(container) == runs)
        }
    }

    @Test("a signal that PID 1 dies of is followed by a start; a kill is not")
    func killed() async throws {
        try await withNode { node in
            let container = try await node.create(shell: "echo run; exec sleep 1000") { $0.restart = RestartPolicy(.unlessStopped) }
            try await node.service.start(container)
            let pid = try #require(container.started?.pid)
            #expect(kill(pid, SIGKILL) == 0)
            try await eventually("it runs again") { container.summary.state == .running && container.started?.pid != pid }
            try await node.service.kill(container, signal: SIGKILL)
            _ = try await node.service.wait(container, for: .shimGone)
            try await Task.sleep(for: .milliseconds(400))
            #expect(container.summary.state == .stopped)
        }
    }

    @Test("the daemon's next start starts what should run, and not what was stopped")
    func overDaemons() async throws {
        try await Daemons.follow { node in
            var made: [Container] = []
            for (policy, stop) in [(RestartPolicy.Condition.always, true), (.unlessStopped, true), (.unlessStopped, false), (.no, false)] {
                let container = try await node.create(shell: "echo ready; exec sleep 1000") {
                    $0.restart = policy == .no ? nil : RestartPolicy(policy)
                }
                made.append(try await Daemons.untilSignal(node, container))
                if stop { _ = try await node.service.stop(container, timeoutSeconds: 0) }
            }
            return made
        } between: { old in
            // Two end while no daemon is there.
            for container in old.suffix(2) { #expect(kill(try #require(container.started).pid, SIGKILL) == 0) }
            for container in old { try await Daemons.reap(container.shimPID) }
        } then: { _, found in
            for index in [0, 2] { try await eventually("number \(index) runs") { found[index].summary.state == .running } }
            for index in [1, 3] { #expect(found[index].summary.state == .stopped) }
        }
    }

    @Test("restart ends what runs and starts it, and starts what does not run")
    func restart() async throws {
        try await withNode { node in
            let container = try await node.create(shell: "trap 'exit 0' TERM; echo ready; while :; do sleep 0.01; done")
            #expect(try await node.service.restart(container, StopRequest())?.unheard == nil)
            let first = try #require(container.started?.pid)
            try await eventually("ready") { Self.log(container).contains("ready") }
            #expect(try await node.service.restart(container, StopRequest())?.unheard == nil)
            #expect(container.summary.state == .running && container.started?.pid != first)
            #expect(container.summary.restarts == nil)
        }
    }

    /// Its second run does `again`.
    private static func removed(_ node: TestNode, again: String) async throws -> Container {
        let script = "trap 'exit 0' TERM; if test -e /again; then \(again); fi; touch /again; echo ready; while :; do sleep 0.01; done"
        let container = try await node.run(shell: script) { $0.autoRemove = true }
        try await eventually("ready") { Self.log(container).contains("ready") }
        return container
    }

    @Test("restart keeps one that is to be removed when it ends, with its files; the end that follows removes it")
    func restartRemoved() async throws {
        try await withNode { node in
            let container = try await Self.removed(node, again: "echo again")
            let first = container.started?.pid
            _ = try await node.service.restart(container, StopRequest())
            #expect(container.summary.state == .running && container.started?.pid != first)
            try await eventually("what it has written is there") { Self.log(container).contains("again") }
            _ = try await node.service.stop(container, timeoutSeconds: 0)
            try await eventually("it is removed") { (try? node.service.find(container.id.text)) == nil }
            try node.expectGone(container)
        }
    }

    @Test("one that is to be removed, and ends at once or can't be started by its restart, is removed", arguments: [true, false])
    func restartRemovedEnds(starts: Bool) async throws {
        try await withNode { node in
            let container = try await Self.removed(node, again: "exit 4")
            if !starts { _ = try await node.exec(container, shell: "/bin/busybox rm /bin/sh") }
            do {
                _ = try await node.service.restart(container, StopRequest())
                #expect(starts)
            } catch {
                #expect(!starts, "\(error)")
            }
            try await eventually("it is removed") { (try? node.service.find(container.id.text)) == nil }
            try node.expectGone(container)
        }
    }

    @Test("a new name takes the place of the old one, over daemons too; a name that is taken or none is refused")
    func rename() async throws {
        try await Daemons.follow { node in
            let container = try await node.create(shell: "true") { $0.name = "old" }
            let other = try await node.create(shell: "true") { $0.name = "other" }
            try await node.service.rename(container, to: "new")
            #expect(try node.service.find("new") === container)
            #expect(throws: ContainerError.self) { try node.service.find("old") }
            for name in ["other", "new", "", "-x", "a/b", "a b"] {
                await #expect(throws: ContainerError.self) { try await node.service.rename(container, to: name) }
            }
            try await node.service.rename(other, to: "old")
            return [container, other]
        } then: { node, found in
            #expect(found.map(\.summary.name) == ["new", "old"])
            let old = try node.service.find("old")
            #expect(old === found[1])
        }
    }

    @Test("of renames and removals at once each name is in the end somebody's or nobody's")
    func renameRaces() async throws {
        try await withNode { node in
            for round in 0..<60 {
                let containers = [try await node.create(shell: "true"), try await node.create(shell: "true")]
                await withTaskGroup { group in
                    for container in containers {
                        for name in ["a\(round)", "b\(round)"] { group.addTask { try? await node.service.rename(container, to: name) } }
                    }
                    group.addTask { try? await node.service.remove(containers[0], force: true) }
                }
                #expect(try node.service.find(containers[1].id.text) === containers[1])
                #expect(try node.service.find(containers[1].summary.name) === containers[1])
                try await node.service.remove(containers[1], force: false)
                for name in ["a\(round)", "b\(round)"] {
                    let again = try await node.create(shell: "true") { $0.name = name }
                    try await node.service.remove(again, force: false)
                }
            }
        }
    }

    @Test("what contradicts itself is refused")
    func refused() async throws {
        try await withNode { node in
            for (policy, remove) in [
                (RestartPolicy(.always), true), (RestartPolicy(.always, maximumRetries: 1), false),
                (RestartPolicy(.no, maximumRetries: 1), false),
                (RestartPolicy(.onFailure, maximumRetries: -1), false),
            ] {
                await #expect(throws: ContainerError.self) {
                    try await node.create(shell: "true") {
                        $0.restart = policy
                        $0.autoRemove = remove
                    }
                }
            }
        }
    }
}
