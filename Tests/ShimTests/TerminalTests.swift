// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import ShimProtocol
import SystemPackage
import TestSupport
import Testing

@Suite(.asRoot, .busybox) struct TerminalTests {
    @Test("a terminal has its size, hears what is typed, and follows the client's window", arguments: [false, true])
    func terminal(logged: Bool) throws {
        let script = "tty; stty size; read line; echo got $line; stty size"
        let shim = try TestContainer(shell: script, tty: true, openStdin: true, expectsAttach: true, logged: logged).start()
        try shim.started()
        let client = try shim.connect()
        #expect(try client.attach(stdin: true) == [.terminal])
        #expect(client.read(.terminal, until: "80\r\n") == "/dev/pts/0\r\n24 80\r\n")
        #expect(try client.ask(.resize(rows: 50, columns: 132)) == .done)
        client.write("word\n", to: .terminal)
        #expect(client.readAll(.terminal) == "word\r\ngot word\r\n50 132\r\n")
        #expect(try shim.exited().exitCode == 0)
        #expect(shim.end() == 0)
        if logged { #expect(try shim.container.log().count == 5) }
    }

    @Test("every byte passes, once the container has made its terminal raw")
    func rawBytes() throws {
        let shim = try TestContainer(shell: "stty raw -echo; echo ready; head -c 256", tty: true, openStdin: true, expectsAttach: true)
            .start()
        try shim.started()
        let client = try shim.connect()
        try client.attach(stdin: true)
        #expect(client.read(.terminal, until: "ready").contains("ready"))
        var bytes = [UInt8](0...255)
        let terminal = try #require(client.streams[.terminal])
        write(terminal, &bytes, 256)
        var back: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1024)
        while back.count < 256 {
            let count = read(terminal, &buffer, buffer.count)
            if count <= 0 { break }
            back += buffer[..<count].drop { back.isEmpty && $0 == UInt8(ascii: "\n") && buffer[0] == UInt8(ascii: "\n") && count == 1 }
        }
        // The line feed after "ready" may come alone.
        #expect(Array(back.suffix(256)) == bytes)
    }

    @Test("keys that mean signals reach the foreground process")
    func interrupt() throws {
        let shim = try TestContainer(
            shell: "trap 'exit 42' INT; echo ready; while :; do sleep 0.05; done", tty: true, openStdin: true, expectsAttach: true
        ).start()
        try shim.started()
        let client = try shim.connect()
        try client.attach(stdin: true)
        _ = client.read(.terminal, until: "ready")
        client.write("\u{3}", to: .terminal)
        #expect(try shim.exited().exitCode == 42)
    }

    @Test("detach and attach, resize storms and hangups leave threads, descriptors and memory flat (F-32)")
    func storms() throws {
        let shim = try TestContainer(shell: "while read line; do echo got $line; done", tty: true, openStdin: true).start()
        try shim.started()
        let before = shim.descriptorCount
        let watcher = try shim.connect()
        for round in 0..<300 {
            let client = try shim.connect()
            // The last client's end may not be seen yet.
            var streams: [ShimStream] = []
            for _ in 0..<200 where streams.isEmpty {
                do { streams = try client.attach(stdin: true) } catch is Unexpected { usleep(1000) }
            }
            #expect(streams == [.terminal])
            if round % 3 == 0 { client.write("typed", to: .terminal) }
            try client.send(.resize(rows: UInt16(round), columns: 65535))
        }
        for size in 0..<1000 { #expect(try watcher.ask(.resize(rows: UInt16(size), columns: 80)) == .done) }
        let client = try shim.connect()
        var attached = false
        for _ in 0..<200 where !attached {
            do { attached = try !client.attach(stdin: true).isEmpty } catch is Unexpected { usleep(1000) }
        }
        client.write("\u{15}last\n", to: .terminal)
        #expect(client.read(.terminal, until: "got last").contains("got last"))
        #expect(try shim.status("Threads") == 1)
        #expect(shim.descriptorCount <= before + 4, "the watcher's, the client's and its terminal's two")
        #expect(try shim.status("RssAnon") < 4096)
    }

    @Test("a terminal that nobody in the container has open is quiet, not over")
    func reopened() throws {
        let shim = try TestContainer(
            shell: "exec 0</dev/null; (sleep 0.3; echo back >/dev/pts/0) 2>/tmp/err & exec >/dev/null 2>&1; wait; sleep 0.8; exit 5",
            tty: true,
            expectsAttach: true
        ).start()
        try shim.started()
        let client = try shim.connect()
        try client.attach(stdin: true)
        #expect(client.readAll(.terminal) == "back\r\n")
        #expect(try shim.exited().exitCode == 5)
    }

    @Test("a resize of what has no terminal is refused")
    func noTerminal() throws {
        let shim = try TestContainer(["/bin/sleep", "100"]).start()
        try shim.started()
        #expect(try shim.connect().ask(.resize(rows: 1, columns: 1)) == .refused("the container has no terminal"))
    }
}
