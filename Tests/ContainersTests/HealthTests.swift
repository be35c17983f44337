// SPDX-License-Identifier: Apache-2.0

import APITypes
import Containers
import Glibc
import Linux
import ShimProtocol
import SystemPackage
import TestSupport
import Testing

/// What the daemon makes of a container's health, with real containers.
@Suite(.asRoot, .busybox, .shim, .serialized) struct HealthTests {
    private static func often(
        _ script: String, retries: Int = 2, _ action: HealthAction? = nil
    ) -> HealthRequest {
        var request = HealthRequest(test: ["CMD-SHELL", script])
        request.intervalMilliseconds = 20
        request.retries = retries
        request.onFailure = action
        return request
    }

    private static func log(_ container: Container) -> String {
        (try? Files.read(container.paths.log.appending("container.log"))) ?? ""
    }

    /// So many events of its health, or fewer where the daemon ends.
    private static func changes(_ stream: AsyncStream<Event>, _ count: Int) -> Task<[String], Never> {
        Task {
            var seen: [String] = []
            for await event in stream where event.action == "health" {
                seen.append(event.attributes["status"] ?? "")
                if seen.count == count { break }
            }
            return seen
        }
    }

    @Test("starting, healthy, unhealthy are told in lists, in detail, and by one event for each change")
    func states() async throws {
        try await withNode { node in
            let seen = Self.changes(node.events.subscribe(), 3)
            let container = try await node.create(shell: "exec sleep 1000") { $0.health = Self.often("echo words; test -e /tmp/ok") }
            #expect(container.summary.health == nil && container.detail.health?.status == .starting)
            try await node.service.start(container)
            try await eventually("unhealthy") { container.summary.health == .unhealthy }
            let detail = try #require(container.detail.health)
            #expect(detail.failingStreak >= 2 && detail.results.allSatisfy { $0.exitCode == 1 && $0.output == "words\n" })
            #expect(
                detail.check.test == ["CMD", "/bin/sh", "-c", "echo words; test -e /tmp/ok"] && detail.check.timeoutMilliseconds == 30_000)
            _ = try await node.exec(container, shell: "touch /tmp/ok")
            try await node.service.waitUntilHealthy(container)
            #expect(container.summary.health == .healthy)
            _ = try await node.exec(container, shell: "rm /tmp/ok")
            #expect(await seen.value == ["unhealthy", "healthy", "unhealthy"])
            try await eventually("the last five are kept") { container.detail.health?.results.count == 5 }
            _ = try await node.service.stop(container, timeoutSeconds: 0)
            #expect(container.summary.health == nil && container.detail.health?.status == .unhealthy)
            let last = container.detail.health
            _ = try await node.service.wait(container, for: .shimGone)
            #expect(container.detail.health == last, "nobody asks any more")
            try await node.service.start(container)
            #expect(container.detail.health?.results.count ?? 0 <= 5 && container.summary.health != nil)
        }
    }

    @Test("a container that is asked for by hand answers, and it counts")
    func byHand() async throws {
        try await withNode { node in
            let container = try await node.create(shell: "exec sleep 1000") {
                $0.health = HealthRequest(test: ["CMD", "/bin/sh", "-c", "echo asked; exit $((1 - $(ls /tmp | wc -l)))"])
            }
            await expectWrongState { _ = try await node.service.runHealthcheck(container) }
            try await node.service.start(container)
            let first = try await node.service.runHealthcheck(container)
            #expect(first.status == .starting && first.failingStreak == 1 && first.result.exitCode == 1 && first.result.output == "asked\n")
            _ = try await node.exec(container, shell: "touch /tmp/ok")
            #expect(try await node.service.runHealthcheck(container).status == .healthy)
            try await eventually("the daemon hears of it") { container.summary.health == .healthy }
            try await node.service.pause(container)
            await expectWrongState { _ = try await node.service.runHealthcheck(container) }
            try await node.service.unpause(container)
            let other = try await node.run(shell: "exec sleep 1000")
            await #expect(throws: ContainerError.self) { try await node.service.runHealthcheck(other) }
            await #expect(throws: ContainerError.self) { try await node.service.waitUntilHealthy(other) }
        }
    }

    @Test("a wait for health ends when the container does")
    func waitEnds() async throws {
        try await withNode { node in
            let container = try await node.create(shell: "while [ ! -e /tmp/go ]; do sleep 0.02; done") { $0.health = Self.often("exit 1") }
            let waiting = Task { try await node.service.waitUntilHealthy(container) }
            try await node.service.start(container)
            try await eventually("unhealthy") { container.summary.health == .unhealthy }
            _ = try await node.exec(container, shell: "echo > /tmp/go")
            await expectWrongState { try await waiting.value }
            await expectWrongState { try await node.service.waitUntilHealthy(container) }
        }
    }

    @Test(
        "kill is followed by its policy, restart by a start whatever the policy, stop by nothing",
        arguments: [
            (.kill, .no, false), (.kill, .onFailure, true), (.restart, .no, true), (.restart, .onFailure, true), (.stop, .always, false),
            (.stop, .no, false),
        ] as [(HealthAction, RestartPolicy.Condition, Bool)])
    func actions(action: HealthAction, policy: RestartPolicy.Condition, starts: Bool) async throws {
        try await withNode { node in
            let container = try await node.create(shell: "echo run; exec sleep 1000") {
                $0.health = Self.often("exit 1", retries: 2, action)
                $0.restart = policy == .no ? nil : RestartPolicy(policy)
            }
            try await node.service.start(container)
            if starts {
                try await eventually("it runs again") { Self.log(container).split(separator: "\n").count >= 2 }
                #expect(container.summary.restarts?.count ?? 0 >= 1)
                try await eventually("its end was recorded") { container.record.exit?.cause?.kind == .unhealthy }
                #expect(container.record.exit?.cause?.request == action.rawValue)
                _ = try await node.service.stop(container, timeoutSeconds: 0)
                let runs = Self.log(container)
                try await Task.sleep(for: .milliseconds(400))
                #expect(Self.log(container) == runs && container.summary.state == .stopped)
            } else {
                let exit = try await node.service.wait(container, for: .shimGone)
                #expect(exit.cause?.kind == .unhealthy && exit.cause?.request == action.rawValue && exit.exitCode == 137)
                try await Task.sleep(for: .milliseconds(400))
                #expect(container.summary.state == .stopped && Self.log(container).split(separator: "\n").count == 1)
            }
        }
    }

    @Test("it goes on without a daemon; the next one has the status and the last results, and hears of what comes")
    func overDaemons() async throws {
        try await Daemons.follow { node in
            let container = try await node.create(shell: "echo ready; exec sleep 1000") {
                $0.health = Self.often("exit $(ls /tmp | wc -l)")
            }
            let made = try await Daemons.untilSignal(node, container)
            try await node.service.waitUntilHealthy(made)
            return [made]
        } between: { old in
            let pid = try #require(old[0].started).pid
            #expect(close(creat("/proc/\(pid)/root/tmp/bad", 0o644)) == 0)
            let shim = try ShimConnection.connect(to: old[0].paths.socket)
            limitWaits(shim.descriptor)
            for _ in 0..<12_000 {
                try shim.send(.status)
                if case .status(let status)? = try shim.receiveMessage(), status.health?.status == .unhealthy { return }
                usleep(5000)
            }
            Issue.record("it did not become unhealthy")
        } then: { node, found in
            #expect(found[0].summary.health == .unhealthy)
            let seen = Self.changes(node.events.subscribe(), 1)
            try await eventually("the results are told") { found[0].detail.health?.results.count == 5 }
            _ = try await node.exec(found[0], shell: "rm /tmp/bad")
            try await node.service.waitUntilHealthy(found[0])
            #expect(await seen.value == ["healthy"])
        }
    }

    @Test("one that is ended while no daemon is there is started again by the next", arguments: [HealthAction.restart, .stop])
    func endedWithoutDaemon(action: HealthAction) async throws {
        try await Daemons.follow { node in
            let container = try await node.create(shell: "echo ready; exec sleep 1000") {
                $0.health = Self.often("test ! -e /tmp/bad", retries: 2, action)
                $0.restart = RestartPolicy(.unlessStopped)
            }
            return [try await Daemons.untilSignal(node, container)]
        } between: { old in
            let started = try #require(old[0].started)
            #expect(close(creat("/proc/\(started.pid)/root/tmp/bad", 0o644)) == 0)
            try await Daemons.reap(old[0].shimPID)
        } then: { _, found in
            if action == .restart {
                try await eventually("it runs") { found[0].summary.state == .running }
            } else {
                #expect(found[0].summary.state == .stopped)
            }
            #expect(found[0].record.exit?.cause == nil || found[0].record.exit?.cause?.kind == .unhealthy)
        }
    }
}
