// SPDX-License-Identifier: Apache-2.0

import APITypes
import Images
import Layers
import Metadata
import OCI
import Registry
import RegistryFixtures
import Testing

/// L-48, L-54: a layer that is not what its descriptor and config say.
@Suite(.asRoot, .serialized) struct LayerTests {
    private let layers = [MadeTar.layer("a", "1"), MadeTar.layer("b", "2")]

    /// Pulls what must be refused; then the honest image, which must come whole.
    private func refuse(
        _ image: MadeImage, answering answer: @escaping @Sendable (SeenRequest) -> Answer, _ check: (ImageError?) -> Void
    ) async throws {
        let honest = MadeImage(layers: layers)
        try await ScriptedRegistry.serve(answer) { registry in
            try await ImageNode.with { node in
                check(await failure { try await node.pull("\(registry.host)/team/app:1") })
                try node.expectNothing()
                registry.answer { honest.answer($0) }
                try await node.pull("\(registry.host)/team/app:1")
                #expect(try node.read(layers[0], "a") == "1")
                #expect(try node.read(layers[1], "b") == "2")
            }
        }
    }

    @Test("other bytes of the same length are refused with both digests")
    func otherBytes() async throws {
        let image = MadeImage(layers: layers)
        let (expected, other) = (layers[1], MadeTar.layer("b", "3"))
        try await refuse(
            image,
            answering: { request in
                request.path.hasSuffix(digest(of: expected).hex) ? .ok(other) : image.answer(request)
            }
        ) { error in
            guard case .layer(let digest, .wrongDigest(let wanted, let got)) = error else { return unexpected(error) }
            #expect(digest == wanted && wanted == RegistryFixtures.digest(of: expected) && got == RegistryFixtures.digest(of: other))
        }
    }

    @Test("a flipped byte is refused, wherever it is", arguments: [0, 100, 148, 257, 513, 1025, 2047])
    func flippedByte(position: Int) async throws {
        let image = MadeImage(layers: layers)
        let expected = layers[1]
        var flipped = expected
        flipped[position] ^= 1
        let answer = Answer.ok(flipped)
        try await refuse(
            image,
            answering: { request in
                request.path.hasSuffix(digest(of: expected).hex) ? answer : image.answer(request)
            }
        ) { error in
            guard case .layer(_, .wrongDigest) = error else { return unexpected(error) }
        }
    }

    @Test("a descriptor that says another size is refused", arguments: [0, 1, 2047, 2049, 1_000_000])
    func wrongSize(size: Int) async throws {
        let image = MadeImage(layers: layers, sizes: [2048, size])
        try await refuse(image, answering: { image.answer($0) }) { error in
            guard case .layer(_, .wrongSize(Int64(size), _)) = error else { return unexpected(error) }
        }
    }

    @Test("diff IDs that are swapped or made up are refused", arguments: [true, false])
    func wrongDiffID(swapped: Bool) async throws {
        let truth = layers.map { digest(of: $0) }
        let image = MadeImage(layers: layers, diffIDs: swapped ? truth.reversed() : [truth[0], digest(of: [])])
        try await refuse(image, answering: { image.answer($0) }) { error in
            guard case .layer(_, .wrongDiffID) = error else { return unexpected(error) }
        }
    }

    @Test("a diff ID that is stored under another blob does not make that blob good")
    func storedDiffID() async throws {
        // The config says that the second layer is the first's content: it is there already, so its blob isn't even fetched.
        let first = MadeImage(layers: [layers[0]])
        let second = MadeImage(layers: [layers[1]], diffIDs: [digest(of: layers[0])])
        try await ScriptedRegistry.serve({ ($0.path.contains("/one/") ? first : second).answer($0) }) { registry in
            try await ImageNode.with { node in
                try await node.pull("\(registry.host)/one/app:1")
                try await node.pull("\(registry.host)/two/app:1")
                #expect(try node.read(layers[0], "a") == "1")
                #expect(try !node.holds(layers[1]))
            }
        }
    }

    @Test("bytes that are not what the media type says are refused")
    func wrongType() async throws {
        let image = MadeImage(layers: layers, layerType: "application/vnd.oci.image.layer.v1.tar+gzip")
        try await refuse(image, answering: { image.answer($0) }) { error in
            guard case .layer(_, .wrongFormat) = error else { return unexpected(error) }
        }
    }

    @Test("a layer that the registry does not give is its error, with the registry's reason", arguments: [404, 401, 403, 400, 503])
    func notGiven(status: Int) async throws {
        let image = MadeImage(layers: layers)
        let missing = layers[1]
        try await refuse(
            image,
            answering: { request in
                request.path.hasSuffix(digest(of: missing).hex) ? .status(status) : image.answer(request)
            }
        ) { error in
            switch (error, status) {
            case (.registry(.notFound), 404), (.registry(.unauthorized), 401), (.registry(.unauthorized), 403), (.registry(.refused), 400),
                (.registry(.unavailable), 503):
                break
            default: unexpected(error)
            }
        }
    }

    @Test("a layer that breaks off is taken up again, and the pull tells it")
    func resumed() async throws {
        let layer = MadeTar.layer("a", String(repeating: "x", count: 500_000))
        let image = MadeImage(layers: [layer])
        try await ScriptedRegistry.serve({ request in
            guard request.path.hasSuffix(digest(of: layer).hex), request.round == 0 else { return image.answer(request) }
            return .cut(layer, after: 300_000)
        }) { registry in
            try await ImageNode.with { node in
                let events = Events()
                try await node.pull("\(registry.host)/team/app:1", events: events)
                #expect(events.statuses(of: layer).contains(.retrying))
                #expect(events.statuses(of: layer).last == .extracted)
                #expect(try node.read(layer, "a").utf8.count == 500_000)
            }
        }
    }
}
