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
    /// The shims are this process's children still: somebody has to take their end.
    private static func reap(_ pid: Int32?, _ location: SourceLocation = #_sourceLocation) async throws {
        guard let pid else { return }
        try await eventually("the shim ends", location) { waitpid(pid, nil, WNOHANG) != 0 }
    }

    /// Runs until SIGUSR1 comes.
    private static func untilSignal(_ node: TestNode, _ container: Container) async throws -> Container {
        try await node.service.start(container)
        try await eventually("it is ready") { (try? Files.read(container.paths.log.appending("container.log")).contains("ready")) == true }
        return container
    }

    private static func signal(_ container: Container) throws {
        #expect(kill(try #require(container.started).pid, SIGUSR1) == 0)
    }

    /// The first daemon's part, without its end of containers; then `between`; then the second's.
    private static func follow(
        _ first: (TestNode) async throws -> [Container], between: ([Container]) async throws -> Void = { _ in },
        then second: (TestNode, [Container]) async throws -> Void
    ) async throws {
        try await withBase { base in
            let old = try await Self.firstDaemon(base, first)
            try await between(old)
            let node = try await Self.reopen(base)
            let found = try old.map { try node.service.find($0.id.text) }
            try await node.use { node in try await second(node, found) }
            for container in old { waitpid(container.shimPID ?? -2, nil, WNOHANG) }
        }
    }

    private static func firstDaemon(_ base: FilePath, _ body: (TestNode) async throws -> [Container]) async throws -> [Container] {
        let node = try TestNode(base)
        try node.install()
        var made: [Container] = []
        try await node.use(leaving: true) { made = try await body($0) }
        return made
    }

    /// The root's lock is free when the last reference to the old store is gone, which a thread may still hold for a moment.
    private static func reopen(_ base: FilePath) async throws -> TestNode {
        for _ in 0..<2000 {
            do {
                let node = try TestNode(base)
                try await node.service.restore()
                return node
            } catch MetadataError.rootInUse {
                try await Task.sleep(for: .milliseconds(5))
            }
        }
        return try TestNode(base)
    }

    @Test("a running container goes on: same process, listed, stopped by the next daemon")
    func running() async throws {
        try await Self.follow { node in
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
            try await Self.reap(shim)
            #expect(try node.cgroups(container) == [])
            #expect(container.summary.state == .stopped)
        }
    }

    @Test("ends that nobody saw are told with their codes and times", arguments: [0, 7, 137])
    func missedEnd(code: Int) async throws {
        try await Self.follow { node in
            let script = "trap 'exit \(code)' USR1; echo ready; while :; do sleep 0.01; done"
            return [try await Self.untilSignal(node, try await node.create(shell: script))]
        } between: { old in
            try Self.signal(old[0])
            try await Self.reap(old[0].shimPID)
        } then: { node, found in
            let container = found[0]
            #expect(container.summary.state == .stopped)
            #expect(container.summary.exit?.exitCode == code)
            #expect(container.summary.exit?.note == nil)
            #expect(try node.cgroups(container) == [])
            // It is kept: a third daemon finds the same.
            let memo = try JSON.decode(ContainerMemo.self, from: #require(try node.metadata.container(container.id.text)).json)
            #expect(memo.exit == container.summary.exit)
            #expect(try await node.service.wait(container, for: .stopped).exitCode == code)
            try await node.service.remove(container, force: false)
            try node.expectGone(container)
        }
    }

    @Test("the missed end of a second run counts, and not the first one's that was recorded")
    func missedSecondEnd() async throws {
        try await Self.follow { node in
            let script = "test -e /again || { touch /again; exit 1; }; trap 'exit 2' USR1; echo ready; while :; do sleep 0.01; done"
            let container = try await node.create(shell: script)
            try await node.service.start(container)
            _ = try await node.service.wait(container, for: .shimGone)
            return [try await Self.untilSignal(node, container)]
        } between: { old in
            try Self.signal(old[0])
            try await Self.reap(old[0].shimPID)
        } then: { _, found in
            #expect(found[0].summary.exit?.exitCode == 2)
        }
    }

    @Test("a second run that goes on has no end yet")
    func runningAgain() async throws {
        try await Self.follow { node in
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
            try await Self.reap(shim)
        }
    }

    @Test("a shim that was killed meanwhile: the rest of its container is killed, and that is told; it can be started again")
    func killedShim() async throws {
        try await Self.follow { node in
            [try await node.run(shell: "sleep 1001 & exec sleep 1000") { $0.upper = .volatile }]
        } between: { old in
            kill(try #require(old[0].shimPID), SIGKILL)
            try await Self.reap(old[0].shimPID)
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
        try await Self.follow { node in
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
        try await Self.follow { node in
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

    @Test("the restart of the machine takes the state directory: what was created or had ended stays")
    func machineRestart() async throws {
        try await Self.follow { node in
            let ended = try await node.run(shell: "exit 9")
            _ = try await node.service.wait(ended, for: .shimGone)
            return [try await node.create(shell: "exit 8"), ended]
        } between: { old in
            try removeTree(old[0].paths.state.removingLastComponent().removingLastComponent())
        } then: { node, found in
            #expect(found.map(\.summary.state) == [.created, .stopped])
            try await node.service.start(found[1])
            #expect(try await node.service.wait(found[1], for: .stopped).exitCode == 9)
        }
    }

    @Test("one to be removed at its end that ended meanwhile is removed by the next daemon; one that runs, at its end")
    func autoRemove() async throws {
        try await withBase { base in
            let old = try await Self.firstDaemon(base) { node in
                var made: [Container] = []
                for _ in 0..<2 { made.append(try await node.run(shell: "exec sleep 1000") { $0.autoRemove = true }) }
                return made
            }
            let shims = old.map(\.shimPID)
            let first = try #require(old[0].started)
            #expect(kill(first.pid, SIGKILL) == 0)
            try await Self.reap(shims[0])
            try await Self.reopen(base).use { node in
                try node.expectGone(old[0])
                let running = try node.service.find(old[1].id.text)
                try await node.service.kill(running, signal: SIGKILL)
                #expect(try await node.service.wait(running, for: .removed).exitCode == 137)
                try node.expectGone(running)
                try await Self.reap(shims[1])
            }
        }
    }

    @Test("a record that can't be read is left as it is, and keeps nobody from the others")
    func damagedRecord() async throws {
        try await withBase { base in
            let old = try await Self.firstDaemon(base) { node in
                let made = [try await node.create(shell: "exit 1"), try await node.create(shell: "exit 2")]
                try node.metadata.update(container: made[0].id.text, json: Array("{\"name\":1}".utf8))
                return made
            }
            try await Self.reopen(base).use { node in
                #expect(node.service.list(all: true).map(\.id) == [old[1].id.text])
                #expect(try node.metadata.containers().count == 2)
                #expect(Files.exists(old[0].paths.directory))
                try node.metadata.delete(container: old[0].id.text)
                try node.snapshots.removeContainer(old[0].id.text)
            }
        }
    }

    @Test("a container whose shim can't be understood is left as it is: it may run")
    func strangeShim() async throws {
        try await withBase { base in
            let old = try await Self.firstDaemon(base) { node in [try await node.run(shell: "exec sleep 1000")] }
            let pid = try #require(old[0].started).pid
            try unlinkFile(old[0].paths.socket)
            let listener = try UnixSocket.listen(at: old[0].paths.socket, .packets, mode: 0o600, group: nil)
            let answer = Task.detached {
                guard let client = try UnixSocket.accept(listener) else { return }
                _ = try UnixSocket.receive(from: client, limit: ShimConnection.messageLimit)
                try UnixSocket.send(Array("{\"message\":\"of the future\"}".utf8), to: client)
            }
            try await Self.reopen(base).use { node in
                try await answer.value
                #expect(node.service.list(all: true) == [])
                #expect(try CgroupMembers.of(old[0]).contains(pid), "it still runs")
                kill(pid, SIGKILL)
                try await Self.reap(old[0].shimPID)
                try node.metadata.delete(container: old[0].id.text)
                try node.snapshots.removeContainer(old[0].id.text)
                try removeTree(old[0].paths.state)
            }
        }
    }

    @Test("what a removal left that was not finished is swept, and nothing that has another name")
    func sweep() async throws {
        try await withBase { base in
            let old = try await Self.firstDaemon(base) { node in
                let container = try await node.run(shell: "exit 0")
                _ = try await node.service.wait(container, for: .shimGone)
                // As far as a daemon comes that is killed after the record's end.
                try node.metadata.delete(container: container.id.text)
                return [container]
            }
            let others = ["other", "0123456789abcdef0123456789abcde", "0123456789ABCDEF0123456789ABCDEF"]
            let states = old[0].paths.state.removingLastComponent()
            for name in others { try makeDirectory(states.pushing(FilePath(name)), mode: 0o700) }
            try await Self.reopen(base).use { node in
                try node.expectGone(old[0])
                #expect(Set(Files.names(states)) == Set(others))
                for name in others { try removeTree(states.pushing(FilePath(name))) }
            }
            waitpid(old[0].shimPID ?? -2, nil, WNOHANG)
        }
    }
}
