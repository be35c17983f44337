// SPDX-License-Identifier: Apache-2.0

import Foundation
import Linux
import SystemPackage
import TestSupport
import Testing

/// Monitors that don't answer, or have gone, when a daemon looks for them.
@Suite(.asRoot, .busybox) struct SilentShimTests {
    private func shim(of container: String, _ node: Node) throws -> pid_t {
        let id = try node.good("inspect", "--format", "{{.summary.id}}", container).trimmingCharacters(in: .whitespacesAndNewlines)
        let found = try command(["pgrep", "-f", "ctr-swift-shim.*\(id)"]).lines.first.flatMap { pid_t($0) }
        return try #require(found)
    }

    @Test("a monitor that stands still while a daemon starts keeps nobody else waiting, and its container is found when it goes on")
    func stopped() throws {
        let image = try Registry.withFixtures().byDigest("test/busybox")
        try withNode { (node: Node) throws in
            try node.good(
                "run", "-d", "--name", "silent", image, "sh", "-c", "trap 'exit 5' TERM; echo ready; while :; do sleep 0.01; done")
            try node.good("run", "-d", "--name", "other", image, "sleep", "1000")
            try node.wait(forLog: "ready", of: "silent")
            let pid = try shim(of: "silent", node)
            kill(pid, SIGSTOP)
            try node.killDaemon()
            try node.start()
            #expect(try node.good("ps", "--format", "{{.name}}").contains("other\n"))
            try node.good("run", "--rm", image, "true")
            kill(pid, SIGCONT)
            for _ in 0..<600 where try node.ctr("inspect", "silent").code != 0 { usleep(50_000) }
            #expect(try node.good("inspect", "--format", "{{.summary.state}}", "silent") == "running\n")
            try node.good("stop", "silent")
            #expect(try node.good("wait", "silent") == "5\n")
        }
    }

    @Test("monitors that stand still, and have been asked more often than their sockets take, keep nobody else waiting")
    func full() throws {
        let image = try Registry.withFixtures().byDigest("test/busybox")
        try withNode { (node: Node) throws in
            for name in ["silent", "other"] { try node.good("run", "-d", "--name", name, image, "sleep", "1000") }
            let pid = try shim(of: "silent", node)
            kill(pid, SIGSTOP)
            let id = try node.good("inspect", "--format", "{{.summary.id}}", "silent").trimmingCharacters(in: .whitespacesAndNewlines)
            let questions = try Self.fill("\(node.directory.path)/run/containers/\(id)/shim.sock")
            // More than there are threads for calls that block, and for the start of further processes.
            let signals = try (0..<20).map { _ in try node.started("kill", "-s", "WINCH", "silent") }
            let stuck = try (0..<10).map { _ in try node.started("exec", "silent", "true") }
            try node.good("exec", "other", "true")
            try node.good("kill", "-s", "WINCH", "other")
            try node.good("run", "--rm", image, "true")
            try node.good("rm", "-f", "other")
            for client in stuck {
                let outcome = try client.finish()
                #expect(outcome.code != 0 && outcome.errors.contains("stand still"), "\(outcome)")
            }
            // These have gone to PID 1 itself.
            for client in signals { #expect(try client.finish().code == 0) }
            kill(pid, SIGCONT)
            try node.good("stop", "-t", "0", "silent")
            #expect(questions.count < 1000)
        }
    }

    /// Asks until no more fit; the questions wait as long as the value lives.
    private static func fill(_ socket: String) throws -> [Question] {
        var questions: [Question] = []
        let error = #expect(throws: KernelError.self) {
            while questions.count < 1000 {
                questions.append(Question(try UnixSocket.connect(to: FilePath(socket), .packets, waiting: false)))
            }
        }
        #expect(error?.errno == .wouldBlock)
        return questions
    }

    private final class Question {
        private let connection: OwnedFD
        init(_ connection: consuming OwnedFD) { self.connection = connection }
    }

    @Test(
        "daemon and monitor killed at once: the container is ended, its cgroup empty, and its policy starts it again",
        arguments: ["no", "always"])
    func bothKilled(policy: String) throws {
        let image = try Registry.withFixtures().byDigest("test/busybox")
        try withNode { (node: Node) throws in
            try node.good(
                "run", "-d", "--name", "it", "--restart", policy, image, "sh", "-c", "sleep 1001 & echo ready; exec sleep 1000")
            try node.wait(forLog: "ready", of: "it")
            let pid = try shim(of: "it", node)
            let first = try node.good("inspect", "--format", "{{.summary.pid}}", "it")
            node.daemon.signal(SIGSTOP)
            kill(pid, SIGKILL)
            try node.killDaemon()
            try node.start()
            if policy == "no" {
                #expect(try node.good("wait", "it") == "137\n")
                #expect(node.cgroups == [])
                #expect(try node.good("inspect", "--format", "{{.summary.exit.cause.kind}}", "it") == "unknown\n")
            } else {
                try node.wait(forLog: "ready", times: 2, of: "it")
                #expect(try node.good("inspect", "--format", "{{.summary.pid}}", "it") != first)
                #expect(try node.good("top", "it").split(separator: "\n").count == 3, "two processes, and none of the first run")
            }
        }
    }
}
