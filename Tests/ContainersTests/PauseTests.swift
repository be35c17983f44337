// SPDX-License-Identifier: Apache-2.0

import APITypes
import Containers
import Glibc
import Linux
import SystemPackage
import Testing

@Suite(.asRoot, .busybox, .shim, .serialized) struct PauseTests {
    private static let ticking = "echo ready; while :; do echo tick; sleep 0.01; done"

    private func handle(_ container: Container) throws -> CgroupHandle {
        CgroupHandle(existing: String(container.memo.cgroup.dropFirst()), try CgroupLayout.detect())
    }

    private func logSize(_ container: Container) throws -> Int {
        try Files.read(container.paths.log.appending("container.log")).utf8.count
    }

    private func ticks(_ container: Container) async throws {
        let before = (try? logSize(container)) ?? 0
        try await eventually("it goes on") { try logSize(container) > before }
    }

    @Test("a paused container stands still, is listed as such, and goes on where it was")
    func pause() async throws {
        try await withNode { node in
            let container = try await node.run(shell: Self.ticking)
            try await ticks(container)
            try await node.service.pause(container)
            try await node.service.pause(container)
            #expect(container.summary.state == .paused && container.summary.pid != nil)
            #expect(node.service.list(all: false).map(\.state) == [.paused])
            #expect(try handle(container).isFrozen)
            await #expect(throws: ContainerError.self) { try await node.service.start(container) }
            try await node.service.unpause(container)
            #expect(container.summary.state == .running)
            try await ticks(container)
            let error = await #expect(throws: ContainerError.self) { try await node.service.unpause(container) }
            #expect(error?.description.contains("it is running") == true)
        }
    }

    @Test("a paused container is stopped by its own handler, killed, and removed", arguments: ["stop", "kill", "remove"])
    func end(verb: String) async throws {
        try await withNode { node in
            let script = "trap 'exit 6' TERM; echo ready; while :; do sleep 0.01; done"
            let container = try await node.run(shell: script)
            try await eventually("ready") { try logSize(container) > 0 }
            try await node.service.pause(container)
            switch verb {
            case "stop": #expect(try await node.service.stop(container, timeoutSeconds: 30).exitCode == 6)
            case "kill":
                try await node.service.kill(container, signal: SIGKILL)
                #expect(try await node.service.wait(container, for: .stopped).exitCode == 137)
            default:
                try await node.service.remove(container, force: true)
                try node.expectGone(container)
            }
            #expect(!container.life.isPaused)
        }
    }

    @Test("a signal to a paused container is met when it goes on")
    func signal() async throws {
        try await withNode { node in
            let container = try await node.run(shell: "trap 'exit 9' USR1; echo ready; while :; do sleep 0.01; done")
            try await eventually("ready") { try logSize(container) > 0 }
            try await node.service.pause(container)
            try await node.service.kill(container, signal: SIGUSR1)
            #expect(container.summary.state == .paused)
            try await node.service.unpause(container)
            #expect(try await node.service.wait(container, for: .stopped).exitCode == 9)
        }
    }

    @Test("only what runs can be paused")
    func wrongState() async throws {
        try await withNode { node in
            let container = try await node.create(shell: "exit 0")
            await #expect(throws: ContainerError.self) { try await node.service.pause(container) }
            _ = try await node.output(container)
            let error = await #expect(throws: ContainerError.self) { try await node.service.pause(container) }
            #expect(error?.description.contains("it is stopped") == true)
        }
    }

    @Test("pause, unpause and stop at the same time end in a stop, with nothing frozen")
    func race() async throws {
        try await withNode { node in
            for _ in 0..<5 {
                let container = try await node.run(shell: Self.ticking)
                await withTaskGroup { group in
                    for _ in 0..<4 {
                        group.addTask { try? await node.service.pause(container) }
                        group.addTask { try? await node.service.unpause(container) }
                    }
                    group.addTask { _ = try? await node.service.stop(container, timeoutSeconds: 1) }
                }
                #expect(container.summary.exit != nil)
                try await node.service.remove(container, force: true)
            }
        }
    }

    @Test("the next daemon finds a paused container paused, and lets it go on")
    func restart() async throws {
        try await Daemons.follow { node in
            let container = try await node.run(shell: Self.ticking)
            try await eventually("ready") { try logSize(container) > 0 }
            try await node.service.pause(container)
            return [container]
        } then: { node, found in
            #expect(found[0].summary.state == .paused)
            let shim = found[0].shimPID
            try await node.service.unpause(found[0])
            try await ticks(found[0])
            try await node.service.pause(found[0])
            #expect(try await node.service.stop(found[0], timeoutSeconds: 0).exitCode == 137)
            try await Daemons.reap(shim)
        }
    }
}
