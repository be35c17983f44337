// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import Metadata
import OCI
import Snapshots
import Synchronization
import SystemPackage
import Testing

@Suite struct CommitTests {
    @Test("an image's stack: fix-up first, then from the uppermost down, a repeated layer once, at its uppermost place")
    func stack() throws {
        try withDirectory { root in
            let node = try Node(root)
            try node.pull("a", ["base", "middle", "base", "top", "middle"], fixup: "f")
            let stack = try node.snapshots.stack(of: image("a", []).manifestDigest)
            #expect(stack.store == root.appending("layers"))
            #expect(stack.diffIDs == ["middle", "top", "base"].map(diffID))
            #expect(stack.fixup == chainID("f"))
            #expect(stack.lowerdirs.count == 4 && stack.lowerdirs.allSatisfy { $0.length <= 5 })
            let texts = try stack.lowerdirs.map { try Files.read(stack.store.appending($0.components).appending("name")) }
            #expect(texts == ["fixup f", "middle", "top", "base"].map(content))
            #expect(try node.snapshots.stack(layerIDs: stack.layerIDs) == stack)
            #expect(try node.snapshots.stack(of: image("a", []).manifestDigest) == stack, "the remembered one")
        }
    }

    @Test("an image without layers stacks on an empty directory")
    func noLayers() throws {
        try withDirectory { root in
            let node = try Node(root)
            try node.pull("a", [])
            let stack = try node.snapshots.stack(of: image("a", []).manifestDigest)
            #expect(stack.layerIDs.isEmpty && stack.lowerdirs.count == 1)
            #expect(try Files.names(stack.store.appending(stack.lowerdirs[0].components)) == [])
        }
    }

    @Test("an unknown image has no stack")
    func unknown() throws {
        try withDirectory { root in
            let node = try Node(root)
            #expect(throws: SnapshotError.noSuchImage(.made("x"))) { try node.snapshots.stack(of: .made("x")) }
        }
    }

    @Test("two pulls that extract the same layer share one directory")
    func joined() throws {
        try withDirectory { root in
            let node = try Node(root)
            let (one, other) = (try node.extract("x"), try node.extract("x"))
            try node.snapshots.commit(image("a", ["x"]), layers: [one], references: [], blobs: [])
            try node.snapshots.commit(image("b", ["x"]), layers: [other], references: [], blobs: [])
            try node.expectConsistent("after both", layers: ["x"])
            #expect(try node.names("trash").count == 1)
        }
    }

    @Test("pulls of the same layers at once all succeed, and leave one directory a layer")
    func concurrent() async throws {
        let directory = try withDirectory { $0 }
        try makeDirectory(directory, mode: 0o700)
        defer { try? removeTree(directory) }
        let node = try Node(directory)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<8 {
                group.addTask {
                    var layers: [NewLayer] = []
                    for name in ["x", "y", "own \(number)"] { layers.append(try node.extract(name)) }
                    try node.snapshots.commit(image("\(number)", ["x", "y", "own \(number)"]), layers: layers, references: [], blobs: [])
                }
            }
            try await group.waitForAll()
        }
        try node.expectConsistent("after all", layers: Set(["x", "y"] + (0..<8).map { "own \($0)" }))
    }

    @Test("a commit that needs a removed layer fails whole, and what it brought is swept away")
    func missingLayer() throws {
        try withDirectory { root in
            let node = try Node(root)
            let new = try node.extract("new")
            #expect(throws: SnapshotError.metadata(.layersMissing([.layer(diffID("gone"))]))) {
                try node.snapshots.commit(image("a", ["gone", "new"]), layers: [new], references: [], blobs: [])
            }
            try node.expectConsistent("after the failure", layers: [])
            #expect(throws: SnapshotError.ingestEnded(new.ingest.directory)) {
                try node.snapshots.commit(image("a", ["new"]), layers: [new], references: [], blobs: [])
            }
        }
    }

    @Test("an ingest that nobody commits goes to the trash")
    func abandoned() throws {
        try withDirectory { root in
            let node = try Node(root)
            _ = try node.extract("x")
            let kept = try node.extract("y")
            #expect(try node.names("ingest").count == 1)
            kept.ingest.abandon()
            kept.ingest.abandon()
            #expect(try node.names("ingest") == [])
            #expect(try node.names("trash").count == 2)
            node.snapshots.emptyTrash()
            #expect(try node.names("trash") == [])
        }
    }

    @Test("a layer whose directory somebody deleted is extracted again, into its old place")
    func healed() throws {
        try withDirectory { root in
            let before: LayerStack
            do {
                let node = try Node(root)
                try node.pull("a", ["x", "y"])
                before = try node.snapshots.stack(of: image("a", []).manifestDigest)
            }
            try removeTree(root.appending("layers").appending(before.lowerdirs[0].components.first!))
            let node = try Node(root)
            #expect(try node.snapshots.committed(diffID("y")) == nil)
            try node.pull("a", ["x", "y"])
            try node.expectConsistent("after the second pull", layers: ["x", "y"])
            #expect(try node.snapshots.stack(of: image("a", []).manifestDigest) == before)
        }
    }

    @Test("modes: nobody but root may enter what holds layers and containers, also where the directories were open before")
    func modes() throws {
        try withDirectory { root in
            try makeDirectory(root.appending("layers"), mode: 0o755)
            chmod(root.string, 0o755)
            let node = try Node(root)
            try node.pull("a", ["x"])
            for name in ["", "layers", "containers", "ingest", "trash"] { #expect(Files.mode(root.appending(name)) == 0o700, "\(name)") }
        }
    }
}
