// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@Suite(.asRoot, .serialized) struct RunTests {
    @Test("a run by digest pulls, runs as PID 1, and gives back output and exit code", arguments: [0, 3, 125, 126, 127])
    func exitCodes(code: Int32) throws {
        let image = try Registry.withFixtures().byDigest("test/busybox")
        try withNode { (node: Node) throws in
            let outcome = try node.ctr("run", "--rm", image, "sh", "-c", "echo pid $$; echo word >&2; exit \(code)")
            #expect(outcome.output == "pid 1\n")
            #expect(outcome.errors.hasSuffix("word\n"))
            #expect(outcome.code == code)
        }
    }

    @Test("a command that is not there is 127, one that can't be executed is 126, an engine's refusal is 125")
    func runtimeExitCodes() throws {
        let image = try Registry.withFixtures().byDigest("test/busybox")
        try withNode { (node: Node) throws in
            #expect(try node.ctr("run", "--rm", image, "no-such-program").code == 127)
            #expect(try node.ctr("run", "--rm", image, "/etc/passwd").code == 126)
            #expect(try node.ctr("run", "--rm", image, "/etc").code == 126)
            #expect(try node.ctr("run", "--rm", "--name", "a b", image, "true").code == 125)
            #expect(try node.ctr("run", "--rm", "-u", "nobody-here", image, "true").code == 125)
            #expect(try node.good("ps", "-aq") == "")
        }
    }

    @Test(
        "a signal to the command line reaches PID 1, and the exit code tells",
        arguments: [(SIGTERM, "TERM", 143), (SIGINT, "INT", 130), (SIGUSR1, "USR1", 138)])
    func signalsReach(signal: Int32, name: String, status: Int32) throws {
        let image = try Registry.withFixtures().byDigest("test/busybox")
        try withNode { (node: Node) throws in
            try node.good("pull", image)
            let process = try node.started(
                "run", "--rm", image, "sh", "-c",
                "trap 'echo got \(name); exit \(status)' \(name); echo ready; while :; do sleep 0.05; done")
            try process.wait { $0 == "ready\n" }
            process.signal(signal)
            let outcome = try process.finish()
            #expect(outcome.output == "ready\ngot \(name)\n")
            #expect(outcome.code == status)
        }
    }

    @Test("SIGTERM and SIGKILL that end PID 1 are 143 and 137")
    func killed() throws {
        let image = try Registry.withFixtures().byDigest("test/busybox")
        try withNode { (node: Node) throws in
            for (signal, code) in [("KILL", "137"), ("TERM", "143")] {
                // A program without a handler as PID 1 does not hear TERM; the init does, and passes it on.
                let id = try node.good("run", "-d", "--init", image, "sleep", "100").trimmingCharacters(in: .whitespacesAndNewlines)
                try node.good("kill", "-s", signal, id)
                #expect(try node.good("wait", id).trimmingCharacters(in: .whitespacesAndNewlines) == code)
                try node.good("rm", id)
            }
        }
    }

    @Test("stdin goes in whole, output comes out whole, and both ends are told")
    func streams() throws {
        let image = try Registry.withFixtures().byDigest("test/busybox")
        try withNode { (node: Node) throws in
            let input = (0..<5_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
            let sum = try command(["sha256sum"], input: input).output
            #expect(try node.ctr("run", "--rm", "-i", image, "sha256sum", input: input).output == sum)
            #expect(try node.good("run", "--rm", image, "sh", "-c", "head -c 20000000 /dev/zero | tr '\\0' x").count == 20_000_000)
            let piped = try command(
                ["sh", "-c", "\(Node.bin)/ctr-swift run --rm \(image) yes | head -2; \(Node.bin)/ctr-swift ps -q"],
                environment: ["CTR_SWIFT_SOCKET": node.socket])
            #expect(piped.output == "y\ny\n", "a reader that has gone ends the container, as it would any program")
            #expect(try node.ctr("run", "--rm", image, "cat").output == "", "without -i stdin is /dev/null")
        }
    }

    @Test("a terminal has a size, is raw for the client, and is the container's own")
    func terminal() throws {
        let image = try Registry.withFixtures().byDigest("test/busybox")
        try withNode { (node: Node) throws in
            try node.good("pull", image)
            let script = """
                import os, pty, sys, struct, fcntl, termios
                pid, master = pty.fork()
                if pid == 0:
                    os.execv(sys.argv[1], [sys.argv[1], "run", "--rm", "-it", sys.argv[2], "sh", "-c", "stty size; tty; read line; echo got $line; exit 7"])
                fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 111, 0, 0))
                os.kill(pid, 28)
                data = b""
                sent = False
                while True:
                    try:
                        chunk = os.read(master, 4096)
                    except OSError:
                        break
                    if not chunk:
                        break
                    data += chunk
                    if b"/dev/" in data and not sent:
                        sent = True
                        os.write(master, b"hello\\r")
                print(data.decode(), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
                """
            let outcome = try command(
                ["python3", "-c", script, Node.bin + "/ctr-swift", image], environment: ["CTR_SWIFT_SOCKET": node.socket])
            #expect(outcome.output.contains("/dev/pts/0") || outcome.output.contains("/dev/console"))
            #expect(outcome.output.contains("got hello"))
            #expect(outcome.output.hasSuffix(" 7\n"))
        }
    }

    @Test("two hundred runs leave no mount, cgroup, directory, process or descriptor")
    func nothingIsLeft() throws {
        let image = try Registry.withFixtures().byDigest("test/busybox")
        try withNode { (node: Node) throws in
            try node.good("run", "--rm", image, "true")
            let descriptors = "/proc/\(node.daemon.pid)/fd"
            let before = try FileManager.default.contentsOfDirectory(atPath: descriptors).count
            for _ in 0..<200 { try node.good("run", "--rm", image, "true") }
            #expect(node.mounts == [])
            #expect(node.cgroups == [])
            #expect(try FileManager.default.contentsOfDirectory(atPath: node.root + "/containers") == [])
            #expect(try FileManager.default.contentsOfDirectory(atPath: node.directory.path + "/run/containers") == [])
            #expect(try node.processes().filter { $0.contains("ctr-swift-shim") } == [])
            #expect(try FileManager.default.contentsOfDirectory(atPath: descriptors).count <= before + 2)
        }
    }

    @Test("Debian with Python in four layers runs as the user that its image names")
    func pythonApplication() throws {
        let image = try Registry.withFixtures().byDigest("test/python-app")
        try withNode { (node: Node) throws in
            let outcome = try node.ctr("run", "--rm", image)
            #expect(outcome.output.hasPrefix("pid 1 python 3 release 12"))
            #expect(outcome.code == 0)
            #expect(try node.ctr("run", "--rm", image, "9").code == 9)
            let listing = try node.good(
                "run", "--rm", "--entrypoint", "/bin/sh", image, "-c",
                "id -u; stat -c '%a %U' /usr /usr/bin /tmp; ls /usr/share/doc; ls -d /usr/share/man; cat /etc/app.conf; pwd")
            #expect(listing == "65534\n755 root\n755 root\n1777 root\nlayer = 4\n/app\n")
            let id = try node.good("run", "-d", image, "wait").trimmingCharacters(in: .whitespacesAndNewlines)
            try node.wait(forLog: "\n", of: id)
            try node.good("stop", id)
            #expect(try node.good("wait", id) == "42\n")
            try node.good("rm", id)
        }
    }
}
