// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@Suite(.asRoot, .serialized) struct ImageTests {
    @Test("the node's platform is chosen from an index, another one where it is asked for, and never an attestation")
    func platforms() throws {
        let image = try Registry.withFixtures().byDigest("test/busybox")
        let host = try command(["uname", "-m"]).output.hasPrefix("x86_64") ? "amd64" : "arm64"
        let other = host == "amd64" ? "arm64" : "amd64"
        try withNode { (node: Node) throws in
            #expect(try node.good("run", "--rm", image, "cat", "/etc/architecture") == host + "\n")
            #expect(try node.good("run", "--rm", "--platform", "linux/\(other)", image, "cat", "/etc/architecture") == other + "\n")
            let missing = try node.ctr("pull", "--platform", "linux/s390x", image)
            #expect(missing.code == 1)
            #expect(missing.errors.contains("linux/amd64") && missing.errors.contains("linux/arm64"), "the error lists what exists")
        }
    }

    @Test("a flipped byte in a served blob is refused by name, and nothing is kept")
    func flippedByte() throws {
        let registry = try Registry()
        defer { registry.stop() }
        try registry.push(layout: "\(Node.fixtures)/layers-127", "test/flipped:1")
        let raw = try command(["skopeo", "inspect", "--raw", "--tls-verify=false", "docker://\(registry.host)/test/flipped:1"]).output
        let manifest = try #require(try JSONSerialization.jsonObject(with: Data(raw.utf8)) as? [String: Any])
        let layer = try #require((manifest["layers"] as? [[String: Any]])?[3]["digest"] as? String)
        let file = registry.blobFile(String(layer.dropFirst(7)))
        var bytes = try Data(contentsOf: URL(filePath: file))
        bytes[bytes.count / 2] ^= 1
        try bytes.write(to: URL(filePath: file))
        try withNode { (node: Node) throws in
            let outcome = try node.ctr("pull", "\(registry.host)/test/flipped:1")
            #expect(outcome.code == 1)
            #expect(outcome.errors.contains(layer), "the error names the digest that was expected: \(outcome.errors)")
            #expect(try node.json("snapshot", "ls") as? [[String: String]] == [])
            #expect(try node.good("images", "-q") == "")
            #expect(try FileManager.default.contentsOfDirectory(atPath: node.root + "/layers") == [])
        }
    }

    @Test("127 layers run; 128 are refused before any blob is fetched, with count, limit and remedy")
    func ceiling() throws {
        let registry = try Registry.withFixtures()
        try withNode { (node: Node) throws in
            let most = try registry.byDigest("test/layers-127")
            #expect(try node.good("run", "--rm", most) == "126\n")
            let refused = try node.ctr("pull", try registry.byDigest("test/layers-128"))
            #expect(refused.code == 1)
            #expect(refused.errors.contains("128") && refused.errors.contains("127"))
            #expect(refused.errors.contains("max-layers"))
        }
        try withNode(configuration: "max-layers = 130\n") { (node: Node) throws in
            let more = try registry.byDigest("test/layers-128")
            #expect(try node.good("run", "--rm", more) == "127\n")
        }
    }

    @Test("an OCI layout directory, its tar, and a docker save tar load and run")
    func loads() throws {
        try withNode { (node: Node) throws in
            let layout = "\(Node.fixtures)/layers-127"
            let directory = node.directory.path
            try command(["tar", "-C", layout, "-cf", directory + "/layout.tar", "."])
            let saved = try command([
                "skopeo", "copy", "--quiet", "oci:\(layout)", "docker-archive:\(directory)/saved.tar:test/saved:2",
            ])
            #expect(saved.code == 0, "\(saved.errors)")
            for (source, input) in [
                (["-i", layout], nil), (["-i", directory + "/layout.tar"], nil),
                ([], Array(try Data(contentsOf: URL(filePath: directory + "/saved.tar")))),
            ] {
                let outcome = try node.ctr(["image", "load"] + source, input: input)
                #expect(outcome.code == 0, "\(outcome.errors)")
            }
            #expect(try node.good("run", "--rm", "--pull", "never", "test/saved:2") == "126\n")
        }
    }

    @Test("ten containers of one image share one lower copy, and the usage says so")
    func sharing() throws {
        let image = try Registry.withFixtures().byDigest("test/python-app")
        try withNode { (node: Node) throws in
            for number in 0..<10 { try node.good("run", "-d", "--name", "c\(number)", image, "wait") }
            let usage = try #require(try node.json("snapshot", "usage") as? [String: Any])
            let snapshots = try #require(usage["snapshots"] as? [[String: Any]])
            let layers = snapshots.filter { $0["kind"] as? String == "layer" }
            #expect(layers.count == 4)
            #expect(layers.allSatisfy { ($0["containers"] as? [String])?.count == 10 })
            #expect(snapshots.filter { $0["kind"] as? String == "upper" }.count == 10)
            let lower = try #require(usage["lowerBytes"] as? Int)
            let unshared = try #require(usage["unsharedBytes"] as? Int)
            #expect(unshared > lower * 9)
            let onDisk = try #require(Int(try command(["du", "-s", "-B1", node.root + "/layers"]).output.split(separator: "\t")[0]))
            #expect(abs(onDisk - lower) < lower / 20)
            for number in 0..<10 { try node.good("rm", "-f", "c\(number)") }
            try node.good("rmi", image)
            #expect(try node.good("snapshot", "ls", "--json").trimmingCharacters(in: .whitespacesAndNewlines) == "[]")
        }
    }

    @Test("an image that is used by a container is not removed; its layers go when nothing refers to them")
    func removal() throws {
        let image = try Registry.withFixtures().byDigest("test/busybox")
        try withNode { (node: Node) throws in
            try node.good("run", "--name", "keeper", image, "true")
            let refused = try node.ctr("rmi", image)
            #expect(refused.code == 1)
            #expect(refused.errors.contains("keeper") || refused.errors.contains("in use") || refused.errors.contains("used"))
            try node.good("rm", "keeper")
            try node.good("rmi", image)
            #expect(try node.good("images", "-q") == "")
        }
    }

    @Test("an image that is removed by force goes with the last of its containers, and not before")
    func forcedRemoval() throws {
        let image = try Registry.withFixtures().byDigest("test/python-app")
        let other = try Registry.withFixtures().byDigest("test/busybox")
        try withNode { (node: Node) throws in
            func layers() throws -> Int {
                try node.good("snapshot", "ls", "--format", "{{.kind}}").split(separator: "\n").filter { $0 != "upper" }.count
            }
            try node.good("pull", "-q", other)
            let others = try layers()
            try node.good("run", "--name", "stopped", image, "0")
            try node.good("run", "-d", "--rm", "--name", "going", image, "wait")
            let all = try layers()
            #expect(all > others)
            try node.good("rmi", "-f", image)
            #expect(try !node.good("images", "--format", "{{json .digests}}").contains("python-app"))
            try node.good("rm", "stopped")
            #expect(try layers() == all)
            try node.good("kill", "going")
            try eventually("the layers are gone") { try layers() == others }
            #expect(try FileManager.default.contentsOfDirectory(atPath: node.root + "/layers").count == others)
        }
    }

    @Test("a full disk refuses the pull with need and have, and leaves nothing")
    func fullDisk() throws {
        let image = try Registry.withFixtures().byDigest("test/python-app")
        let directory = "/tmp/ctr-swift-disk-\(UInt32.random(in: 0...UInt32.max))"
        try FileManager.default.createDirectory(atPath: directory + "/mount", withIntermediateDirectories: true)
        defer {
            _ = try? command(["umount", directory + "/mount"])
            try? FileManager.default.removeItem(atPath: directory)
        }
        try command(["truncate", "-s", "96M", directory + "/disk"])
        #expect(try command(["mkfs.ext4", "-q", directory + "/disk"]).code == 0)
        #expect(try command(["mount", "-o", "loop", directory + "/disk", directory + "/mount"]).code == 0)
        let node = try Node(configuration: "reserve-bytes = 8388608\nreserve-inodes = 100\n", root: directory + "/mount/root")
        let outcome = try node.ctr("pull", image)
        #expect(outcome.code == 1)
        #expect(outcome.errors.contains("bytes") || outcome.errors.contains("space"), "\(outcome.errors)")
        #expect(try node.good("snapshot", "ls", "--json").trimmingCharacters(in: .whitespacesAndNewlines) == "[]")
        let small = try Registry.withFixtures().byDigest("test/busybox")
        #expect(try node.good("run", "--rm", small, "echo", "still works") == "still works\n")
        try node.leave()
    }
}
