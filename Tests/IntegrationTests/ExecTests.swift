// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@Suite(.asRoot, .serialized) struct ExecTests {
    /// A node with a container named "box" that waits.
    private func withBox(inherits: Bool = true, _ body: (Node) throws -> Void) throws {
        let image = try Registry.withFixtures().byDigest("test/busybox")
        try withNode(inherits: inherits) { (node: Node) throws in
            try node.good("run", "-d", "--init", "--name", "box", "-e", "OWN=1", image, "sleep", "1000")
            try body(node)
        }
    }

    private func execs(_ node: Node) throws -> [[String: Any]] {
        try #require((try node.json("inspect", "box") as? [[String: Any]])?.first?["execs"] as? [[String: Any]])
    }

    @Test(
        "exit codes are those of run: its own, 125, 126, 127, 128+n",
        arguments: [
            (["sh", "-c", "exit 3"], 3), (["no-such-program"], 127), (["/etc"], 126), (["sh", "-c", "kill -KILL $$"], 137),
        ] as [([String], Int32)])
    func codes(words: [String], code: Int32) throws {
        try withBox { (node: Node) throws in
            #expect(try node.ctr(["exec", "box"] + words).code == code)
            #expect(try node.ctr("exec", "-u", "nobody-here", "box", "true").code == 125)
            #expect(try node.ctr("exec", "-w", "/nowhere", "box", "true").code == 125)
            #expect(try node.ctr("exec", "nobody", "true").code == 125)
            #expect(try node.ctr("exec", "box").code == 125)
        }
    }

    @Test("streams, environment, user and directory")
    func surroundings() throws {
        try withBox { (node: Node) throws in
            let input = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
            let sum = try command(["sha256sum"], input: input).output
            #expect(try node.ctr("exec", "-i", "box", "sha256sum", input: input).output == sum)
            let both = try node.ctr("exec", "box", "sh", "-c", "echo out; echo error >&2")
            #expect(both.output == "out\n" && both.errors == "error\n")
            let file = node.directory.appending(path: "env").path
            try "FILE=1\nBOTH=file\n".write(toFile: file, atomically: true, encoding: .utf8)
            let words = ["exec", "--env-file", file, "-e", "BOTH=flag", "-w", "/tmp", "-u", "7:8", "box", "sh", "-c"]
            let said = try node.ctr(words + ["echo $OWN $FILE $BOTH; pwd; id -u; id -g"])
            #expect(said.output == "1 1 flag\n/tmp\n7\n8\n", "\(said)")
        }
    }

    @Test("nothing of the daemon's environment is in it, and two containers' are apart (X-21)")
    func environment() throws {
        let image = try Registry.withFixtures().byDigest("test/busybox")
        let node = try Node(environment: ["SECRET": "1", "HTTP_PROXY": ""])
        let result = Result {
            for name in ["a", "b"] { try node.good("run", "-d", "--init", "--name", name, "-e", "NAME=\(name)", image, "sleep", "1000") }
            for round in 0..<20 {
                let started = try ["a", "b"].map { ($0, try node.started("exec", "-e", "ROUND=\(round)", $0, "env")) }
                for (name, process) in started {
                    let lines = Set(try process.finish().output.split(separator: "\n").map(String.init))
                    let names = Set(lines.map { $0.prefix { $0 != "=" } }).subtracting(["PWD", "SHLVL"])
                    #expect(names == ["PATH", "HOSTNAME", "HOME", "IMAGE", "NAME", "ROUND"], "\(lines)")
                    #expect(lines.contains("NAME=\(name)") && lines.contains("ROUND=\(round)"))
                }
            }
        }
        try node.leave()
        try result.get()
    }

    @Test("a client that is killed takes what it started with it; -d stays")
    func clientGoes() throws {
        try withBox { (node: Node) throws in
            let client = try node.started("exec", "box", "sh", "-c", "sleep 1001 & echo ready; sleep 1002")
            try client.wait { $0 == "ready\n" }
            let id = try node.good("exec", "-d", "box", "sleep", "1003").trimmingCharacters(in: .whitespacesAndNewlines)
            client.signal(SIGKILL)
            _ = try client.finish()
            func shellRuns() throws -> Bool {
                try execs(node).contains { ($0["command"] as? [String])?.first == "sh" && $0["running"] as? Bool == true }
            }
            for _ in 0..<600 where try shellRuns() { usleep(50_000) }
            let processes = try node.good("exec", "box", "ps")
            #expect(!processes.contains("sleep 1001") && !processes.contains("sleep 1002"), "\(processes)")
            #expect(processes.contains("sleep 1003"), "\(processes)")
            #expect(try execs(node).contains { $0["id"] as? String == id && $0["running"] as? Bool == true })
        }
    }

    @Test("a signal to the command line reaches it, and not the container")
    func signals() throws {
        try withBox { (node: Node) throws in
            let script = "trap 'echo got; exit 9' TERM; echo ready; while :; do sleep 0.05; done"
            let process = try node.started("exec", "box", "sh", "-c", script)
            try process.wait { $0 == "ready\n" }
            process.signal(SIGTERM)
            let outcome = try process.finish()
            #expect(outcome.output == "ready\ngot\n" && outcome.code == 9)
            #expect(try node.good("ps", "-q").count > 1)
        }
    }

    @Test("the daemon killed and started again: a session goes on, its end is known")
    func restart() throws {
        try withBox { (node: Node) throws in
            let script = "trap 'echo got; exit 4' TERM; echo ready; while :; do sleep 0.05; done"
            let process = try node.started("exec", "-i", "box", "sh", "-c", script)
            try process.wait { $0 == "ready\n" }
            try node.killDaemon()
            process.signal(SIGTERM)
            #expect(try process.finish().code == 4)
            try node.start()
            for _ in 0..<600 where try execs(node).isEmpty { usleep(20_000) }
            #expect(try execs(node).map { ($0["exit"] as? [String: Any])?["exitCode"] as? Int } == [4])
        }
    }

    @Test("a hundred at once, and no process, descriptor or group is left (F-33)")
    func hundred() throws {
        try withBox { (node: Node) throws in
            let started = try (0..<100).map { try node.started("exec", "box", "sh", "-c", "echo \($0); exit \($0)") }
            for (number, process) in started.enumerated() {
                let outcome = try process.finish()
                #expect(outcome.code == Int32(number) && outcome.output == "\(number)\n", "\(outcome)")
            }
            let left = try node.good("exec", "box", "ps", "-o", "args").split(separator: "\n")
            #expect(left.count <= 5, "the heading, init, sleep, ps: \(left)")
        }
    }

    @Test("states: created, stopped, gone")
    func states() throws {
        let image = try Registry.withFixtures().byDigest("test/busybox")
        try withNode { (node: Node) throws in
            try node.good("create", "--name", "box", image, "true")
            for _ in 0..<2 {
                let outcome = try node.ctr("exec", "box", "true")
                #expect(outcome.code == 125 && outcome.errors.contains("can't exec in container"), "\(outcome)")
                try node.good("start", "box")
                try node.good("wait", "box")
            }
        }
    }
}
