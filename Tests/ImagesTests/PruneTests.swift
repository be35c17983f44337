// SPDX-License-Identifier: Apache-2.0

import APITypes
import ContentStore
import Images
import Linux
import Metadata
import OCI
import RegistryFixtures
import Snapshots
import SystemPackage
import TestSupport
import Testing

@Suite(.asRoot, .serialized) struct PruneTests {
    private let shared = MadeTar.layer("a", "shared")
    private let images: [MadeImage]

    init() {
        let shared = shared
        images = ["1", "2", "3"].map { name in
            var tar = MadeTar()
            for index in 0..<20 { tar.add("files/\(name)-\(index)", Array(repeating: UInt8(index), count: 3000 * index)) }
            tar.add("linked", [], kind: .hardLink, link: "files/\(name)-3")
            return MadeImage(layers: [shared, tar.bytes])
        }
    }

    /// What du(1) counts below the directories that a prune takes from, after the trash is empty.
    private func used(_ node: ImageNode) throws -> TreeUsage {
        node.snapshots.emptyTrash()
        #expect(try node.names("trash") == [])
        let directories = ["layers", "content"].map { node.root.appending($0).string }
        func count(_ flag: String) throws -> Int64 {
            try command(["du", "-s", "-c", flag] + directories).lines.last.flatMap { Int64($0.prefix { $0.isNumber }) } ?? -1
        }
        return TreeUsage(bytes: try count("-B1"), inodes: try count("--inodes"))
    }

    @Test("a dry run predicts bytes and inodes to the last one, and the prune frees just these", arguments: [false, true])
    func exact(keepBlobs: Bool) async throws {
        try await ImageNode.with(ImageConfiguration(keepBlobs: keepBlobs)) { node in
            try await ScriptedRegistry.serve({ images[Int($0.path.split(separator: "/")[2].suffix(1))! - 1].answer($0) }) { registry in
                for number in 1...3 { try await node.pull("\(registry.host)/team/app\(number):1") }
            }
            _ = try node.images.pin(digest(of: images[1].config).hex, true)
            let before = try used(node)
            let predicted = try node.images.predictPrune(PruneSelection())
            #expect(predicted.images.map(\.record.manifestDigest) == [images[0], images[2]].map(\.manifestDigest))
            #expect(try used(node) == before && node.images.images().count == 3)
            let pruned = try node.images.prune(PruneSelection())
            let after = try used(node)
            #expect(pruned.freed == predicted.freed)
            #expect(predicted.freed == TreeUsage(bytes: before.bytes - after.bytes, inodes: before.inodes - after.inodes))
            #expect(predicted.freed.inodes > 40)
            #expect(pruned.blobs.count == (keepBlobs ? 6 : 4))
            #expect(try node.holds(shared) && node.holds(images[1].layers[1]))
            _ = try node.images.pin(digest(of: images[1].config).hex, false)
            _ = try node.images.prune(PruneSelection())
            try node.expectNothing()
        }
    }

    @Test("dangling is what lost its last name to another image")
    func dangling() async throws {
        try await ImageNode.with { node in
            _ = try await node.load(Archive.layout([(images[0], "test/one:1")]))
            _ = try await node.load(Archive.layout([(images[1], "test/one:1"), (images[2], "test/two:1")]))
            var selection = PruneSelection()
            selection.danglingOnly = true
            let pruned = try node.images.prune(selection)
            #expect(pruned.images.map(\.record.manifestDigest) == [images[0].manifestDigest])
            #expect(pruned.images.map(\.names) == [[]])
            #expect(try node.images.images().count == 2)
            #expect(try node.images.prune(PruneSelection()).images.map(\.names) == [["docker.io/test/one:1"], ["docker.io/test/two:1"]])
        }
    }

    @Test("a pinned image is not removed, unless it is forced")
    func pinned() async throws {
        try await ImageNode.with { node in
            _ = try await node.load(Archive.layout([(images[0], "test/one:1"), (images[0], "test/one:2")]))
            #expect(try node.images.pin("test/one:1", true).map(\.isPinned) == [true])
            // One of two names is no removal.
            #expect(try node.images.remove("test/one:2", force: false).untagged == ["docker.io/test/one:2"])
            let error = await failure { try node.images.remove("test/one:1", force: false) }
            guard case .pinned = error else { return unexpected(error) }
            #expect(try node.images.prune(PruneSelection()).images.isEmpty)
            _ = try node.images.remove("test/one:1", force: true)
            try node.expectNothing()
        }
    }

    @Test("what a pull under way relies on survives a prune, and the image comes to be")
    func whilePulling() async throws {
        let (image, gate) = (images[1], Gate())
        try await ScriptedRegistry.serve({ request in
            guard request.path.hasSuffix(digest(of: image.layers[1]).hex) else { return image.answer(request) }
            return Answer(steps: [.wait { await gate.pass() }] + Answer.ok(image.layers[1]).steps)
        }) { registry in
            try await ImageNode.with { node in
                _ = try await node.load(Archive.layout([(images[0], "test/one:1")]))
                let events = Events()
                let pulling = Task { try await node.pull("\(registry.host)/team/app:1", events: events) }
                await events.wait(for: .waiting)
                #expect(try node.images.prune(PruneSelection()).layers.map(\.key) == [.layer(DiffID(digest(of: images[0].layers[1])))])
                gate.open()
                _ = try await pulling.value
                #expect(try node.read(shared, "a") == "shared")
                #expect(try node.names("layers").count == 2)
            }
        }
    }
}
