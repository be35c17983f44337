// SPDX-License-Identifier: Apache-2.0

import ContentStore
import Images
import Metadata
import OCI
import RegistryFixtures
import Testing

@Suite(.asRoot, .serialized) struct KeepBlobsTests {
    private let shared = MadeTar.layer("a", "shared")
    private let images: [MadeImage]

    init() {
        let shared = shared
        images = ["1", "2"].map { MadeImage(layers: [shared, MadeTar.layer("b", $0)]) }
    }

    private func serve(keepBlobs: Bool, _ body: (ScriptedRegistry, ImageNode) async throws -> Void) async throws {
        let images = images
        try await ScriptedRegistry.serve({ ($0.path.contains("/one/") ? images[0] : images[1]).answer($0) }) { registry in
            try await ImageNode.with(ImageConfiguration(keepBlobs: keepBlobs)) { node in try await body(registry, node) }
        }
    }

    private func hexes(_ blobs: [[UInt8]]) -> [String] { Set(blobs.map { digest(of: $0).hex }).sorted() }

    @Test("without keep-blobs only the documents stay")
    func dropped() async throws {
        try await serve(keepBlobs: false) { registry, node in
            try await node.pull("\(registry.host)/one/app:1")
            #expect(try node.names("content/blobs/sha256") == hexes([images[0].config, images[0].manifest]))
            #expect(try node.names("ingest") == [])
        }
    }

    @Test("with keep-blobs the layers stay too, whole, and go with the last image that has them")
    func kept() async throws {
        try await serve(keepBlobs: true) { registry, node in
            try await node.pull("\(registry.host)/one/app:1")
            try await node.pull("\(registry.host)/two/app:1")
            let (one, two) = (images[0], images[1])
            #expect(
                try node.names("content/blobs/sha256")
                    == hexes(one.layers + two.layers + [one.config, one.manifest, two.config, two.manifest]))
            for layer in one.layers + two.layers { #expect(try node.content.get(digest(of: layer), limit: 1 << 20) == layer) }
            #expect(registry.requests.filter { $0.path.hasSuffix(digest(of: shared).hex) }.count == 1)
            _ = try node.images.remove("\(registry.host)/one/app:1", force: false)
            #expect(try node.names("content/blobs/sha256") == hexes(two.layers + [two.config, two.manifest]))
            _ = try node.images.remove("\(registry.host)/two/app:1", force: false)
            try node.expectNothing()
        }
    }

    @Test("a kept blob is in place after a restart, and one of no image is not")
    func restart() async throws {
        try await serve(keepBlobs: true) { registry, node in
            try await node.pull("\(registry.host)/one/app:1")
            let lease = node.metadata.lease()
            try node.content.put(Array("stray".utf8), as: digest(of: Array("stray".utf8)), mediaType: "text/plain", for: lease)
            lease.release()
            let again = try ContentStore(root: node.root, metadata: node.metadata)
            #expect(try again.get(digest(of: shared), limit: 1 << 20) == shared)
            #expect(try node.names("content/blobs/sha256").count == 4)
        }
    }

    @Test("a layer that lies, or is cut, leaves no blob", arguments: [true, false])
    func refused(lies: Bool) async throws {
        let image = images[0]
        let other = MadeTar.layer("b", "3")
        try await ScriptedRegistry.serve({ request in
            guard request.path.hasSuffix(digest(of: image.layers[1]).hex) else { return image.answer(request) }
            return lies ? .ok(other) : .ok(Array(image.layers[1].dropLast(512)))
        }) { registry in
            try await ImageNode.with(ImageConfiguration(keepBlobs: true)) { node in
                let error = await failure { try await node.pull("\(registry.host)/one/app:1") }
                guard case .layer = error else { return unexpected(error) }
                try node.expectNothing()
            }
        }
    }
}
