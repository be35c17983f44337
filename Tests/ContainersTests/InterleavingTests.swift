// SPDX-License-Identifier: Apache-2.0

import APITypes
import Containers
import Glibc
import Linux
import ShimProtocol
import SystemPackage
import Testing

/// Verbs at once on one container, in random order (F-30): each wins, or is told plainly why not; nothing hangs, and nothing is left half done.
@Suite(.asRoot, .busybox, .shim, .serialized) struct InterleavingTests {
    enum Verb: CaseIterable, Sendable { case stop, kill, start, restart, remove, removeByForce }

    private actor Tally {
        private(set) var removals = 0
        private(set) var bad: [String] = []
        func noteRemoval() { removals += 1 }
        func note(_ error: String) { bad.append(error) }
    }

    private static func run(_ verb: Verb, _ container: Container, _ node: TestNode) async throws {
        let service = node.service
        switch verb {
        case .stop: _ = try await service.stop(container, timeoutSeconds: 1)
        case .kill: try await service.kill(container, signal: SIGKILL)
        case .start: try await service.start(container)
        case .restart: _ = try await service.restart(container, StopRequest(timeoutSeconds: 1))
        case .remove: try await service.remove(container, force: false)
        case .removeByForce: try await service.remove(container, force: true)
        }
    }

    /// `CTR_SWIFT_SLOW_TESTS=1`: 200 in all.
    private static let rounds = getenv("CTR_SWIFT_SLOW_TESTS") != nil ? 50 : 6

    @Test("random interleavings of stop, kill, start, restart and rm: one winner, for the others a clear conflict", arguments: 0..<4)
    func interleavings(part: Int) async throws {
        try await withNode { node in
            for round in 0..<Self.rounds {
                var random = SystemRandomNumberGenerator()
                let script =
                    ["trap 'exit 0' TERM; while :; do sleep 0.01; done", "exec sleep 1000", "exit 1"].randomElement(using: &random) ?? ""
                let container = try await node.create(shell: script) {
                    $0.restart = round % 3 == 0 ? RestartPolicy(.always) : nil
                }
                if round % 2 == 0 { try await node.service.start(container) }
                let verbs = (0..<Int.random(in: 2...6)).compactMap { _ in Verb.allCases.randomElement() }
                let tally = Tally()
                await withTaskGroup { group in
                    for verb in verbs {
                        group.addTask {
                            try? await Task.sleep(for: .microseconds(Int.random(in: 0...3000)))
                            do {
                                try await Self.run(verb, container, node)
                                if verb == .remove || verb == .removeByForce { await tally.noteRemoval() }
                            } catch let error as ContainerError {
                                switch error {
                                case .wrongState, .notFound: break
                                default: await tally.note("\(verb): \(error)")
                                }
                            } catch {
                                await tally.note("\(verb): \(error)")
                            }
                        }
                    }
                }
                let (bad, removals) = (await tally.bad, await tally.removals)
                #expect(bad == [], "of \(verbs)")
                let isThere = (try? node.service.find(container.id.text)) != nil
                #expect(isThere == (removals == 0), "a removal that was answered has happened, and no other: \(verbs)")
                if isThere {
                    // Whatever it has come to, it can be ended and removed.
                    try await node.service.remove(container, force: true)
                }
                try node.expectGone(container)
            }
        }
    }

    @Test("a PID 1 that has stopped itself is ended by a stop, and by rm -f")
    func stoppedItself() async throws {
        try await withNode { node in
            for force in [true, false] {
                let container = try await node.run(shell: "trap 'exit 0' TERM; kill -STOP $$; while :; do sleep 0.01; done")
                let pid = try #require(container.started?.pid)
                // A PID 1 does not stop by a signal from inside: the host sends it.
                #expect(kill(pid, SIGSTOP) == 0)
                if force {
                    try await node.service.remove(container, force: true)
                } else {
                    #expect(try await node.service.stop(container, timeoutSeconds: 1).exitCode == 137)
                }
            }
        }
    }

    @Test("a container whose monitor stands still hears its stop signal, and is ended by a stop, and by rm -f", arguments: [false, true])
    func monitorStandsStill(force: Bool) async throws {
        try await withNode { node in
            let container = try await node.run(shell: "trap 'echo heard > /tmp/heard; exit 0' TERM; while :; do sleep 0.01; done")
            let (pid, shim) = (try #require(container.started?.pid), try #require(container.shimPID))
            #expect(kill(shim, SIGSTOP) == 0)
            if force {
                try await node.service.remove(container, force: true)
            } else {
                #expect(try await node.service.stop(container, timeoutSeconds: 1).exitCode == 137)
                #expect(access(container.paths.directory.appending("upper/tmp/heard").string, F_OK) == 0)
            }
            // PID 1 is the machine's init's to reap.
            try await eventually("both are dead") {
                [pid, shim].allSatisfy { process in (try? ProcessStat(of: process)).map { $0.state == "Z" } ?? true }
            }
        }
    }
}
