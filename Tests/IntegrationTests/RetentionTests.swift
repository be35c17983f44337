// SPDX-License-Identifier: Apache-2.0

import Foundation
import Linux
import RegistryFixtures
import SystemPackage
import TestSupport
import Testing

@Suite(.serialized) struct RetentionTests {
    private func du(_ node: Node, _ flag: String) throws -> Int {
        for _ in 0..<500 where try FileManager.default.contentsOfDirectory(atPath: node.root + "/trash") != [] { usleep(10_000) }
        let directories = ["layers", "content", "containers"].map { node.root + "/" + $0 }
        return try command(["du", "-s", "-c", flag] + directories).lines.last.flatMap { Int($0.prefix { $0.isNumber }) } ?? -1
    }

    @Test("a dry run tells exactly what a prune frees; containers stay unless they are asked for; pinned images stay")
    func prune() throws {
        let registry = try Registry.withFixtures()
        let images = try ["test/busybox", "test/layers-127"].map { try registry.byDigest($0) }
        let kept = "test/kept:1"
        try withNode { (node: Node) throws in
            try node.good("run", "--name", "ended", images[0], "sh", "-c", "echo written > /here")
            try node.good("create", "--name", "never-started", images[0])
            try node.good("pull", "-q", images[1])
            try MadeImage(layers: [MadeTar.layer("a", "kept")]).writeLayout(node.directory.path + "/kept", name: kept)
            try node.good("load", "-q", "-i", node.directory.path + "/kept")
            #expect(try node.good("image", "pin", kept).hasPrefix("pinned: "))
            let listed = try #require(try node.json("images") as? [[String: Any]])
            #expect(listed.filter { $0["pinned"] as? Bool == true }.count == 1)
            #expect(listed.allSatisfy { ($0["lastUsedAt"] as? String)?.hasSuffix("Z") == true })

            for (flags, gone) in [([], 1), (["--containers"], 0)] {
                let dry = try #require(try node.json(["prune", "--dry-run"] + flags) as? [String: Any])
                let before = (try du(node, "-B1"), try du(node, "--inodes"))
                let pruned = try #require(try node.json(["prune"] + flags) as? [String: Any])
                #expect((dry["images"] as? [Any])?.count == gone)
                for member in ["freedBytes", "freedInodes"] { #expect(dry[member] as? Int == pruned[member] as? Int) }
                #expect(dry["freedBytes"] as? Int == before.0 - (try du(node, "-B1")))
                #expect(dry["freedInodes"] as? Int == before.1 - (try du(node, "--inodes")))
                #expect(try node.good("ps", "-aq").split(separator: "\n").count == (flags.isEmpty ? 2 : 1))
            }
            try node.good("rm", "never-started")
            #expect(try node.good("prune", "--unused-for", "1h").hasPrefix("freed 0 B"))
            #expect(try node.good("prune").contains("freed "))
            #expect(try node.good("images", "-q").split(separator: "\n").count == 1)
            try node.good("create", "--name", "of-the-pinned", "--pull", "never", kept, "/a")
            try node.good("rm", "of-the-pinned")
            let refused = try node.ctr("rmi", kept)
            #expect(refused.code == 1 && refused.errors.contains("pinned"))
            try node.good("image", "unpin", kept)
            try node.good("prune")
            #expect(try node.good("snapshot", "ls", "--json").trimmingCharacters(in: .whitespacesAndNewlines) == "[]")
        }
    }

    @Test("a container whose files are being copied stays, and the prune goes on with the others and the images")
    func pruneMeetsCopy() throws {
        let registry = try Registry.withFixtures()
        try withNode { (node: Node) throws in
            let image = try registry.byDigest("test/busybox")
            try node.good("pull", "-q", registry.byDigest("test/layers-127"))
            for name in ["first", "copied", "last"] {
                try node.good("run", "--name", name, image, "sh", "-c", "head -c 8000000 /dev/zero > /big")
            }
            let connection = try UnixSocket.connect(to: FilePath(node.socket), .stream)
            // Its answer begins, and is never taken whole.
            let request = Array("GET /v1/containers/copied/archive?path=/big HTTP/1.1\r\nHost: x\r\n\r\n".utf8)
            try request.withUnsafeBytes { try writeAll(connection, $0, object: "request") }
            var limit = timeval(tv_sec: 60, tv_usec: 0)
            setsockopt(connection.raw, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
            var byte: UInt8 = 0
            #expect(read(connection.raw, &byte, 1) == 1 && byte == UInt8(ascii: "H"))
            let pruned = try #require(try node.json("prune", "--containers") as? [String: Any])
            let gone = (pruned["containers"] as? [[String: Any]] ?? []).compactMap { $0["name"] as? String }
            #expect(gone.sorted() == ["first", "last"])
            #expect((pruned["images"] as? [Any])?.count == 1)
            #expect(try node.good("ps", "-a", "--format", "{{.name}}") == "copied\n")
        }
    }

    @Test("a create that meets a prune gets the image, or hears that it is not here", .timeLimit(.minutes(5)))
    func createMeetsPrune() throws {
        let image = try Registry.withFixtures().byDigest("test/busybox")
        try withNode { (node: Node) throws in
            var (made, missed) = (0, 0)
            for round in 0..<40 {
                try node.good("pull", "-q", image)
                let pruning = try node.started("prune")
                let creating = try node.started("create", "--pull", "never", "--name", "c\(round)", image, "true")
                #expect(try pruning.finish().code == 0)
                let outcome = try creating.finish()
                if outcome.code == 0 {
                    made += 1
                    try node.good("start", "c\(round)")
                    #expect(try node.good("wait", "c\(round)") == "0\n")
                    try node.good("rm", "c\(round)")
                } else {
                    missed += 1
                    #expect(outcome.errors.contains("no image"), "\(outcome.errors)")
                }
            }
            #expect(made + missed == 40)
        }
    }
}
