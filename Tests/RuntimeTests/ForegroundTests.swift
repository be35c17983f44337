// SPDX-License-Identifier: Apache-2.0

import Glibc
import OCI
import SystemPackage
import TestSupport
import Testing

/// The command in the foreground, with a terminal of its own making.
@Suite(.asRoot, .busybox) struct ForegroundTests {
    @Test("it ends with its program, whoever still has the terminal open, and shows all that the program wrote", arguments: [1, 2000])
    func leftBehind(lines: Int) throws {
        let container = try RunningBundle()
        let script = "trap '' HUP; sleep 600 & i=0; while [ $i -lt \(lines) ]; do i=$((i+1)); echo line $i; done; exit 7"
        let child = try ChildProcess(container.arguments(["--tty"], ["/bin/sh", "-c", script]))
        let result = try child.finish(seconds: 60)
        let expected = (1...lines).map { "line \($0)\r\n" }.joined()
        #expect(result.code == 7 && result.output == expected, "code \(result.code), \(result.bytes.count) bytes\n\(result.errors)")
    }

    @Test("a program that lets go of its terminal still gets signals, and its end is seen") func letGo() throws {
        let bundle = try TestBundle(
            shell: """
                trap 'exit 42' TERM
                exec </dev/null >/dev/null 2>&1
                touch /tmp/closed
                while :; do sleep 0.05; done
                """)
        bundle.spec.process?.terminal = true
        let child = try bundle.start()
        defer { _ = try? bundle.verb("delete", ["--force"]) }
        try waitUntil { access(bundle.rootfs.appending("tmp/closed").string, F_OK) == 0 || !child.errors.isEmpty }
        // Time to see it closed; whether it was enough, the result does not depend on.
        usleep(300_000)
        child.signal(SIGTERM)
        let result = try child.finish(seconds: 60)
        #expect(result.code == 42, "\(result)")
    }

    @Test("more input than a terminal holds, to a program that answers as much") func bothWays() throws {
        let container = try RunningBundle()
        let lines = 10_000
        let input = Array((String(repeating: "0123456789012345678901234567890123456789\n", count: lines) + "the end\n").utf8)
        let child = try ChildProcess(container.arguments(["--tty"], ["/bin/cat"]), input: input)
        let result = try child.finish(seconds: 60)
        #expect(
            result.code == 0 && result.output.contains("the end\r\n"), "code \(result.code), \(result.bytes.count) bytes\n\(result.errors)")
        #expect(result.bytes.count >= lines * 42, "each line at least once")
    }
}
