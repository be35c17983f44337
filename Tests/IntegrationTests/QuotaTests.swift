// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage
import TestSupport
import Testing

/// What `--upper-size` and `--upper-inodes` come to where the filesystem of the root keeps project quota.
@Suite(.asRoot, .projectQuota, .serialized) struct QuotaTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var kind: LoopFilesystem.Kind
        var options: String
        /// What a program hears at its limit. xfs says of projects that the disk is full. Source: xfs_trans_dquot.c.
        var full: String
        var testDescription: String { kind.rawValue }
    }

    static let cases = [
        Case(kind: .ext4, options: "-O quota,project", full: "quota exceeded"),
        Case(kind: .xfs, options: "", full: "No space left on device"),
    ]

    private func withNode(on filesystem: Case, _ body: (Node, String) throws -> Void) throws {
        let image = try Registry.withFixtures().byDigest("test/busybox")
        try LoopFilesystem.with(filesystem.kind, megabytes: 400, options: filesystem.options, mountOptions: "prjquota") { disk in
            let node = try Node(configuration: "reserve-bytes = 8388608\nreserve-inodes = 100\n", root: disk.root.string)
            let result = Result {
                try node.good("pull", image)
                try body(node, image)
            }
            if case .failure = result { print(node.daemonLog.suffix(4000)) }
            let left = Result { try node.leave() }
            try result.get()
            try left.get()
        }
    }

    @Test(
        "a writable layer is full at its limit of bytes, also after a restart of the daemon, and df inside shows the limit",
        arguments: cases)
    func bytes(filesystem: Case) throws {
        try withNode(on: filesystem) { (node: Node, image: String) throws in
            let script = """
                df -k / | tail -1 | awk '{print $2}'; dd if=/dev/zero of=/file bs=64k count=140; stat -c %s /file
                rm /file; head -c 3000000 /dev/zero > /fits && echo fits; touch /ready; exec sleep 1000
                """
            try node.good("run", "-d", "--name", "w", "--upper-size", "4m", image, "sh", "-c", script)
            try node.wait(forLog: "fits", of: "w")
            let said = try node.ctr("logs", "w")
            let numbers = said.lines.compactMap { Int($0) }
            #expect(numbers.first == 4096 && numbers.last.map { (3_000_000...4 << 20).contains($0) } == true, "\(said)")
            #expect(said.errors.contains(filesystem.full), "\(said)")

            // Another one on the same filesystem has what is left of it.
            let free = try node.good("run", "--rm", image, "sh", "-c", "df -k / | tail -1 | awk '{print $2}'")
            #expect(Int(free.trimmingCharacters(in: .newlines)).map { $0 > 100_000 } == true)

            try node.stopDaemon()
            try node.start()
            let shown = try node.good("snapshot", "ls", "--format", "{{.kind}} {{.sizeInBytes}} {{.stale}}")
            let upper = try #require(shown.split(separator: "\n").first { $0.hasPrefix("upper ") }).split(separator: " ")
            #expect(Int(upper[1]).map { (3_000_000...4 << 20).contains($0) } == true && upper.last != "true", "\(shown)")
            try node.good("stop", "-t", "1", "w")
            try node.good("start", "w")
            try node.wait(forLog: "fits", times: 2, of: "w")
            let again = try node.ctr("logs", "w")
            #expect(again.lines.compactMap { Int($0) }.allSatisfy { $0 <= 4 << 20 }, "\(again)")
            #expect(again.errors.components(separatedBy: filesystem.full).count == 3, "\(again)")
            try node.good("rm", "-f", "w")
        }
    }

    @Test("a writable layer is full at its limit of inodes, and what is deleted can be used again", arguments: cases)
    func inodes(filesystem: Case) throws {
        try withNode(on: filesystem) { (node: Node, image: String) throws in
            // xfs gives the inodes of removed files back in the background.
            let script = """
                df -i / | tail -1 | awk '{print $2}'; n=0; while [ $n -lt 100 ] && touch /tmp/$n; do n=$((n + 1)); done
                echo made $n; rm /tmp/*; i=0; until mkdir /tmp/a 2>/dev/null || [ $i = 100 ]; do i=$((i + 1)); sleep 0.1; done
                test -d /tmp/a && echo again
                """
            let outcome = try node.ctr("run", "--rm", "--upper-inodes", "40", image, "sh", "-c", script)
            #expect(outcome.lines.first == "40" && outcome.lines.last == "again", "\(outcome)")
            let made = outcome.lines.first { $0.hasPrefix("made ") }.flatMap { Int($0.dropFirst(5)) } ?? 0
            #expect((20..<40).contains(made) && outcome.errors.contains(filesystem.full), "\(outcome)")
            // A limit too small for a container to start is refused, or told, and never leaves anything.
            #expect(try node.ctr("run", "--rm", "--upper-size", "1k", image, "true").code == 125)
        }
    }
}
