// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import OCI
import ShimProtocol
import SystemPackage
import TestSupport
import Testing

/// The shim's binary as PID 1 of a container (`--init`), bound read-only as the engine does.
@Suite(.asRoot, .busybox) struct InitTests {
    private func container(_ arguments: [String], tty: Bool = false) throws -> TestContainer {
        let container = try TestContainer(["/.ctr-init", "init", "--"] + arguments, tty: tty, openStdin: tty, expectsAttach: true)
        container.spec.mounts?.append(
            RuntimeSpec.Mount(
                destination: "/.ctr-init", type: "bind", source: TestShim.binary.string, options: ["bind", "ro", "nosuid", "nodev"]))
        return container
    }

    @Test(
        "its end is the program's end",
        arguments: [("exit 5", 5), ("kill -TERM $$; sleep 9", 143), ("kill -KILL $$", 137)] as [(String, Int32)])
    func code(script: String, code: Int32) throws {
        let shim = try container(["sh", "-c", script]).start()
        try shim.started()
        #expect(try shim.exited().exitCode == code)
    }

    @Test(
        "what can't be run ends with 127 or 126, and says why",
        arguments: [("nothing", 127), ("/nothing", 127), ("/tmp", 126)] as [(String, Int32)])
    func notFound(program: String, code: Int32) throws {
        let shim = try container([program]).start()
        try shim.started()
        let client = try shim.connect()
        try client.attach()
        #expect(client.readAll(.stderr).hasPrefix("ctr-init: \(program): "))
        #expect(try shim.exited().exitCode == code)
    }

    @Test("signals reach the program, with their default meaning too", arguments: [SIGTERM, SIGINT, SIGUSR1, SIGHUP, 34, 64])
    func signals(number: Int32) throws {
        let shim = try container(["sh", "-c", "echo ready; exec sleep 100"]).start()
        try shim.started()
        let client = try shim.connect()
        try client.attach()
        _ = client.read(.stdout, until: "ready")
        #expect(try client.ask(.signal(number)) == .done)
        #expect(try shim.exited().exitCode == 128 + number)
    }

    @Test("orphans are reaped: no zombie is left beside the program (F-14)")
    func orphans() throws {
        let script = """
            i=0; while [ $i -lt 300 ]; do (true & true & true &); i=$((i+1)); done; sleep 0.3
            cat /proc/[0-9]*/stat 2>/dev/null | grep -c ') Z '; ls -d /proc/[0-9]* | wc -l
            """
        let container = try container(["sh", "-c", script])
        symlink("busybox", container.layer.appending("bin/grep").string)
        let shim = try container.start()
        try shim.started()
        let client = try shim.connect()
        try client.attach()
        let lines = client.readAll().split(separator: "\n").compactMap { Int($0) }
        #expect(lines.first == 0)
        #expect((lines.last ?? 99) < 8)
    }

    @Test("on a terminal the program is in the foreground: keys reach it and not PID 1")
    func terminal() throws {
        let shim = try container(["sh", "-c", "trap 'echo interrupted; exit 3' INT; echo ready; while :; do sleep 0.05; done"], tty: true)
            .start()
        try shim.started()
        let client = try shim.connect()
        try client.attach(stdin: true)
        _ = client.read(.terminal, until: "ready")
        client.write("\u{3}", to: .terminal)
        #expect(client.readAll(.terminal).contains("interrupted"))
        #expect(try shim.exited().exitCode == 3)
    }
}
