// SPDX-License-Identifier: Apache-2.0

import APITypes
import Containers
import Glibc
import Linux
import Metadata
import SystemPackage
import Testing

/// A container's life with a real shim and a real kernel.
@Suite(.asRoot, .busybox, .shim, .serialized) struct LifeTests {
    @Test("created, started, ended, removed: each step makes what it should, and the last leaves nothing")
    func life() async throws {
        try await withNode { node in
            let container = try await node.create(shell: "cat; exit 3") { ($0.name, $0.openStdin) = ("web", true) }
            #expect(container.summary.state == .created)
            #expect(container.summary.name == "web")
            #expect(Files.names(container.paths.directory) == ["bundle", "etc", "log", "upper", "work"])
            #expect(Files.mode(container.paths.directory) == 0o700)
            #expect(!Files.exists(container.paths.state))
            #expect(try node.metadata.container(container.id.text)?.name == "web")

            try await node.service.start(container)
            let pid = try #require(container.summary.pid)
            #expect(container.summary.state == .running)
            #expect(try Files.read(FilePath("/proc/\(pid)/cgroup")).contains(container.id.text))
            #expect(try node.mounts() == [], "the container's mounts are its own")
            #expect(try !node.cgroups(container).isEmpty)
            #expect(Files.exists(container.paths.socket))
            #expect(!container.detail.timings.isEmpty)

            try await node.service.kill(container, signal: SIGKILL)
            let record = try await node.service.wait(container, for: .shimGone)
            #expect(record.exitCode == 137 && record.signal == Int(SIGKILL) && !record.outOfMemory && record.note == nil)
            #expect(container.summary.state == .stopped)
            #expect(container.summary.exit == record.withoutTimings)
            #expect(container.summary.pid == nil)
            #expect(container.detail.attachSocket == nil)
            #expect(!Files.exists(FilePath("/proc/\(pid)")))
            #expect(try node.cgroups(container) == [])

            try await node.service.remove(container, force: false)
            try node.expectGone(container)
        }
    }

    @Test("the end is what PID 1 did", arguments: [0, 1, 3, 125, 127, 255])
    func exitCodes(code: Int) async throws {
        try await withNode { node in
            let container = try await node.run(shell: "exit \(code)")
            let record = try await node.service.wait(container, for: .stopped)
            #expect(record.exitCode == code)
            #expect(record.signal == nil)
            #expect(record.startedAt < record.finishedAt)
        }
    }

    @Test("a container that runs is not started again: it stays as it is")
    func startRunning() async throws {
        try await withNode { node in
            let container = try await node.run(shell: "exec sleep 1000")
            let started = container.started
            try await node.service.start(container)
            #expect(container.started == started)
            #expect(container.summary.state == .running)
            #expect(try CgroupMembers.of(container).count == 1)
        }
    }

    @Test("many starts at once make one process")
    func startsAtOnce() async throws {
        try await withNode { node in
            let container = try await node.create(shell: "echo up; exec sleep 1000")
            try await withThrowingTaskGroup { group in
                for _ in 0..<8 { group.addTask { try await node.service.start(container) } }
                try await group.waitForAll()
            }
            try await eventually("it runs") { container.summary.state == .running }
            try await node.service.kill(container, signal: SIGKILL)
            _ = try await node.service.wait(container, for: .shimGone)
            #expect(try await node.log(container).map(\.text) == ["up"])
        }
    }

    @Test("an ended container can be started again, at once and many times, and finds what it wrote", arguments: UpperMode.allCases)
    func startAgain(mode: UpperMode) async throws {
        try await withNode { node in
            let container = try await node.create(shell: "echo x >> /count; wc -l < /count") { $0.upper = mode }
            for _ in 0..<3 {
                try await node.service.start(container)
                _ = try await node.service.wait(container, for: .stopped)
                #expect(container.summary.exit?.exitCode == 0)
            }
            _ = try await node.service.wait(container, for: .shimGone)
            #expect(try await node.log(container).compactMap(\.text) == (mode == .tmpfs ? ["1", "1", "1"] : ["1", "2", "3"]))
        }
    }

    @Test("an ended container can be removed at once")
    func removeAtOnce() async throws {
        try await withNode { node in
            for _ in 0..<5 {
                let container = try await node.run(shell: "exit 0")
                _ = try await node.service.wait(container, for: .stopped)
                try await node.service.remove(container, force: false)
                try node.expectGone(container)
            }
        }
    }

    @Test("while a container starts again, its last end is not told as this one's")
    func oldEnd() async throws {
        try await withNode { node in
            let container = try await node.create(shell: "test -e /again && exec sleep 1000; touch /again; exit 9")
            try await node.service.start(container)
            #expect(try await node.service.wait(container, for: .stopped).exitCode == 9)
            let first = container.detail.startedAt
            try await node.service.start(container)
            #expect(container.summary.exit == nil)
            #expect(container.detail.startedAt != first)
        }
    }

    @Test("what happens is told in its order, to everyone who listens")
    func events() async throws {
        try await withNode { node in
            let streams = [node.events.subscribe(), node.events.subscribe()]
            for _ in 0..<5 {
                let container = try await node.run(shell: "exit 4") { ($0.autoRemove, $0.name) = (true, "short") }
                _ = try await node.service.wait(container, for: .removed)
            }
            for stream in streams {
                var seen: [Event] = []
                for await event in stream {
                    seen.append(event)
                    if seen.count == 20 { break }
                }
                #expect(seen.map(\.action) == Array(repeating: ["create", "start", "die", "remove"], count: 5).flatMap(\.self))
                #expect(seen.allSatisfy { $0.type == "container" && $0.attributes["name"] == "short" })
                #expect(seen.filter { $0.action == "die" }.allSatisfy { $0.attributes["exitCode"] == "4" })
            }
        }
    }

    @Test("with autoRemove nothing is left after the end, and who waits gets the record")
    func autoRemove() async throws {
        try await withNode { node in
            let container = try await node.create(shell: "exit 5") { $0.autoRemove = true }
            let waiters = (0..<4).map { index in
                Task { try await node.service.wait(container, for: index % 2 == 0 ? .removed : .stopped).exitCode }
            }
            try await node.service.start(container)
            for waiter in waiters { #expect(try await waiter.value == 5) }
            _ = try? await node.service.wait(container, for: .removed)
            try node.expectGone(container)
        }
    }
}

enum CgroupMembers {
    /// The processes of a container, by one of its cgroups.
    static func of(_ container: Container) throws -> [Int32] {
        var all: Set<Int32> = []
        for hierarchy in try CgroupLayout.detect().hierarchies {
            guard let text = try? Files.read(FilePath(hierarchy.mountPoint + container.memo.cgroup + "/cgroup.procs")) else { continue }
            all.formUnion(text.split(separator: "\n").compactMap { Int32($0) })
        }
        return all.sorted()
    }
}
