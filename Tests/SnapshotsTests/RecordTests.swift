// SPDX-License-Identifier: Apache-2.0

import Metadata
import OCI
import SystemPackage
import Testing

@Suite struct RecordTests {
    private func withStore(_ body: (MetadataStore) throws -> Void) throws {
        try withDirectory { root in try body(MetadataStore(path: root.appending("meta.db"))) }
    }

    private func row(_ id: Int64, _ name: String) -> NewLayerRow {
        NewLayerRow(
            id: id, key: .layer(diffID(name)), size: LayerSize(blobDigest: .made("b"), compressedBytes: 5, diskBytes: 4096, inodes: 1))
    }

    private func container(_ id: String, name: String, layers: [Int64]) -> ContainerRecord {
        ContainerRecord(
            id: id, name: name, manifestDigest: Digest.made("m").description, layerIDs: layers, json: Array("{\"é\":1}".utf8),
            createdAt: "2026-01-01T00:00:0\(id.count % 10)Z")
    }

    @Test("an image comes back as it was recorded: repeated layers, fix-up, blobs of its own manifest")
    func imageRoundTrip() throws {
        try withStore { store in
            var recorded = image("a", ["x", "y", "x"], fixup: "f")
            recorded.indexDigest = .made("index")
            let fixup = NewLayerRow(id: 9, key: .fixup(chainID("f")), size: LayerSize(diskBytes: 0, inodes: 0))
            let adopted = try store.record(recorded, newLayers: [row(1, "x"), row(2, "y"), fixup], references: [], blobs: [])
            #expect(adopted == [1, 2, 9])
            var found = try #require(try store.image(manifestDigest: recorded.manifestDigest))
            #expect(found.createdAt.hasSuffix("Z"))
            #expect(found.lastUsedAt >= found.createdAt && !found.isPinned)
            found.createdAt = ""
            found.lastUsedAt = ""
            #expect(found == recorded)
            #expect(try store.images().count == 1)
            #expect(try store.lastLayerID() == 9)
            #expect(
                try store.imagesByLayer() == [1: [recorded.manifestDigest], 2: [recorded.manifestDigest], 9: [recorded.manifestDigest]])
        }
    }

    @Test("a layer that is recorded already is joined: the newcomer's directory is not adopted")
    func joined() throws {
        try withStore { store in
            _ = try store.record(image("a", ["x"]), newLayers: [row(1, "x")], references: [], blobs: [])
            #expect(try store.record(image("b", ["x", "y"]), newLayers: [row(2, "x"), row(3, "y")], references: [], blobs: []) == [3])
            #expect(try store.layers().map(\.id) == [1, 3])
        }
    }

    @Test("an image whose layer is missing is refused whole, and says which")
    func missingLayer() throws {
        try withStore { store in
            let reference = ReferenceRecord(
                name: "docker.io/library/a:1", manifestDigest: image("a", []).manifestDigest, resolvedDigest: .made("r"))
            #expect(throws: MetadataError.layersMissing([.layer(diffID("y"))])) {
                try store.record(image("a", ["x", "y"]), newLayers: [row(1, "x")], references: [reference], blobs: [])
            }
            let left = (try store.layers().count, try store.images().count, try store.references().count)
            #expect(left == (0, 0, 0))
        }
    }

    @Test("references move, are found by name and by image, and go with their image")
    func references() throws {
        try withStore { store in
            let (a, b) = (image("a", ["x"]), image("b", ["x"]))
            let one = ReferenceRecord(name: "docker.io/library/app:1", manifestDigest: a.manifestDigest, resolvedDigest: .made("index"))
            _ = try store.record(a, newLayers: [row(1, "x")], references: [one], blobs: [])
            _ = try store.record(b, newLayers: [], references: [], blobs: [])
            var moved = one
            moved.manifestDigest = b.manifestDigest
            try store.set(references: [moved])
            #expect(try store.reference(one.name)?.manifestDigest == b.manifestDigest)
            #expect(try store.references(to: a.manifestDigest).isEmpty)
            moved.manifestDigest = .made("unknown")
            #expect(throws: MetadataError.noSuchImage(.made("unknown"))) { try store.set(references: [moved]) }
            #expect(try store.delete(image: b.manifestDigest) == [one.name])
            #expect(try store.references().isEmpty)
            #expect(try store.delete(references: [one.name]) == [])
            #expect(throws: MetadataError.noSuchImage(b.manifestDigest)) { try store.delete(image: b.manifestDigest) }
        }
    }

    @Test("images are found by the beginning of their config, manifest or index digest", arguments: ["config a", "manifest a", "index a"])
    func prefix(of document: String) throws {
        try withStore { store in
            var recorded = image("a", ["x"])
            recorded.indexDigest = .made("index a")
            _ = try store.record(recorded, newLayers: [row(1, "x")], references: [], blobs: [])
            _ = try store.record(image("b", ["x"]), newLayers: [], references: [], blobs: [])
            let hex = Digest.made(document).hex
            for length in [12, 63, 64] {
                #expect(try store.images(hexPrefix: String(hex.prefix(length))).map(\.manifestDigest) == [recorded.manifestDigest])
            }
            for other in ["", "%", "_", "sha256:", hex + "0", hex.uppercased() + "g", "' OR 1 --"] {
                #expect(try store.images(hexPrefix: other).isEmpty, "\(other)")
            }
        }
    }

    @Test("a container comes back as it was recorded, and its row is changed and removed by id")
    func containers() throws {
        try withStore { store in
            _ = try store.record(image("a", ["x", "y"]), newLayers: [row(1, "x"), row(2, "y")], references: [], blobs: [])
            let first = container("a", name: "one", layers: [2, 1])
            try store.insert(container: first)
            try store.insert(container: container("bb", name: "two", layers: []))
            #expect(try store.container("a") == first)
            #expect(try store.containers().map(\.id) == ["a", "bb"])
            #expect(try store.containersByLayer() == [1: ["a"], 2: ["a"]])
            #expect(try store.containers(ofImage: Digest.made("m").description) == ["a", "bb"])
            try store.update(container: "a", json: Array("{}".utf8))
            #expect(try store.container("a")?.json == Array("{}".utf8))
            #expect(throws: MetadataError.noSuchContainer("c")) { try store.update(container: "c", json: []) }
            try store.delete(container: "a")
            try store.delete(container: "a")
            #expect(try store.container("a") == nil)
        }
    }

    @Test("a container's name is taken once")
    func nameTaken() throws {
        try withStore { store in
            try store.insert(container: container("a", name: "one", layers: []))
            #expect(throws: MetadataError.containerNameInUse("one")) {
                try store.insert(container: container("b", name: "one", layers: []))
            }
            #expect(try store.containers().map(\.id) == ["a"])
        }
    }

    @Test("a container whose layers were removed meanwhile is refused")
    func layersGone() throws {
        try withStore { store in
            #expect(throws: MetadataError.containerLayersGone(id: "a")) {
                try store.insert(container: container("a", name: "a", layers: [7]))
            }
            let recorded = try store.containers()
            #expect(recorded.isEmpty)
        }
    }

    @Test("layers go when no image, no fix-up's image, no container and no lease holds them")
    func holders() throws {
        try withStore { store in
            let fixup = NewLayerRow(id: 4, key: .fixup(chainID("f")), size: LayerSize(diskBytes: 0, inodes: 0))
            let a = image("a", ["x", "y", "z"], fixup: "f")
            _ = try store.record(a, newLayers: [row(1, "x"), row(2, "y"), row(3, "z"), fixup], references: [], blobs: [])
            func removed() throws -> [Int64] { try store.removeUnreferencedLayers { _ in }.map(\.id) }
            #expect(try removed() == [])
            try store.insert(container: container("a", name: "a", layers: [4, 1]))
            let lease = store.lease()
            #expect(try store.claim(layer: .layer(diffID("y")), for: lease)?.id == 2)
            #expect(try store.claim(layer: .layer(diffID("other")), for: lease) == nil)
            _ = try store.delete(image: a.manifestDigest)
            #expect(try removed() == [3])
            try store.delete(container: "a")
            #expect(try removed() == [1, 4])
            lease.release()
            lease.release()
            #expect(try removed() == [2])
            #expect(try store.lastLayerID() == 4, "ids are never used again")
        }
    }

    @Test("a claim by two leases ends with the second")
    func twoLeases() throws {
        try withStore { store in
            _ = try store.record(image("a", ["x"]), newLayers: [row(1, "x")], references: [], blobs: [])
            let first = store.lease()
            var second: Lease? = store.lease()
            for lease in [first, second] { _ = try lease.map { try store.claim(layer: .layer(diffID("x")), for: $0) } }
            _ = try store.claim(layer: .layer(diffID("x")), for: first)
            _ = try store.delete(image: image("a", []).manifestDigest)
            first.release()
            #expect(try store.removeUnreferencedLayers { _ in }.isEmpty)
            #expect(second != nil)
            second = nil
            #expect(try store.removeUnreferencedLayers { _ in }.count == 1)
        }
    }
}
