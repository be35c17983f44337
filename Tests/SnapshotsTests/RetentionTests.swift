// SPDX-License-Identifier: Apache-2.0

import Glibc
import Metadata
import OCI
import Snapshots
import SystemPackage
import Testing

@Suite struct RetentionTests {
    private func withNode(_ body: (Node) throws -> Void) throws { try withDirectory { root in try body(Node(root)) } }

    private func container(_ id: String, of image: ImageRecord, layers: [Int64] = [], json: String = "{}") -> ContainerRecord {
        ContainerRecord(
            id: id, name: id, manifestDigest: image.manifestDigest.description, layerIDs: layers, json: Array(json.utf8),
            createdAt: "2026-01-01T00:00:00Z")
    }

    /// Every use is in a later millisecond than the one before it.
    private func lastUse(_ node: Node, of name: String) throws -> String {
        usleep(2000)
        return try #require(try node.metadata.image(manifestDigest: image(name, []).manifestDigest)).lastUsedAt
    }

    private enum Use: CaseIterable { case pullAgain, create, start, end, removalByEnd }

    @Test(
        "an image is used by a pull, and by a container that is created, is started, ends, or is removed by its end",
        arguments: Use.allCases)
    private func uses(_ use: Use) throws {
        try withNode { node in
            try node.pull("a", ["x"])
            try node.pull("b", ["x"])
            let other = try lastUse(node, of: "b")
            let made = container("c1", of: image("a", []))
            if use != .create { try node.metadata.insert(container: made) }
            let before = try lastUse(node, of: "a")
            switch use {
            case .pullAgain: try node.pull("a", ["x"])
            case .create: try node.metadata.insert(container: made)
            case .start: try node.metadata.noteUse(ofImage: image("a", []).manifestDigest)
            case .end: try node.metadata.update(container: "c1", json: Array("{\"exit\":{}}".utf8))
            case .removalByEnd: try node.metadata.delete(container: "c1")
            }
            #expect(try lastUse(node, of: "a") > before)
            #expect(try lastUse(node, of: "b") == other)
        }
    }

    @Test("to remove a container that ended before is no use of its image")
    func removalAfterEnd() throws {
        try withNode { node in
            try node.pull("a", ["x"])
            try node.metadata.insert(container: container("c1", of: image("a", [])))
            try node.metadata.update(container: "c1", json: Array("{\"exit\":{\"exitCode\":0}}".utf8))
            let before = try lastUse(node, of: "a")
            try node.metadata.delete(container: "c1")
            #expect(try lastUse(node, of: "a") == before)
        }
    }

    @Test("pins survive a restart and another pull; to pin what is not there changes nothing")
    func pins() throws {
        try withDirectory { root in
            let pinned = image("a", []).manifestDigest
            do {
                let node = try Node(root)
                try node.pull("a", ["x"])
                try node.pull("b", ["y"])
                try node.metadata.set(pinned: true, images: [pinned])
                try node.pull("a", ["x"])
                #expect(throws: MetadataError.noSuchImage(.made("none"))) {
                    try node.metadata.set(pinned: false, images: [pinned, .made("none")])
                }
            }
            let node = try Node(root)
            #expect(try node.metadata.images().filter(\.isPinned).map(\.manifestDigest) == [pinned])
            try node.metadata.set(pinned: false, images: [pinned])
            #expect(try node.metadata.images().allSatisfy { !$0.isPinned })
        }
    }

    @Test("a prune takes the longest unused first, and what only they had; a prediction tells the same and changes nothing")
    func order() throws {
        try withNode { node in
            for (name, layers) in [("a", ["x", "y"]), ("b", ["y", "z"]), ("c", ["w"])] {
                try node.pull(name, layers)
                usleep(2000)
            }
            try node.pull("a", ["x", "y"])
            var selection = PruneSelection()
            selection.limit = 2
            let predicted = try node.metadata.predict(selection)
            try node.expectConsistent("a prediction", layers: ["x", "y", "z", "w"])
            #expect(predicted.images.map(\.manifestDigest) == ["b", "c"].map { image($0, []).manifestDigest })
            #expect(predicted.steps.map { $0.layers.map(\.key) } == [[.layer(diffID("z"))], [.layer(diffID("w"))]])
            let pruned = try node.metadata.prune(selection) { node.snapshots.discard($0.layers) }
            #expect(pruned == predicted)
            try node.expectConsistent("a prune", layers: ["x", "y"])
        }
    }

    @Test("pinned images, those of containers, and those that were used within the time stay")
    func kept() throws {
        try withNode { node in
            for (name, layer) in [("pinned", "x"), ("used", "y"), ("free", "z")] { try node.pull(name, [layer]) }
            try node.metadata.set(pinned: true, images: [image("pinned", []).manifestDigest])
            try node.metadata.insert(container: container("0a", of: image("used", []), json: "{\"exit\":{}}"))
            var selection = PruneSelection()
            for seconds: Int64 in [3600, .max] {
                selection.unusedForSeconds = seconds
                #expect(try node.metadata.predict(selection) == PrunedRows())
            }
            selection.unusedForSeconds = 0
            #expect(try node.metadata.predict(selection).images.map(\.manifestDigest) == [image("free", []).manifestDigest])
            selection.withoutContainers = ["0a"]
            #expect(Set(try node.metadata.predict(selection).layers.map(\.key)) == [.layer(diffID("y")), .layer(diffID("z"))])
            #expect(try node.metadata.containers().count == 1)
        }
    }

    @Test("what a lease has claimed stays, with its image or without")
    func leases() throws {
        try withNode { node in
            try node.pull("a", ["x", "y"])
            let lease = node.metadata.lease()
            #expect(try node.snapshots.claim(diffID("x"), for: lease) != nil)
            let pruned = try node.metadata.prune(PruneSelection()) { node.snapshots.discard($0.layers) }
            #expect(pruned.layers.map(\.key) == [.layer(diffID("y"))])
            try node.expectConsistent("leased", layers: ["x"])
            lease.release()
            #expect(try node.metadata.hasUnreferencedLayers())
            _ = try node.metadata.prune(PruneSelection()) { node.snapshots.discard($0.layers) }
            try node.expectConsistent("released", layers: [])
        }
    }

    @Test("a name of an index goes on with the image of another platform, and only the last one takes it along")
    func heirs() throws {
        try withNode { node in
            for platform in ["arm64", "amd64"] {
                var record = image(platform, [platform])
                record.indexDigest = .made("index")
                let reference = ReferenceRecord(
                    name: "docker.io/library/app:1", manifestDigest: record.manifestDigest, resolvedDigest: .made("index"))
                try node.snapshots.commit(record, layers: [node.extract(platform)], references: [reference], blobs: [])
            }
            #expect(try node.metadata.delete(image: image("amd64", []).manifestDigest) == [])
            #expect(try node.metadata.reference("docker.io/library/app:1")?.manifestDigest == image("arm64", []).manifestDigest)
            var dangling = PruneSelection()
            dangling.danglingOnly = true
            #expect(try node.metadata.predict(dangling).images.isEmpty)
            #expect(try node.metadata.delete(image: image("arm64", []).manifestDigest) == ["docker.io/library/app:1"])
        }
    }
}
