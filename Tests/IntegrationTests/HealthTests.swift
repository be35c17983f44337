// SPDX-License-Identifier: Apache-2.0

import Foundation
import RegistryFixtures
import TestSupport
import Testing

/// Health checks from the image to the command line, over the daemon's end.
@Suite(.asRoot, .serialized) struct HealthTests {
    /// An image whose check is whether /ok is there, asked for all the time.
    private static func image() throws -> String {
        let registry = try Registry.withFixtures()
        var tar = MadeTar()
        tar.add("bin/", kind: .directory, mode: 0o755)
        tar.add("bin/busybox", Array(try Data(contentsOf: URL(filePath: "/bin/busybox"))), mode: 0o755)
        let execution =
            #"{"Cmd":["/bin/busybox","sleep","1000"],"Shell":["/bin/busybox","sh","-c"],"Healthcheck":{"Test":["CMD-SHELL","#
            + #""/bin/busybox test -e /ok || { echo not yet; exit 1; }"],"Interval":50000000,"Retries":1}}"#
        let layout = "\(registry.directory.path)/layout-health-\(UInt32.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: layout, withIntermediateDirectories: true)
        try MadeImage(layers: [tar.bytes], execution: execution).writeLayout(layout)
        try registry.push(layout: layout, "test/health:1")
        return "\(registry.host)/test/health:1"
    }

    private func health(_ node: Node, _ name: String) throws -> [String: Any]? {
        try #require(try node.json("inspect", name) as? [[String: Any]]).first?["health"] as? [String: Any]
    }

    private func wait(_ node: Node, _ name: String, until status: String) throws {
        for _ in 0..<3000 {
            if try health(node, name)?["status"] as? String == status { return }
            usleep(20_000)
        }
        Issue.record("\(name) does not become \(status): \(try health(node, name) ?? [:])")
    }

    @Test("the image's check is run, shown and waited for, and goes on while no daemon is there")
    func image() throws {
        let image = try Self.image()
        try withNode { (node: Node) throws in
            try node.good("run", "-d", "--init", "--name", "box", image)
            try wait(node, "box", until: "unhealthy")
            #expect(try node.good("ps").contains("running (unhealthy)"))
            #expect(try (health(node, "box")?["results"] as? [[String: Any]])?.last?["output"] as? String == "not yet\n")
            let asked = try node.ctr("healthcheck", "run", "box")
            #expect(asked.code == 1 && asked.output == "not yet\n", "\(asked)")
            try node.good("exec", "box", "/bin/busybox", "touch", "/ok")
            #expect(try node.good("wait", "--condition", "healthy", "box") == "healthy\n")
            #expect(try node.ctr("healthcheck", "run", "--json", "box").code == 0)
            let pid = try node.good("inspect", "--format", "{{.summary.pid}}", "box").trimmingCharacters(in: .newlines)
            try node.killDaemon()
            #expect(unlink("/proc/\(pid)/root/ok") == 0)
            usleep(300_000)
            try node.start()
            try wait(node, "box", until: "unhealthy")
            #expect(try node.good("inspect", "--format", "{{.summary.pid}}", "box").trimmingCharacters(in: .newlines) == pid)
            try node.good("rm", "-f", "box")
        }
    }

    @Test("flags take the place of the image's, turn it off, or are refused")
    func flags() throws {
        let image = try Self.image()
        try withNode { (node: Node) throws in
            try node.good("run", "-d", "--init", "--name", "none", "--no-healthcheck", image)
            #expect(try health(node, "none") == nil)
            let refused = try node.ctr("healthcheck", "run", "none")
            #expect(refused.code == 1 && refused.errors.contains("no health check"), "\(refused)")
            #expect(try node.ctr("wait", "--condition", "healthy", "none").errors.contains("no health check"))
            try node.good(
                "run", "-d", "--init", "--name", "tcp", "--health-probe", "tcp://:9", "--health-interval", "20ms", "--health-retries", "2",
                "--health-on-failure", "stop", image)
            // An init that is not ready yet does not hear the stop signal, and is killed.
            #expect(try ["143\n", "137\n"].contains(node.good("wait", "tcp")))
            let cause = try node.good("inspect", "--format", "{{.summary.exit.cause.kind}} {{.summary.exit.cause.request}}", "tcp")
            #expect(cause == "unhealthy stop\n")
            for flags in [
                ["--health-interval", "5us"], ["--health-timeout", "-1s"], ["--health-retries", "-1"], ["--health-probe", "gopher://:1"],
                ["--health-cmd", "true", "--health-probe", "tcp://:1"], ["--no-healthcheck", "--health-retries", "1"],
                ["--rm", "--health-on-failure", "restart"],
            ] {
                let outcome = try node.ctr(["run", "-d"] + flags + [image])
                #expect(outcome.code == 125 && outcome.errors.contains("health") || outcome.errors.contains("--rm"), "\(flags): \(outcome)")
            }
            #expect(try node.good("ps", "-q").split(separator: "\n").count == 1, "of the refused ones nothing is there")
            for name in ["none", "tcp"] { try node.good("rm", "-f", name) }
        }
    }
}
