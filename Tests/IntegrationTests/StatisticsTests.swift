// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@Suite(.asRoot, .serialized) struct StatisticsTests {
    private func rows(_ text: String) throws -> [[String: Any]] {
        try text.split(separator: "\n").map { try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]) }
    }

    @Test("stats goes on round after round, tells who is busy and who is paused, and ends with the last of the named ones")
    func follow() throws {
        let image = try Registry.withFixtures().byDigest("test/busybox")
        try withNode { node in
            try node.good("run", "-d", "--name", "busy", image, "sh", "-c", "while :; do :; done")
            try node.good("run", "-d", "--name", "idle", "-m", "64m", image, "sleep", "1000")
            try node.good("pause", "idle")
            let stats = try node.started("stats", "--json", "--interval", "100", "busy", "idle")
            try stats.wait { $0.split(separator: "\n").count >= 6 }
            let found = try rows(String(stats.output.prefix { _ in true }).split(separator: "\n").prefix(6).joined(separator: "\n"))
            #expect(found.map { $0["name"] as? String } == ["busy", "idle", "busy", "idle", "busy", "idle"])
            #expect(found.map { $0["state"] as? String } == ["running", "paused", "running", "paused", "running", "paused"])
            let shares = found.compactMap { ($0["cpu"] as? [String: Any])?["percent"] as? Double }
            #expect(shares.count == 6 && shares[0] > 1 && shares[1] == 0 && shares[5] == 0, "\(shares)")
            #expect((found[1]["memory"] as? [String: Any])?["limitBytes"] as? Int == 64 << 20)
            try node.good("rm", "-f", "busy", "idle")
            #expect(try stats.finish(seconds: 30).code == 0)
            let ended = try node.ctr("stats", "--no-stream", "busy")
            #expect(ended.code == 1 && ended.errors.contains("no container"))
            #expect(try node.good("stats", "--no-stream", "--json") == "[]\n")
        }
    }

    @Test("a paused container survives the daemon; its update, its processes and its end are the next one's")
    func pausedAcrossDaemons() throws {
        let image = try Registry.withFixtures().byDigest("test/busybox")
        try withNode { node in
            try node.good(
                "run", "-d", "--name", "web", "--pids-limit", "50", image, "sh", "-c",
                "trap 'exit 4' TERM; echo ready; while :; do sleep 0.1; done")
            try node.wait(forLog: "ready", of: "web")
            try node.good("pause", "web")
            try node.good("update", "--pids-limit", "60", "web")
            try node.killDaemon()
            try node.start()
            #expect(try node.good("ps", "--format", "{{.name}} {{.state}}") == "web paused\n")
            #expect(try node.good("inspect", "--format", "{{.request.resources.pidsLimit}}", "web") == "60\n")
            #expect(try node.good("top", "web", "-o", "pidin,cmd").contains("sh -c trap"))
            let refused = try node.ctr("start", "web")
            #expect(refused.code == 1 && refused.errors.contains("it is paused"))
            try node.good("stop", "web")
            #expect(try node.good("wait", "web") == "4\n")
            let gone = try node.ctr("top", "web")
            #expect(gone.code == 1 && gone.errors.contains("it is stopped"))
            try node.good("rm", "web")
        }
    }
}
