// SPDX-License-Identifier: Apache-2.0

import APITypes
import Images
import Metadata
import OCI
import RegistryFixtures
import Snapshots
import Testing

@Suite(.asRoot, .serialized) struct RemoveTests {
    private let shared = MadeTar.layer("a", "shared")
    private let images: [MadeImage]

    init() {
        let shared = shared
        images = ["1", "2"].map { MadeImage(layers: [shared, MadeTar.layer("b", $0)]) }
    }

    private func load(_ node: ImageNode, _ images: [(image: MadeImage, name: String?)]) async throws {
        _ = try await node.load(Archive.layout(images))
    }

    @Test("layers that another image has stay, the others go")
    func sharedLayers() async throws {
        try await ImageNode.with { node in
            try await load(node, [(images[0], "test/one:1"), (images[1], "test/two:1")])
            #expect(try node.names("layers").count == 3)
            let removed = try node.images.remove("test/one:1", force: false)
            #expect(removed.untagged == ["docker.io/test/one:1"])
            #expect(removed.deleted.contains(digest(of: images[0].layers[1]).description))
            #expect(!removed.deleted.contains(digest(of: shared).description))
            #expect(removed.freedBytes > 0)
            #expect(try node.holds(shared) && node.holds(images[1].layers[1]))
            #expect(try !node.holds(images[0].layers[1]))
            _ = try node.images.remove("test/two:1", force: false)
            try node.expectNothing()
        }
    }

    @Test("one of two names takes only itself away; the image goes with the last, or by its ID with both", arguments: [true, false])
    func names(byID: Bool) async throws {
        try await ImageNode.with { node in
            try await load(node, [(images[0], "test/one:1"), (images[0], "test/one:2")])
            if byID {
                let removed = try node.images.remove(digest(of: images[0].config).hex, force: false)
                #expect(removed.untagged == ["docker.io/test/one:1", "docker.io/test/one:2"])
            } else {
                let removed = try node.images.remove("test/one:1", force: false)
                #expect(removed.untagged == ["docker.io/test/one:1"] && removed.deleted.isEmpty && removed.freedBytes == 0)
                #expect(try node.images.find("test/one:2", platform: nil).image.manifestDigest == images[0].manifestDigest)
                _ = try node.images.remove("test/one:2", force: false)
            }
            try node.expectNothing()
        }
    }

    @Test(
        "the name of an index takes all its images with it, also where the node's own platform is not among them", arguments: [true, false])
    func index(withOwn: Bool) async throws {
        let host = Platform.host.architecture
        let other = host == "amd64" ? "arm64" : "amd64"
        let images = [host, other].map { MadeImage(layers: [MadeTar.layer("a", $0)], architecture: $0) }
        let index = MadeImage.index([(host, images[0].manifest), (other, images[1].manifest)])
        try await ScriptedRegistry.serve({ request in
            if request.path.hasSuffix("/1") { return .manifest(index, type: MadeImage.indexType) }
            let isFirst = (images[0].layers + [images[0].config, images[0].manifest]).contains {
                request.path.hasSuffix(digest(of: $0).hex)
            }
            return images[isFirst ? 0 : 1].answer(request)
        }) { registry in
            try await ImageNode.with { node in
                for architecture in withOwn ? [host, other] : [other] {
                    try await node.pull("\(registry.host)/team/app:1", platform: "linux/\(architecture)")
                }
                #expect(try node.images.images().count == (withOwn ? 2 : 1))
                let removed = try node.images.remove("\(registry.host)/team/app:1", force: false)
                #expect(removed.untagged == ["\(registry.host)/team/app:1"])
                try node.expectNothing()
            }
        }
    }

    @Test("an image that a container uses is not removed, unless it is forced; the container keeps its layers")
    func inUse() async throws {
        try await ImageNode.with { node in
            try await load(node, [(images[0], "test/one:1")])
            let stack = try images[0].layers.map { layer in try #require(try node.snapshots.committed(DiffID(digest(of: layer)))).id }
            try node.metadata.insert(
                container: ContainerRecord(
                    id: "0123456789abcdef", name: "keeper", manifestDigest: images[0].manifestDigest.description, layerIDs: stack,
                    json: Array("{}".utf8), createdAt: "2026-01-01T00:00:00Z"))
            let error = await failure { try node.images.remove("test/one:1", force: false) }
            guard case .inUse(_, let containers) = error else { return unexpected(error) }
            #expect(containers == ["0123456789ab"])
            #expect(try node.images.find("test/one:1", platform: nil).image.manifestDigest == images[0].manifestDigest)
            _ = try node.images.remove("test/one:1", force: true)
            #expect(try node.images.images().isEmpty)
            #expect(try images[0].layers.allSatisfy { try node.holds($0) })
            try node.metadata.delete(container: "0123456789abcdef")
            _ = try node.snapshots.removeUnreferencedLayers()
            try node.expectNothing()
        }
    }

    @Test("what a pull under way relies on stays, though its image is removed meanwhile")
    func whilePulling() async throws {
        let image = images[1]
        let gate = Gate()
        try await ScriptedRegistry.serve({ request in
            guard request.path.hasSuffix(digest(of: image.layers[1]).hex) else { return image.answer(request) }
            return Answer(steps: [.wait { await gate.pass() }] + Answer.ok(image.layers[1]).steps)
        }) { registry in
            try await ImageNode.with { node in
                try await load(node, [(images[0], "test/one:1")])
                let events = Events()
                let pulling = Task { try await node.pull("\(registry.host)/team/app:1", events: events) }
                await events.wait(for: .waiting)
                _ = try node.images.remove("test/one:1", force: false)
                gate.open()
                _ = try await pulling.value
                #expect(try node.read(shared, "a") == "shared")
                #expect(try node.names("layers").count == 2)
            }
        }
    }

    @Test(
        "what is not here is said to be not here",
        arguments: ["test/none:1", "0123456789ab", "sha256:\(String(repeating: "0", count: 64))"])
    func missing(name: String) async throws {
        try await ImageNode.with { node in
            let error = await failure { try node.images.remove(name, force: true) }
            guard case .notFound = error else { return unexpected(error) }
        }
    }
}
