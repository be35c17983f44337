// SPDX-License-Identifier: Apache-2.0

import Images
import Layers
import Linux
import Metadata
import OCI
import RegistryFixtures
import Snapshots
import SystemPackage
import Testing

@Suite(.asRoot, .serialized) struct WasteTests {
    private let image = MadeImage(layers: [MadeTar.layer("a", "12345"), MadeTar.layer("a", "123"), MadeTar.layer("b", "12")])

    private func load(_ node: ImageNode) async throws -> ImageRecord {
        _ = try await node.load(Archive.layout([(image, "test/one:1")]))
        return try node.images.find("test/one:1", platform: nil).image
    }

    @Test("what an image wastes is counted once, and remembered as long as the image")
    func remembered() async throws {
        try await ImageNode.with { node in
            let stored = try await load(node)
            // As after an upgrade: the layers are there, and nobody has counted.
            #expect(try node.metadata.waste(of: stored.manifestDigest) == nil)
            let waste = try await node.images.waste(of: stored)
            #expect((waste.bytes, waste.wastedBytes) == (10, 5))
            #expect(waste.layers.map { $0?.wastedBytes } == [5, 0, 0])
            // The layers are not read again.
            let layer = try #require(try node.snapshots.committed(DiffID(digest(of: image.layers[0]))))
            try unlinkFile(node.snapshots.filesystem(of: layer).appending("a"))
            #expect(try await node.images.waste(of: stored) == waste)
            _ = try node.images.remove("test/one:1", force: false)
            #expect(try node.metadata.waste(of: stored.manifestDigest) == nil)
            try node.expectNothing()
        }
    }

    @Test("a report of another form is made anew")
    func otherForm() async throws {
        try await ImageNode.with { node in
            let stored = try await load(node)
            try node.metadata.set(waste: Array(#"{"layers":7}"#.utf8), of: stored.manifestDigest)
            #expect(try await node.images.waste(of: stored).wastedBytes == 5)
        }
    }

    @Test("many who ask at once get one answer, and an image that goes meanwhile is an error")
    func together() async throws {
        try await ImageNode.with { node in
            let stored = try await load(node)
            let answers = try await withThrowingTaskGroup(of: StackWaste.self) { group in
                for _ in 0..<16 { group.addTask { try await node.images.waste(of: stored) } }
                return try await group.reduce(into: Set<StackWaste>()) { $0.insert($1) }
            }
            #expect(answers.count == 1)
            _ = try node.images.remove("test/one:1", force: false)
            let error = await failure { try await node.images.waste(of: stored) }
            guard case .metadata(.layersMissing) = error else { return unexpected(error) }
        }
    }
}
