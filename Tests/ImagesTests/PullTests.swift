// SPDX-License-Identifier: Apache-2.0

import APITypes
import Images
import Metadata
import OCI
import Registry
import RegistryFixtures
import Synchronization
import Testing

@Suite(.asRoot, .serialized) struct PullTests {
    private let image = MadeImage(layers: [MadeTar.layer("a", "lower"), MadeTar.layer("b", "upper")])

    @Test("what Debian's registry has is unpacked, recorded and told")
    func pulls() async throws {
        try await DebianRegistry.serve { registry in
            try registry.push(image, "team/app:1")
            try await ImageNode.with { node in
                let events = Events()
                let record = try await node.pull("\(registry.host)/team/app:1", events: events)
                #expect(record.manifestDigest == image.manifestDigest)
                #expect(record.layers.map(\.blobDigest) == image.layers.map { digest(of: $0) })
                #expect(try node.read(image.layers[0], "a") == "lower")
                #expect(try node.read(image.layers[1], "b") == "upper")
                #expect(events.all.map(\.event).filter { $0 != .layer } == [.resolved, .manifest, .committing])
                #expect(events.statuses(of: image.layers[0]).first == .waiting)
                #expect(events.statuses(of: image.layers[0]).last == .extracted)
                #expect(try node.names("ingest") == [])
                #expect(try node.images.find("\(registry.host)/team/app:1", platform: nil).image == node.images.images().first)
            }
        }
    }

    @Test("a second pull asks for the manifest alone, and says that the layers exist")
    func twice() async throws {
        let image = image
        try await ScriptedRegistry.serve({ image.answer($0) }) { registry in
            try await ImageNode.with { node in
                try await node.pull("\(registry.host)/team/app:1")
                let before = registry.requests.count
                #expect(before == 4)
                let events = Events()
                try await node.pull("\(registry.host)/team/app:1", events: events)
                #expect(registry.requests[before...].map(\.path) == ["/v2/team/app/manifests/1"])
                for layer in image.layers { #expect(events.statuses(of: layer) == [.exists]) }
                // Another name for the same image costs no more.
                try await node.pull("\(registry.host)/team/app@\(image.manifestDigest)")
                #expect(registry.requests.filter { $0.path.contains("/blobs/") }.count == 3)
                #expect(try node.images.references().count == 2)
            }
        }
    }

    @Test("a layer that is listed twice is fetched once")
    func repeatedLayer() async throws {
        let layer = MadeTar.layer("a", "same")
        let image = MadeImage(layers: [layer, MadeTar.layer("b", "other"), layer])
        try await ScriptedRegistry.serve({ image.answer($0) }) { registry in
            try await ImageNode.with { node in
                let record = try await node.pull("\(registry.host)/team/app:1")
                #expect(record.layers.count == 3)
                #expect(registry.requests("/v2/team/app/blobs/\(digest(of: layer))").count == 1)
                #expect(try node.names("layers").count == 2)
            }
        }
    }

    @Test("a tag that was moved gives the new image; the old one stays, by its digest")
    func movedTag() async throws {
        let old = image
        let new = MadeImage(layers: [image.layers[0], MadeTar.layer("b", "newer")])
        let moved = Mutex(false)
        try await ScriptedRegistry.serve({ (moved.withLock { $0 } ? new : old).answer($0) }) { registry in
            try await ImageNode.with { node in
                try await node.pull("\(registry.host)/team/app:1")
                moved.withLock { $0 = true }
                let events = Events()
                try await node.pull("\(registry.host)/team/app:1", events: events)
                #expect(events.statuses(of: image.layers[0]) == [.exists])
                #expect(try node.images.find("\(registry.host)/team/app:1", platform: nil).image.manifestDigest == new.manifestDigest)
                #expect(try node.images.find(old.manifestDigest.hex, platform: nil).image.manifestDigest == old.manifestDigest)
            }
        }
    }

    @Test("of an index the platform's image is taken, else the error lists what there is; R-13")
    func platforms() async throws {
        let images = ["amd64", "arm64"].map { MadeImage(layers: [MadeTar.layer("architecture", $0)], architecture: $0) }
        let index = MadeImage.index([("amd64", images[0].manifest), ("arm64", images[1].manifest)])
        try await ScriptedRegistry.serve({ request in
            if request.path.hasSuffix("/1") { return .manifest(index, type: MadeImage.indexType) }
            return request.path.contains(images[1].manifestDigest.hex) || images[1].answer(request).isFound
                ? images[1].answer(request) : images[0].answer(request)
        }) { registry in
            try await ImageNode.with { node in
                for (architecture, image) in zip(["amd64", "arm64"], images) {
                    let record = try await node.pull("\(registry.host)/team/app:1", platform: "linux/\(architecture)")
                    #expect(record.platform == "linux/\(architecture)")
                    #expect(record.indexDigest == digest(of: index))
                    #expect(try node.read(image.layers[0], "architecture") == architecture)
                }
                let error = await failure { try await node.pull("\(registry.host)/team/app:1", platform: "linux/s390x") }
                guard case .noMatchingPlatform(let missing) = error else { return unexpected(error) }
                #expect(missing.offered.map(\.description) == ["linux/amd64", "linux/arm64"])
                #expect(error?.description.contains("linux/amd64, linux/arm64") == true)
            }
        }
    }

    @Test("an image with more layers than allowed is refused before any blob is fetched", arguments: [3, 127])
    func ceiling(limit: Int) async throws {
        let layer = MadeTar.layer("a", "b")
        let exact = MadeImage(layers: Array(repeating: layer, count: limit))
        let over = MadeImage(layers: Array(repeating: layer, count: limit + 1))
        try await ScriptedRegistry.serve({ ($0.path.contains("/over/") ? over : exact).answer($0) }) { registry in
            try await ImageNode.with(ImageConfiguration(maxLayers: limit)) { node in
                let error = await failure { try await node.pull("\(registry.host)/over/app:1") }
                guard case .tooManyLayers(limit + 1, limit, _) = error else { return unexpected(error) }
                #expect(error?.remedy?.contains("max-layers") == true)
                #expect(registry.requests.count == 1, "the manifest alone was asked for")
                try node.expectNothing()
                let record = try await node.pull("\(registry.host)/exact/app:1")
                #expect(record.layers.count == limit)
            }
        }
    }

    @Test("sizes that no disk has are refused before any layer is fetched", arguments: [[Int.max], [.max, .max], [.max, .max, .max]])
    func absurdSizes(sizes: [Int]) async throws {
        let image = MadeImage(layers: sizes.indices.map { MadeTar.layer("a", "\($0)") }, sizes: sizes)
        try await ScriptedRegistry.serve({ image.answer($0) }) { registry in
            try await ImageNode.with { node in
                let error = await failure { try await node.pull("\(registry.host)/team/app:1") }
                #expect(error?.isOutOfSpace == true, "\(String(describing: error))")
                #expect(registry.requests.count == 2, "manifest and config")
                try node.expectNothing()
            }
        }
    }
}

extension Answer {
    fileprivate var isFound: Bool {
        guard case .send(let head) = steps.first else { return false }
        return head.starts(with: "HTTP/1.1 200".utf8)
    }
}
