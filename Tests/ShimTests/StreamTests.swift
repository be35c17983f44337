// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import ShimProtocol
import SystemPackage
import TestSupport
import Testing

@Suite(.asRoot, .busybox) struct StreamTests {
    @Test("output and errors reach the first client whole, also when the container has ended before it came", arguments: [false, true])
    func output(logged: Bool) throws {
        let container = try TestContainer(shell: "echo out; echo err >&2; exit 3", expectsAttach: true, logged: logged)
        let shim = try container.start()
        try shim.started()
        #expect(try shim.exited().exitCode == 3)
        let client = try shim.connect()
        #expect(try client.attach() == [.stdout, .stderr])
        #expect(client.readAll(.stdout) == "out\n")
        #expect(client.readAll(.stderr) == "err\n")
        guard case .exited(let exit) = try client.message() else { return #expect(Bool(false), "no exit was told") }
        #expect(exit.exitCode == 3)
        #expect(try client.message() == nil)
        #expect(shim.end() == 0)
    }

    @Test("what a client writes comes back byte by byte, and the end of its input is the container's (F-31)", arguments: [false, true])
    func input(logged: Bool) throws {
        let container = try TestContainer(["/bin/cat"], openStdin: true, expectsAttach: true, logged: logged)
        let shim = try container.start()
        try shim.started()
        let client = try shim.connect()
        #expect(try client.attach(stdin: true) == [.stdin, .stdout, .stderr])
        let line = String(repeating: "0123456789abcdef", count: 4096) + "\n"
        let writer = try ThreadedWriter(client, line, count: 200)
        let echoed = client.readAll()
        writer.join()
        #expect(echoed.utf8.count == line.utf8.count * 200)
        #expect(echoed == String(repeating: line, count: 200))
        #expect(try shim.exited().exitCode == 0)
        #expect(shim.end() == 0)
    }

    @Test("a client that vanishes ends the input of a container that was started for it")
    func vanishingInput() throws {
        let shim = try TestContainer(["/bin/cat"], openStdin: true, expectsAttach: true).start()
        try shim.started()
        var client: TestClient? = try shim.connect()
        try client?.attach(stdin: true)
        client = nil
        #expect(try shim.exited().exitCode == 0)
        #expect(shim.end() == 0)
    }

    @Test("a detached container keeps its input for the next client, until one closes it")
    func keptInput() throws {
        let shim = try TestContainer(["/bin/cat"], openStdin: true).start()
        try shim.started()
        for round in 0..<3 {
            let client = try shim.connect()
            try client.attach(stdin: true)
            client.write("round \(round)\n")
            #expect(client.read(.stdout, until: "\n") == "round \(round)\n")
        }
        let client = try shim.connect()
        #expect(try client.ask(.closeStdin) == .done)
        #expect(try shim.exited().exitCode == 0)
    }

    @Test("a container without an open stdin reads nothing")
    func closedInput() throws {
        let shim = try TestContainer(["/bin/cat"], expectsAttach: true).start()
        try shim.started()
        let client = try shim.connect()
        #expect(try client.attach(stdin: true) == [.stdout, .stderr])
        #expect(client.readAll() == "")
        #expect(try shim.exited().exitCode == 0)
    }

    @Test("streams belong to one client at a time, and come back when it goes", arguments: [false, true])
    func oneClient(logged: Bool) throws {
        let shim = try TestContainer(shell: "while :; do echo tick; sleep 0.02; done", logged: logged).start()
        try shim.started()
        var first: TestClient? = try shim.connect()
        try first?.attach()
        let second = try shim.connect()
        #expect(try second.ask(.attach(stdin: false)) == .refused("another client is attached"))
        first = nil
        // The shim sees the end of the first connection in its next round.
        usleep(50_000)
        try second.attach()
        #expect(second.read(.stdout, until: "tick\n").contains("tick\n"))
    }

    @Test("output that nobody attends to does not stop the container", arguments: [false, true])
    func unattended(logged: Bool) throws {
        let shim = try TestContainer(shell: "seq 1 200000; exit 4", logged: logged).start()
        try shim.started()
        #expect(try shim.exited().exitCode == 4)
        #expect(shim.end() == 0)
        if logged { #expect(try shim.container.log().count == 200_000) }
    }

    @Test("a slow client is waited for within bounds; once it has gone, the container goes on", arguments: [false, true])
    func slowClient(logged: Bool) throws {
        let shim = try TestContainer(shell: "seq 1 1000000; exit 6", expectsAttach: true, logged: logged).start()
        try shim.started()
        var client: TestClient? = try shim.connect()
        try client?.attach()
        usleep(300_000)
        #expect(try shim.status("RssAnon") < 8192, "what is kept for it is bounded")
        #expect(try client?.ask(.status).map { "\($0)".contains("exit: nil") } == true, "the container waits")
        client = nil
        #expect(try shim.exited().exitCode == 6)
        #expect(shim.end() == 0)
        if logged { #expect(try shim.container.log().count == 1_000_000, "no record is lost") }
    }

    @Test("flags that a client sets on its descriptors are its own")
    func ownFlags() throws {
        let shim = try TestContainer(shell: "while read line; do echo got $line; done", openStdin: true).start()
        try shim.started()
        do {
            let client = try shim.connect()
            try client.attach(stdin: true)
            for descriptor in client.streams.values {
                #expect(fcntl(descriptor, F_GETFL) & O_NONBLOCK == 0)
                _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK | O_ASYNC)
            }
        }
        let client = try shim.connect()
        try client.attach(stdin: true)
        for descriptor in client.streams.values { #expect(fcntl(descriptor, F_GETFL) & (O_NONBLOCK | O_ASYNC) == 0) }
        client.write("it\n")
        #expect(client.read(.stdout, until: "\n") == "got it\n")
    }

    @Test("a client that closes only its output stops nothing")
    func closedReader() throws {
        let shim = try TestContainer(shell: "seq 1 100000; echo end >&2; exit 2", expectsAttach: true, logged: true).start()
        try shim.started()
        let client = try shim.connect()
        try client.attach()
        client.close(.stdout)
        #expect(client.readAll(.stderr) == "end\n")
        #expect(try shim.exited().exitCode == 2)
        #expect(try shim.container.log().count == 100_001)
    }

    @Test("a lent output that its client closes by request ends the writer, as a shell's pipe does; the other one goes on")
    func closedByRequest() throws {
        let shim = try TestContainer(shell: "yes; echo status $? >&2", expectsAttach: true).start()
        try shim.started()
        let client = try shim.connect()
        try client.attach()
        _ = client.read(.stdout, until: "y\n")
        client.close(.stdout)
        guard case .done? = try client.ask(.closeOutput(.stdout)) else { throw Unexpected(nil) }
        #expect(client.readAll(.stderr).hasSuffix("status 141\n"))
        #expect(try shim.exited().exitCode == 0)
    }

    @Test("an output is closed for a log's sake never, and only by the client that has it", arguments: [false, true])
    func refusedToClose(logged: Bool) throws {
        let shim = try TestContainer(shell: "read line; seq 1 1000; exit 3", openStdin: true, logged: logged).start()
        try shim.started()
        let stranger = try shim.connect()
        guard case .refused? = try stranger.ask(.closeOutput(.stdout)) else { throw Unexpected(nil) }
        let client = try shim.connect()
        try client.attach(stdin: true)
        guard case .refused? = try client.ask(.closeOutput(.terminal)) else { throw Unexpected(nil) }
        if logged {
            guard case .done? = try client.ask(.closeOutput(.stdout)) else { throw Unexpected(nil) }
            client.write("\n")
            #expect(try shim.exited().exitCode == 3)
            #expect(try shim.container.log().count == 1000)
        } else {
            client.write("\n")
            #expect(client.readAll().hasSuffix("\n1000\n"))
        }
    }

    @Test("output waits ten seconds for the announced client, and not for ever")
    func noClient() throws {
        let begin = Moment.now
        let shim = try TestContainer(shell: "echo unheard; exit 1", expectsAttach: true, logged: true).start()
        try shim.started()
        #expect(try shim.exited().exitCode == 1)
        #expect(shim.end() == 0)
        let waited = (Moment.now.nanoseconds - begin.nanoseconds) / 1_000_000_000
        #expect(waited >= 10)
        #expect(try shim.container.log().count == 1)
    }
}

/// Writes while the test reads: a pipe holds 64 KiB.
private struct ThreadedWriter {
    private let done: BlockingQueue<Bool>

    init(_ client: TestClient, _ line: String, count: Int) throws {
        let descriptor = client.streams[.stdin] ?? -1
        let done = BlockingQueue<Bool>(capacity: 1)
        self.done = done
        let copy = dup(descriptor)
        client.close(.stdin)
        try startThread(name: "writer") {
            for _ in 0..<count {
                var rest = Array(line.utf8)[...]
                while !rest.isEmpty {
                    let written = rest.withUnsafeBytes { write(copy, $0.baseAddress, $0.count) }
                    if written < 0 { break }
                    rest = rest.dropFirst(written)
                }
            }
            close(copy)
            _ = done.put(true)
        }
    }

    func join() { _ = done.take() }
}
