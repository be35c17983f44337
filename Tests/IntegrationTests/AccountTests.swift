// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@Suite(.asRoot) struct AccountTests {
    @Test("system df sums up to what du says of the root, and tells what could be had back")
    func diskUsage() throws {
        let image = try Registry.withFixtures().byDigest("test/busybox")
        try withNode { (node: Node) throws in
            try node.good("pull", image)
            try node.good("run", "-d", "--name", "ended", image, "sh", "-c", "head -c 3000000 /dev/zero > /file; rm /bin/ls; echo log")
            try node.good("wait", "ended")
            try node.good("run", "-d", "--name", "live", image, "sh", "-c", "head -c 1000000 /dev/zero > /file; echo done; sleep 1000")
            try node.wait(forLog: "\n", of: "live")
            let usage = try #require(try node.json("system", "df", "--fresh", "-v") as? [String: Any])
            let du = try command(["du", "-s", "--block-size=1", node.root]).output.split(separator: "\t").first.flatMap { Int($0) }
            let inodes = try command(["du", "-s", "--inodes", node.root]).output.split(separator: "\t").first.flatMap { Int($0) }
            #expect(usage["totalBytes"] as? Int == du)
            #expect(usage["totalInodes"] as? Int == inodes)
            let images = try #require(usage["images"] as? [String: Any])
            #expect(images["count"] as? Int == 1 && images["active"] as? Int == 1 && images["reclaimableBytes"] as? Int == 0)
            let uppers = try #require(usage["uppers"] as? [String: Any])
            let reclaimable = try #require(uppers["reclaimableBytes"] as? Int)
            #expect(uppers["running"] as? Int == 1 && (3_000_000..<3_100_000).contains(reclaimable))
            #expect((usage["snapshotRows"] as? [Any])?.count == 3 && (usage["imageRows"] as? [Any])?.count == 1)
            #expect(try node.good("system", "df").contains("total"))
            #expect(try node.good("system", "df", "-v").contains("EXCLUSIVE"))
        }
    }

    @Test("a running container's upper is told in detail: size, growth, deletions, copies")
    func upper() throws {
        let image = try Registry.withFixtures().byDigest("test/busybox")
        try withNode { (node: Node) throws in
            try node.good("pull", image)
            try node.good(
                "run", "-d", "--name", "w", image, "sh", "-c",
                "echo x >> /etc/passwd; rm /bin/ls; head -c 50000 /dev/zero > /$(printf '\\033[2Jx'); echo done; sleep 1000")
            try node.wait(forLog: "\n", of: "w")
            let report = try #require(try node.json("snapshot", "usage", "w") as? [String: Any])
            #expect((report["whiteouts"] as? [String: Any])?["count"] as? Int == 1)
            let copied = try #require(report["copiedUp"] as? [String: Any])
            #expect((copied["largest"] as? [[String: Any]])?.map { $0["path"] as? String } == ["/etc/passwd"])
            #expect(report["growth"] == nil)
            let text = try node.good("snapshot", "usage", "w")
            #expect(text.contains("/\\x1b[2Jx") && !text.contains("\u{1b}") && text.contains("since"))
            #expect(try node.ctr("snapshot", "usage", "nobody").code == 1)
            #expect(try node.ctr("snapshot", "usage", "--top", "1001", "w").code == 1)
        }
    }

    @Test("a path in a container is traced to the layer, the upper or the mount that it comes from")
    func owner() throws {
        let image = try Registry.withFixtures().byDigest("test/busybox")
        try withNode { (node: Node) throws in
            try node.good("pull", image)
            try node.good("run", "-d", "--name", "w", image, "sh", "-c", "echo x > /new; rm /bin/ls")
            try node.good("wait", "w")
            func kind(_ path: String) throws -> String {
                try node.good("snapshot", "owner", "--format", "{{.kind}}", path).trimmingCharacters(in: .newlines)
            }
            #expect(try kind("w:/new") == "upper")
            #expect(try kind("w:/bin/busybox") == "layer")
            #expect(try kind("w:/etc/hosts") == "mount")
            #expect(try kind(node.root + "/containers") == "root")
            let host = try node.good("snapshot", "owner", "--format", "{{.path}}", "w:/bin/busybox").trimmingCharacters(in: .newlines)
            #expect(FileManager.default.fileExists(atPath: host))
            #expect(try kind(host) == "layer")
            #expect(try node.ctr("snapshot", "owner", "w:/bin/ls").errors.contains("has no \"/bin/ls\""))
            #expect(try node.ctr("snapshot", "owner", "/etc/passwd").code == 1)
            #expect(try node.good("snapshot", "tree").contains("└─ image "))
            try FileManager.default.createDirectory(atPath: node.root + "/mine", withIntermediateDirectories: false)
            #expect(try node.good("snapshot", "orphans", "--format", "{{.kind}} {{.fate}} {{.path}}") == "unknown kept \(node.root)/mine\n")
        }
    }

    @Test(
        "a limited writable layer in memory is full where it should be; on a filesystem without quota it is refused, with what would help")
    func limits() throws {
        let image = try Registry.withFixtures().byDigest("test/busybox")
        try withNode { (node: Node) throws in
            try node.good("pull", image)
            let script = "df -k / | tail -1 | awk '{print $2}'; head -c 9000000 /dev/zero > /file; stat -c %s /file"
            let outcome = try node.ctr("run", "--rm", "--upper", "tmpfs", "--upper-size", "4m", image, "sh", "-c", script)
            let numbers = outcome.lines.compactMap { Int($0) }
            #expect(numbers.first == 4096 && numbers.last.map { $0 <= 4 << 20 } == true, "\(outcome)")
            let many = "for n in $(seq 100); do touch /$n || exit 9; done"
            #expect(try node.ctr("run", "--rm", "--upper", "tmpfs", "--upper-inodes", "40", image, "sh", "-c", many).code == 9)
            #expect(try node.ctr("run", "--rm", "--upper", "tmpfs", "--upper-size", "1k", image, "true").code == 125)
            let refused = try node.ctr("run", "--rm", "--upper-size", "10m", image, "true")
            // Where the tests' own filesystem has project quota, it is taken.
            if refused.code != 0 {
                #expect(refused.code == 125 && refused.errors.contains("can't be limited") && refused.errors.contains("--upper tmpfs"))
            }
            #expect(try node.good("ps", "-aq") == "")
        }
    }
}
