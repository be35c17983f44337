// SPDX-License-Identifier: Apache-2.0

import APITypes
import Containers
import Glibc
import Linux
import SystemPackage
import Testing

/// A monitor that is spawned while its container is made, because the start follows.
@Suite(.asRoot, .busybox, .shim, .serialized) struct ShimAheadTests {
    /// Those of this node's containers that live.
    private static func monitors(_ node: TestNode) -> [Int32] {
        Files.names("/proc").compactMap { Int32($0) }.filter { pid in
            let words = (try? readFile(FilePath("/proc/\(pid)/cmdline"))) ?? []
            return String(decoding: words, as: UTF8.self).contains(node.state.string + "/")
        }
    }

    private static func made(
        _ node: TestNode, _ program: [String] = ["/bin/true"], _ change: (inout CreateContainerRequest) -> Void = { _ in }
    ) async throws -> (Container, monitor: Int32) {
        let before = monitors(node)
        let container = try await node.create(program, starts: true, change)
        // The kernel ends a vfork(2) a moment before it shows the new program's arguments.
        try await eventually("it is there") { monitors(node).count > before.count }
        return (container, try #require(monitors(node).first { !before.contains($0) }))
    }

    /// Neither running nor a zombie.
    private static func hasGone(_ pid: Int32) -> Bool { kill(pid, 0) == -1 && errno == ESRCH }

    @Test("it is the monitor of the start, and the only one")
    func used() async throws {
        try await withNode { node in
            let (container, monitor) = try await Self.made(node, ["/bin/sleep", "1000"])
            #expect(Files.names(node.state.appending("containers")) == [], "nothing of the start is there yet")
            try await node.service.start(container)
            #expect(container.shimPID == monitor)
            #expect(Self.monitors(node) == [monitor])
        }
    }

    @Test("a creation that is refused, early or late, leaves none")
    func refused() async throws {
        try await withNode { node in
            let holder = try await node.create(["/bin/true"]) { $0.name = "web" }
            for change in [{ $0.name = "web" }, { $0.resources.memoryInBytes = 1 }] as [(inout CreateContainerRequest) -> Void] {
                await #expect(throws: ContainerError.self) { _ = try await node.create(["/bin/true"], starts: true, change) }
                #expect(Self.monitors(node) == [])
            }
            #expect(node.service.all.map(\.id) == [holder.id])
        }
    }

    @Test("a container that is removed before its start leaves none")
    func removed() async throws {
        try await withNode { node in
            let (container, monitor) = try await Self.made(node)
            try await node.service.remove(container, force: false)
            await #expect(throws: ContainerError.self) { try await node.service.start(container) }
            #expect(Self.hasGone(monitor))
            try node.expectGone(container)
        }
    }

    @Test("a start that fails before the monitor has the word leaves none, and the next one has its own")
    func failedStart() async throws {
        try await withNode { node in
            func ipc(_ choice: NamespaceChoice) -> IsolationRequest {
                var isolation = IsolationRequest()
                isolation.ipc = choice
                return isolation
            }
            let other = try await node.run(shell: "exec sleep 1000") { request in
                request.name = "other"
                request.isolation = ipc(.shareable)
            }
            let (container, monitor) = try await Self.made(node) { $0.isolation = ipc(.container("other")) }
            _ = try await node.service.stop(other, timeoutSeconds: 0)
            await #expect(throws: ContainerError.self) { try await node.service.start(container) }
            #expect(Self.hasGone(monitor))
            #expect(!Files.exists(container.paths.state))
            try await node.service.start(other)
            try await node.service.start(container)
            #expect(try await node.service.wait(container, for: .shimGone).exitCode == 0)
        }
    }

    @Test("one that was killed before the word is no harm: the start spawns another")
    func killed() async throws {
        try await withNode { node in
            let (container, monitor) = try await Self.made(node)
            kill(monitor, SIGKILL)
            try await eventually("it has ended") { try ProcessStat(of: monitor).state == "Z" }
            try await node.service.start(container)
            #expect(container.shimPID != monitor && Self.hasGone(monitor))
            #expect(try await node.service.wait(container, for: .shimGone).exitCode == 0)
        }
    }

    @Test("of two starts at once, one takes it, and nothing is left over")
    func twoStarts() async throws {
        try await withNode { node in
            for _ in 0..<20 {
                let (container, monitor) = try await Self.made(node, ["/bin/sleep", "1000"])
                async let first: Void = node.service.start(container)
                async let second: Void = node.service.start(container)
                _ = try await (first, second)
                #expect(container.shimPID == monitor)
                #expect(Self.monitors(node) == [monitor])
                try await node.service.remove(container, force: true)
                #expect(Self.monitors(node) == [])
            }
        }
    }
}
