// SPDX-License-Identifier: Apache-2.0

import APITypes
import Foundation
import Images
import Layers
import Metadata
import OCI
import RegistryFixtures
import Testing

@Suite(.asRoot, .serialized) struct LoadTests {
    private let image = MadeImage(layers: [MadeTar.layer("a", "1"), MadeTar.layer("b", "2")])

    private func expectLoaded(_ node: ImageNode, _ location: SourceLocation = #_sourceLocation) throws {
        #expect(try node.read(image.layers[0], "a") == "1", sourceLocation: location)
        #expect(try node.read(image.layers[1], "b") == "2", sourceLocation: location)
        #expect(try node.names("ingest") == [], sourceLocation: location)
    }

    @Test("an OCI layout loads, wherever its members lie, and however it is packed", arguments: ["cat", "gzip", "zstd"], ["", "./", "/"])
    func layout(packer: String, directory: String) async throws {
        let archive = try Archive.filtered(
            Archive.layout([(image, "docker.io/test/app:1")], in: directory), by: packer, "-")
        try await ImageNode.with { node in
            let loaded = try await node.load(archive)
            #expect(loaded.map(\.manifestDigest) == [image.manifestDigest])
            try expectLoaded(node)
            let found = try node.images.find("test/app:1", platform: nil)
            #expect(found.image.manifestDigest == image.manifestDigest)
        }
    }

    @Test("what docker save writes loads, under each of its names")
    func docker() async throws {
        try await ImageNode.with { node in
            let loaded = try await node.load(Archive.docker(image, tags: ["test/saved:1", "localhost:5000/other:x"]))
            #expect(loaded.first?.configDigest == digest(of: image.config))
            try expectLoaded(node)
            for name in ["test/saved:1", "localhost:5000/other:x"] {
                #expect(try node.images.find(name, platform: nil).image.manifestDigest == loaded.first?.manifestDigest)
            }
        }
    }

    @Test("what skopeo writes loads, and a layout's directory in a tar", arguments: ["docker-archive", "oci-archive", "tar"])
    func tools(format: String) async throws {
        let directory = "/tmp/ctr-swift-skopeo-\(UInt64.random(in: 0 ... .max))"
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try image.writeLayout(directory + "/layout")
        if format == "tar" {
            _ = try Archive.filtered([], by: "tar", "-C", "\(directory)/layout", "-cf", "\(directory)/archive", ".")
        } else {
            let target = "\(format):\(directory)/archive:test/saved:1"
            _ = try Archive.filtered([], by: "skopeo", "copy", "--quiet", "oci:\(directory)/layout", target)
        }
        let archive = Array(try Data(contentsOf: URL(filePath: directory + "/archive")))
        try await ImageNode.with { node in
            let loaded = try await node.load(archive)
            #expect(loaded.count == 1)
            try expectLoaded(node)
            if format == "docker-archive" { _ = try node.images.find("test/saved:1", platform: nil) }
        }
    }

    @Test(
        "layers of docker save that are links to each other are followed within the archive", arguments: [MadeTar.Kind.symlink, .hardLink])
    func linkedLayer(kind: MadeTar.Kind) async throws {
        let layer = image.layers[0]
        let twice = MadeImage(layers: [layer, image.layers[1], layer])
        var tar = MadeTar()
        for (name, content) in Archive.dockerMembers(twice) where name != "2/layer.tar" { tar.add(name, content) }
        tar.add("2/layer.tar", kind: kind, link: kind == .symlink ? "../0/layer.tar" : "0/layer.tar")
        try await ImageNode.with { node in
            let loaded = try await node.load(tar.bytes)
            #expect(loaded.first?.layers.count == 3)
            try expectLoaded(node)
        }
    }

    @Test("a second load finds the layers here; so does a load of what was pulled")
    func twice() async throws {
        try await ImageNode.with { node in
            _ = try await node.load(Archive.layout([(image, "docker.io/test/app:1")]))
            for archive in [Archive.layout([(image, nil)]), Archive.docker(image)] {
                let events = Events()
                _ = try await node.load(archive, events: events)
                for layer in image.layers { #expect(events.statuses(of: layer) == [.exists]) }
            }
            #expect(try node.names("layers").count == 2)
        }
    }

    @Test("several images of one archive load; where a later one is bad, the earlier ones stay")
    func several() async throws {
        let other = MadeImage(layers: [image.layers[0], MadeTar.layer("c", "3")])
        try await ImageNode.with { node in
            let loaded = try await node.load(Archive.layout([(image, "test/one:1"), (other, "test/two:1")]))
            #expect(loaded.map(\.manifestDigest) == [image.manifestDigest, other.manifestDigest])
        }
        let bad = MadeImage(layers: [MadeTar.layer("c", "3")], diffIDs: [digest(of: [])])
        try await ImageNode.with { node in
            let error = await failure { try await node.load(Archive.layout([(image, "test/one:1"), (bad, "test/two:1")])) }
            guard case .layer(_, .wrongDiffID) = error else { return unexpected(error) }
            let stored = try node.images.images()
            #expect(stored.map(\.manifestDigest) == [image.manifestDigest])
            #expect(try node.images.references().map(\.name) == ["docker.io/test/one:1"])
            #expect(try node.names("layers").count == 2)
        }
    }

    @Test("an index in a layout gives the node's platform")
    func platforms() async throws {
        let other = MadeImage(layers: [MadeTar.layer("c", "3")], architecture: "s390x")
        let index = MadeImage.index([("s390x", other.manifest), (Platform.host.architecture, image.manifest)])
        let entry = """
            {"schemaVersion":2,"manifests":[{"mediaType":"\(MadeImage.indexType)","digest":"\(digest(of: index))","size":\(index.count)}]}
            """
        let archive = Archive.tar(
            [Archive.layoutFile, ("index.json", Array(entry.utf8)), Archive.blob(index)] + Archive.blobs(image) + Archive.blobs(other))
        try await ImageNode.with { node in
            let loaded = try await node.load(archive)
            #expect(loaded.map(\.manifestDigest) == [image.manifestDigest])
            #expect(loaded.first?.indexDigest == digest(of: index))
            try expectLoaded(node)
        }
    }

    @Test("a load that is cancelled leaves nothing")
    func cancelled() async throws {
        let large = MadeImage(layers: [MadeTar.layer("a", String(repeating: "x", count: 4 << 20))])
        try await ImageNode.with { node in
            let events = Events()
            let task = Task { try await node.load(Archive.layout([(large, nil)]), events: events) }
            await events.wait(for: .waiting)
            task.cancel()
            // It may have been done before; then it is whole.
            if let error = await failure({ try await task.value }) {
                guard case .cancelled = error else { return unexpected(error) }
                try node.expectNothing()
            } else {
                #expect(try node.holds(large.layers[0]))
            }
        }
    }
}
