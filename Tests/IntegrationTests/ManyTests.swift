// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// Many files, many levels, many clients, against a whole daemon.
@Suite(.asRoot, .serialized) struct ManyTests {
    @Test("L-43: 50,000 files in one directory, and 300 directories in each other, are unpacked, seen and removed")
    func wide() throws {
        try HeldRegistry.with("wide", "50000", "300") { registry in
            let tools = try Registry.withFixtures().byDigest("test/busybox")
            try withNode { (node: Node) throws in
                let name = "\(registry.host)/wide:1"
                try node.good("pull", "-q", name)
                // The image has no programs: another container looks at its layer.
                let layer = try #require(
                    try node.good("snapshot", "ls", "--format", "{{.path}}").split(separator: "\n").first.map(String.init))
                let nested = Array(repeating: "n", count: 300).joined(separator: "/")
                let shown = try node.good(
                    "run", "--rm", "-v", "\(layer):/image:ro", tools, "sh", "-c", "ls /image/wide | wc -l; cat /image/\(nested)/end")
                #expect(shown == "50000\nthe end\n")
                let efficiency = try #require(try node.json("image", "efficiency", name) as? [String: Any])
                #expect(efficiency["contentBytes"] as? Int == 50_008)
                // Its own tree as a root file system: what is asked for is not in it.
                #expect(try node.ctr("run", "--rm", name).code == 127)
                try node.good("rmi", name)
                // Gently, so on a busy machine not at once.
                try eventually("the trash becomes less") {
                    try command(["find", node.root + "/trash", "-name", "[0-9]*"]).lines.count < 50_000
                }
                #expect(try node.good("snapshot", "ls", "--format", "{{.kind}}") == "layer\n")
            }
        }
    }

    @Test("L-57: of eight clients whose images share layers four are cancelled at any moment; each layer comes once, the others are whole")
    func sharedPulls() throws {
        for round in 0..<3 {
            try HeldRegistry.with("shared", "8") { registry in
                try withNode { (node: Node) throws in
                    try registry.hold()
                    try registry.drip()
                    let pulls = try (0..<8).map { try node.started("pull", "-q", "\(registry.host)/shared\($0):1") }
                    // Three that all have, and eight that one has each: everybody is at work.
                    try eventually("all layers are asked for") { registry.layerRequests.count == 11 }
                    let leaving = Set((0..<8).shuffled().prefix(4))
                    if round > 0 { try registry.release() }
                    for client in leaving {
                        usleep(UInt32.random(in: 0..<200_000))
                        pulls[client].signal(SIGINT)
                    }
                    if round == 0 { try registry.release() }
                    let codes = try pulls.map { try $0.finish().code }
                    let whole = (0..<8).filter { codes[$0] == 0 }
                    // Who was to be cancelled may have been done before.
                    #expect((0..<8).allSatisfy { codes[$0] == 0 || leaving.contains($0) && codes[$0] == 130 }, "\(leaving): \(codes)")
                    if round == 0 { #expect(whole.count == 4) }
                    #expect(registry.layerRequests.count == 11)
                    #expect(registry.layerRequests.values.allSatisfy { $0 == 1 }, "\(leaving): \(registry.layerRequests)")
                    try expectWhole(node, registry, whole)
                }
            }
        }
    }

    private func expectWhole(_ node: Node, _ registry: HeldRegistry, _ images: [Int]) throws {
        // Who was cancelled in the moment of its commit may have an image all the same.
        let listed = try node.good("images", "--format", "{{index .references 0}}").split(separator: "\n").map(String.init)
        #expect(Set(images.map { "\(registry.host)/shared\($0):1" }).isSubset(of: listed))
        let layers = try node.good("snapshot", "ls", "--format", "{{.path}}").split(separator: "\n").map(String.init)
        #expect(layers.count == 3 + listed.count)
        let contents = try Set(layers.map { Set(try FileManager.default.contentsOfDirectory(atPath: $0)) })
        #expect(contents == [["common0"], ["common1"], ["common2"], ["own", "number"]])
        let numbers = layers.compactMap { try? String(contentsOfFile: $0 + "/number", encoding: .utf8).trimmingCharacters(in: .newlines) }
        #expect(Set(images.map(String.init)).isSubset(of: numbers))
        try eventually("nothing half-made is left") {
            try FileManager.default.contentsOfDirectory(atPath: node.root + "/ingest").isEmpty && node.trash().isEmpty
        }
    }
}
