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

/// What a daemon leaves that did not come to an end, and what can't be understood.
@Suite(.asRoot, .busybox, .shim, .serialized) struct LeftoverTests {
    @Test("one to be removed at its end that ended meanwhile is removed by the next daemon; one that runs, at its end")
    func autoRemove() async throws {
        try await withBase { base in
            let old = try await Daemons.firstDaemon(base) { node in
                var made: [Container] = []
                for _ in 0..<2 { made.append(try await node.run(shell: "exec sleep 1000") { $0.autoRemove = true }) }
                return made
            }
            let shims = old.map(\.shimPID)
            let first = try #require(old[0].started)
            #expect(kill(first.pid, SIGKILL) == 0)
            try await Daemons.reap(shims[0])
            try await Daemons.reopen(base).use { node in
                try node.expectGone(old[0])
                let running = try node.service.find(old[1].id.text)
                try await node.service.kill(running, signal: SIGKILL)
                #expect(try await node.service.wait(running, for: .removed).exitCode == 137)
                try node.expectGone(running)
                try await Daemons.reap(shims[1])
            }
        }
    }

    @Test("a record that can't be read is left as it is, and keeps nobody from the others")
    func damagedRecord() async throws {
        try await withBase { base in
            let old = try await Daemons.firstDaemon(base) { node in
                let made = [try await node.create(shell: "exit 1"), try await node.create(shell: "exit 2")]
                try node.metadata.update(container: made[0].id.text, json: Array("{\"name\":1}".utf8))
                return made
            }
            try await Daemons.reopen(base).use { node in
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
            let old = try await Daemons.firstDaemon(base) { node in [try await node.run(shell: "exec sleep 1000")] }
            let pid = try #require(old[0].started).pid
            try unlinkFile(old[0].paths.socket)
            let listener = try UnixSocket.listen(at: old[0].paths.socket, .packets, mode: 0o600, group: nil)
            let answer = Task.detached {
                guard let client = try UnixSocket.accept(listener) else { return }
                _ = try UnixSocket.receive(from: client, limit: ShimConnection.messageLimit)
                try UnixSocket.send(Array("{\"message\":\"of the future\"}".utf8), to: client)
            }
            try await Daemons.reopen(base).use { node in
                try await answer.value
                #expect(node.service.list(all: true) == [])
                #expect(try CgroupMembers.of(old[0]).contains(pid), "it still runs")
                kill(pid, SIGKILL)
                try await Daemons.reap(old[0].shimPID)
                try node.metadata.delete(container: old[0].id.text)
                try node.snapshots.removeContainer(old[0].id.text)
                try removeTree(old[0].paths.state)
            }
        }
    }

    @Test("what a removal left that was not finished is swept, and nothing that has another name")
    func sweep() async throws {
        try await withBase { base in
            let old = try await Daemons.firstDaemon(base) { node in
                let container = try await node.run(shell: "exit 0")
                _ = try await node.service.wait(container, for: .shimGone)
                // As far as a daemon comes that is killed after the record's end.
                try node.metadata.delete(container: container.id.text)
                return [container]
            }
            let others = ["other", "0123456789abcdef0123456789abcde", "0123456789ABCDEF0123456789ABCDEF"]
            let states = old[0].paths.state.removingLastComponent()
            for name in others { try makeDirectory(states.pushing(FilePath(name)), mode: 0o700) }
            try await Daemons.reopen(base).use { node in
                try node.expectGone(old[0])
                #expect(Set(Files.names(states)) == Set(others))
                for name in others { try removeTree(states.pushing(FilePath(name))) }
            }
            waitpid(old[0].shimPID ?? -2, nil, WNOHANG)
        }
    }
}
