// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@Suite(.asRoot, .serialized) struct LifeTests {
    @Test("the daemon is killed and started again: containers went on, and missed ends are known")
    func restart() throws {
        let image = try Registry.withFixtures().byDigest("test/busybox")
        try withNode { (node: Node) throws in
            try node.good(
                "run", "-d", "--name", "lives", image, "sh", "-c",
                "trap 'exit 9' TERM; i=0; while :; do echo $i; i=$((i+1)); sleep 0.1; done")
            try node.good("run", "-d", "--name", "ends", image, "sh", "-c", "sleep 1; exit 7")
            try node.good("run", "-d", "--rm", "--name", "goes", image, "sleep", "1")
            let pid = try node.good("inspect", "--format", "{{.summary.pid}}", "lives")
            let id = try node.good("inspect", "--format", "{{.summary.id}}", "lives").trimmingCharacters(in: .whitespacesAndNewlines)
            let log = "\(node.root)/containers/\(id)/log/container.log"
            func records() throws -> Int { try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n").count }
            try node.killDaemon()
            let before = try records()
            try eventually("its log goes on without a daemon") { try records() > before + 15 }
            sleep(2)
            try node.start()
            #expect(try node.good("inspect", "--format", "{{.summary.pid}}", "lives") == pid)
            #expect(try node.good("ps", "--format", "{{.name}}") == "lives\n")
            #expect(try node.good("wait", "ends") == "7\n")
            #expect(try node.ctr("inspect", "goes").code == 1, "one that is to be removed is removed")
            let exit = try #require(
                ((try node.json("inspect", "ends") as? [[String: Any]])?.first?["summary"] as? [String: Any])?["exit"] as? [String: Any])
            #expect(exit["finishedAt"] as? String ?? "" > exit["startedAt"] as? String ?? "~")
            let numbers = try node.good("logs", "lives").split(separator: "\n").compactMap { Int($0) }
            #expect(numbers == Array(0..<numbers.count) && numbers.count > before + 15, "the log has no gap")
            try node.good("stop", "lives")
            #expect(try node.good("wait", "lives") == "9\n")
            try node.good("rm", "lives")
            try node.good("rm", "ends")
        }
    }

    @Test("stop sends the image's or the asked signal, then SIGKILL after the time")
    func stop() throws {
        let image = try Registry.withFixtures().byDigest("test/busybox")
        try withNode { (node: Node) throws in
            try node.good("run", "-d", "--name", "deaf", image, "sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done")
            try node.wait(forLog: "ready", of: "deaf")
            try node.good("stop", "-t", "1", "deaf")
            #expect(try node.good("wait", "deaf") == "137\n")
            try node.good(
                "run", "-d", "--name", "usr", "--stop-signal", "USR1", image, "sh", "-c",
                "trap 'exit 5' USR1; echo ready; while :; do sleep 0.05; done")
            try node.wait(forLog: "ready", of: "usr")
            try node.good("stop", "usr")
            #expect(try node.good("wait", "usr") == "5\n")
            try node.good("rm", "deaf")
            try node.good("rm", "usr")
        }
    }

    @Test("a stop without end is given up with its client, and with its daemon: the container runs on, and can be paused")
    func stopWithoutEnd() throws {
        let image = try Registry.withFixtures().byDigest("test/busybox")
        try withNode { (node: Node) throws in
            try node.good(
                "run", "-d", "--name", "stubborn", image, "sh", "-c", "trap 'echo heard' TERM; echo ready; while :; do sleep 0.05; done")
            try node.wait(forLog: "ready", of: "stubborn")
            for round in 1...2 {
                let stop = try node.started("stop", "-t", "-1", "stubborn")
                try node.wait(forLog: "heard", times: round, of: "stubborn")
                if round == 1 { stop.signal(SIGKILL) } else { try node.killDaemon() }
                _ = try stop.finish()
                if round == 2 { try node.start() }
                for _ in 0..<500 where try node.good("inspect", "--format", "{{.summary.state}}", "stubborn") != "running\n" {
                    usleep(20_000)
                }
                try node.good("pause", "stubborn")
                try node.good("unpause", "stubborn")
            }
            try node.good("stop", "-t", "0", "stubborn")
        }
    }

    @Test("a killed shim ends its container, and the state says so")
    func killedShim() throws {
        let image = try Registry.withFixtures().byDigest("test/busybox")
        try withNode { (node: Node) throws in
            let id = try node.good("run", "-d", "--name", "orphan", image, "sleep", "1000").trimmingCharacters(in: .whitespacesAndNewlines)
            let shims = try command(["pgrep", "-f", "ctr-swift-shim.*\(id)"]).output.split(separator: "\n")
            for shim in shims {
                let pid = try #require(pid_t(shim))
                kill(pid, SIGKILL)
            }
            #expect(try node.good("wait", "orphan") == "137\n")
            try node.good("rm", "orphan")
        }
    }

    @Test("two daemons on one root must not be; two roots side by side may")
    func locks() throws {
        try withNode { (node: Node) throws in
            let second = try command([
                Node.bin + "/ctr-swiftd", "--root", node.root, "--state", node.directory.path + "/run2", "--socket",
                node.directory.path + "/second.sock",
            ])
            #expect(second.code != 0)
            #expect(second.errors.contains(node.root) || second.output.contains(node.root))
            #expect(try node.ctr("version").code == 0)
            try withNode { (other: Node) throws in #expect(try other.ctr("version").code == 0) }
        }
    }

    @Test("the log of a detached container is kept, tailed and followed to the end")
    func logs() throws {
        let image = try Registry.withFixtures().byDigest("test/busybox")
        try withNode { (node: Node) throws in
            try node.good(
                "run", "-d", "--name", "talker", image, "sh", "-c", "for i in 1 2 3 4 5; do echo line $i; sleep 0.1; done; printf end")
            #expect(try node.good("logs", "-f", "talker") == "line 1\nline 2\nline 3\nline 4\nline 5\nend")
            #expect(try node.good("logs", "--tail", "2", "talker") == "line 5\nend")
            try node.good("rm", "talker")
        }
    }

    @Test("rm refuses a running container, rm -f ends it, and names are free again")
    func remove() throws {
        let image = try Registry.withFixtures().byDigest("test/busybox")
        try withNode { (node: Node) throws in
            try node.good("run", "-d", "--name", "one", image, "sleep", "100")
            #expect(try node.ctr("run", "--rm", "--name", "one", image, "true").code == 125)
            #expect(try node.ctr("rm", "one").code == 1)
            try node.good("rm", "-f", "one")
            try node.good("run", "--rm", "--name", "one", image, "true")
        }
    }
}
