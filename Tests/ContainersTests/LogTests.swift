// SPDX-License-Identifier: Apache-2.0

import APITypes
import Containers
import Glibc
import Linux
import SystemPackage
import Testing

/// What `logs` gives of a container, while it runs and afterwards.
@Suite(.asRoot, .busybox, .shim, .serialized) struct LogTests {
    @Test("a log is read to its end, or from as many records before it")
    func whole() async throws {
        try await withNode { node in
            let container = try await node.run(shell: "seq 1 10; echo bad >&2; printf end")
            _ = try await node.service.wait(container, for: .shimGone)
            let all = try await node.log(container)
            #expect(all.filter { $0.stream == .stdout }.map(\.text) == (1...10).map { "\($0)" } + ["end"])
            #expect(all.filter { $0.stream == .stderr }.map(\.text) == ["bad"])
            #expect(all.filter { $0.partial == true }.map(\.text) == ["end"])
            #expect(try await node.log(container, tail: 3) == all.suffix(3))
            #expect(try await node.log(container, tail: 0) == [])
            #expect(try await node.log(container, follow: true) == all, "following one that has ended ends")
        }
    }

    @Test("following gives what comes, and ends with the container, with nothing lost at the end")
    func follow() async throws {
        try await withNode { node in
            for _ in 0..<5 {
                let container = try await node.run(shell: "trap 'seq 1 500; exit 0' USR1; echo ready; while :; do sleep 0.01; done")
                var texts: [String] = []
                for try await record in node.service.logs(of: container, follow: true) {
                    texts.append(record.text ?? "")
                    if texts == ["ready"] { try await node.service.kill(container, signal: SIGUSR1) }
                }
                #expect(texts == ["ready"] + (1...500).map { "\($0)" })
                #expect(!container.life.hasShim)
            }
        }
    }

    @Test("without following, a running container's log ends where it is")
    func snapshot() async throws {
        try await withNode { node in
            let container = try await node.run(shell: "echo ready; exec sleep 1000")
            try await eventually("ready") {
                (try? Files.read(container.paths.log.appending("container.log")).contains("ready")) == true
            }
            #expect(try await node.log(container).map(\.text) == ["ready"])
            #expect(container.summary.state == .running)
        }
    }

    @Test("a container that was not started has no log, and following it ends")
    func notStarted() async throws {
        try await withNode { node in
            let container = try await node.create(shell: "echo x")
            #expect(try await node.log(container) == [])
            #expect(try await node.log(container, follow: true, tail: 5) == [])
        }
    }

    @Test("a second run goes on with the log, and following shows both")
    func secondRun() async throws {
        try await withNode { node in
            let container = try await node.create(shell: "echo run; printf rest")
            for _ in 0..<2 {
                try await node.service.start(container)
                _ = try await node.service.wait(container, for: .shimGone)
            }
            #expect(try await node.log(container, follow: true).map(\.text) == ["run", "rest", "run", "rest"])
            #expect(try await node.log(container, tail: 1).map(\.text) == ["rest"])
        }
    }

    @Test("a slow reader gets every record, in order, and keeps nobody waiting")
    func slowReader() async throws {
        try await withNode { node in
            let container = try await node.run(shell: "seq 1 20000")
            let stream = node.service.logs(of: container, follow: true)
            #expect(try await node.service.wait(container, for: .shimGone).exitCode == 0)
            var expected = 1
            for try await record in stream {
                #expect(record.text == "\(expected)")
                expected += 1
            }
            #expect(expected == 20001)
        }
    }

    @Test("what a slow reader has not asked for stays in the files")
    func notAhead() async throws {
        try await withNode { node in
            let container = try await node.run(shell: "for i in $(seq 1 4000); do printf '%01000d\\n' $i; done")
            _ = try await node.service.wait(container, for: .shimGone)
            var records = node.service.logs(of: container, follow: false).makeAsyncIterator()
            #expect(try await records.next()?.text?.utf8.count == 1000)
            // As long as somebody who reads ahead may take for it.
            try await Task.sleep(for: .milliseconds(500))
            #expect(truncate(container.paths.log.appending("container.log").string, 0) == 0)
            var rest = 0
            while try await records.next() != nil { rest += 1 }
            #expect(rest < 100)
        }
    }

    @Test("a reader that goes away ends its reading: the container's removal does not meet it")
    func readerGone() async throws {
        try await withNode { node in
            let container = try await node.run(shell: "while :; do echo x; done")
            for try await _ in node.service.logs(of: container, follow: true) { break }
            try await node.service.remove(container, force: true)
            try node.expectGone(container)
        }
    }

    @Test("following one that is removed at its end gives its last words")
    func autoRemove() async throws {
        try await withNode { node in
            let container = try await node.create(shell: "seq 1 100") { $0.autoRemove = true }
            try await node.service.start(container)
            let stream = node.service.logs(of: container, follow: true)
            var count = 0
            for try await _ in stream { count += 1 }
            // It may be gone before the log was opened: then there was none; never a part.
            #expect(count == 100 || count == 0)
        }
    }

    @Test("a container without a log writes none")
    func noLog() async throws {
        try await withNode { node in
            let container = try await node.run(shell: "echo x") { $0.log = .none }
            _ = try await node.service.wait(container, for: .shimGone)
            #expect(!Files.exists(container.paths.log))
            #expect(container.detail.logPath == nil)
        }
    }
}
