// SPDX-License-Identifier: Apache-2.0

import ContentStore
import Images
import Metadata
import OCI
import Registry
import RegistryFixtures
import Testing

/// R-13: what an index says of its entries must be so.
@Suite(.asRoot, .serialized) struct IndexTests {
    private let image = MadeImage(layers: [MadeTar.layer("a", "1")])

    /// A registry that has these documents, the first by its tag.
    private func serve(_ documents: [[UInt8]], _ body: (ScriptedRegistry, ImageNode) async throws -> Void) async throws {
        let image = image
        try await ScriptedRegistry.serve({ request in
            guard request.path.contains("/manifests/") else { return image.answer(request) }
            let asked = request.path.hasSuffix("/1") ? documents[0] : documents.first { request.path.hasSuffix(digest(of: $0).hex) }
            guard let asked else { return .notFound() }
            let isIndex = String(decoding: asked, as: UTF8.self).contains("\"manifests\":")
            return .manifest(asked, type: isIndex ? MadeImage.indexType : MadeImage.manifestType)
        }) { registry in
            try await ImageNode.with { node in try await body(registry, node) }
        }
    }

    private func index(_ entries: String...) -> [UInt8] {
        Array("{\"schemaVersion\":2,\"mediaType\":\"\(MadeImage.indexType)\",\"manifests\":[\(entries.joined(separator: ","))]}".utf8)
    }

    private func entry(
        _ document: [UInt8], type: String = MadeImage.manifestType, size: Int? = nil, platform: String? = nil, more: String = ""
    ) -> String {
        let platform = platform ?? "{\"os\":\"linux\",\"architecture\":\"\(Platform.host.architecture)\"}"
        return """
            {"mediaType":"\(type)","digest":"\(digest(of: document))","size":\(size ?? document.count),"platform":\(platform)\(more)}
            """
    }

    @Test("the manifest that an index names is taken, also through two indexes, and the index is kept with it", arguments: 1...3)
    func nested(depth: Int) async throws {
        var documents = [image.manifest]
        for level in 0..<depth {
            documents.insert(index(entry(documents[0], type: level == 0 ? MadeImage.manifestType : MadeImage.indexType)), at: 0)
        }
        try await serve(documents) { registry, node in
            let record = try await node.pull("\(registry.host)/team/app:1")
            #expect(record.manifestDigest == image.manifestDigest)
            #expect(record.indexDigest == digest(of: documents[0]))
            let kept = try node.content.get(digest(of: documents[0]), limit: 1 << 20)
            #expect(kept == documents[0])
            let byIndex = try node.images.find("\(registry.host)/team/app:1", platform: nil)
            #expect(byIndex.resolvedDigest == digest(of: documents[0]))
        }
    }

    @Test("indexes that are nested too deep are refused")
    func tooDeep() async throws {
        var documents = [image.manifest]
        for level in 0..<5 {
            documents.insert(index(entry(documents[0], type: level == 0 ? MadeImage.manifestType : MadeImage.indexType)), at: 0)
        }
        try await serve(documents) { registry, node in
            let error = await failure { try await node.pull("\(registry.host)/team/app:1") }
            guard case .document(_, .unsupported) = error else { return unexpected(error) }
            try node.expectNothing()
        }
    }

    @Test("an entry whose type, size or digest is not its document's is refused", arguments: 0..<4)
    func lies(kind: Int) async throws {
        let entry =
            switch kind {
            case 0: entry(image.manifest, type: MadeImage.indexType)
            case 1: entry(image.manifest, type: "application/vnd.docker.distribution.manifest.v2+json")
            case 2: entry(image.manifest, size: image.manifest.count + 1)
            default: entry(image.manifest, size: 1)
            }
        try await serve([index(entry), image.manifest]) { registry, node in
            let error = await failure { try await node.pull("\(registry.host)/team/app:1") }
            guard case .document = error else { return unexpected(error) }
            #expect(registry.requests.allSatisfy { !$0.path.contains("/blobs/") })
            try node.expectNothing()
        }
    }

    @Test("another manifest than the one that an index names is refused, and so is an entry that can't be checked")
    func otherManifest() async throws {
        let (image, other) = (image, MadeImage(layers: [MadeTar.layer("a", "2")]))
        let sha512 = "{\"mediaType\":\"\(MadeImage.manifestType)\",\"digest\":\"sha512:\(String(repeating: "a", count: 128))\",\"size\":2}"
        for index in [index(entry(image.manifest)), index(sha512)] {
            try await ScriptedRegistry.serve({ request in
                if request.path.hasSuffix("/1") { return .manifest(index, type: MadeImage.indexType) }
                return request.path.contains("/manifests/") ? .manifest(other.manifest) : other.answer(request)
            }) { registry in
                try await ImageNode.with { node in
                    let error = await failure { try await node.pull("\(registry.host)/team/app:1") }
                    switch error {
                    case .registry(.wrongDigest), .registry(.badAnswer): break
                    default: unexpected(error)
                    }
                    try node.expectNothing()
                }
            }
        }
    }

    @Test("attestations, artifacts and platforms without a name are never chosen")
    func neverChosen() async throws {
        let unknown = "{\"os\":\"unknown\",\"architecture\":\"unknown\"}"
        let attestation = ",\"annotations\":{\"vnd.docker.reference.type\":\"attestation-manifest\"}"
        let index = index(
            entry(image.manifest, platform: unknown), entry(image.manifest, more: attestation),
            entry(image.manifest, more: ",\"artifactType\":\"a/b\""), entry(image.manifest, type: "application/x-thing"))
        try await serve([index, image.manifest]) { registry, node in
            let error = await failure { try await node.pull("\(registry.host)/team/app:1") }
            guard case .noMatchingPlatform(let missing) = error else { return unexpected(error) }
            #expect(missing.offered.isEmpty)
            try node.expectNothing()
        }
    }
}
