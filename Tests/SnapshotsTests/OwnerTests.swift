// SPDX-License-Identifier: Apache-2.0

import Glibc
import Layers
import Linux
import Metadata
import OCI
import Snapshots
import SystemPackage
import TestSupport
import Testing

@Suite struct OwnerTests {
    @Test("each path below the root has its owner, by its name alone")
    func places() throws {
        try withDirectory { root in
            let node = try Node(root)
            try node.install("a", lower: "echo x > f", upper: "echo y > g")
            let layer = try #require(try node.snapshots.committed(diffID("a lower")))
            let hex = Digest.made("blob").hex
            let expected: [(String, StorePlace?)] = [
                ("", .root), ("layers", .root), ("containers/", .root),
                ("layers/\(layer.shortID)/fs/d/../f", .layer(layer, inside: LayerPath(bytes: Array("f".utf8)))),
                ("layers/\(layer.shortID)/fs", .layer(layer, inside: LayerPath([]))),
                ("layers/\(layer.shortID)", .layerFacts(layer)), ("layers/\(layer.shortID)/layer.json", .layerFacts(layer)),
                ("layers/zzz/fs/x", .orphan), ("layers/../layers/no", .orphan),
                ("containers/c/upper/deep/er", .upper(container: "c", inside: LayerPath(bytes: Array("deep/er".utf8)))),
                ("containers/c/log/container.log", .container("c")), ("containers/c", .container("c")),
                ("containers/nobody/upper", .orphan),
                ("content/blobs/sha256/\(hex)", .blob(hex)), ("content/blobs", .root), ("trash/x/y", .trash), ("ingest/1", .ingest),
                ("meta.db-wal", .database), ("notes.txt", .unknown), ("../elsewhere", nil), ("/etc/passwd", nil),
            ]
            for (path, place) in expected {
                let path = path.hasPrefix("/") ? FilePath(path) : FilePath(root.string + "/" + path)
                #expect(try node.snapshots.place(of: path) == place, "\(path)")
            }
            try shell("ln -s \(root) \(root).alias")
            defer { unlink(root.string + ".alias") }
            #expect(
                try node.snapshots.place(of: FilePath(root.string + ".alias/trash/x")) == nil, "another name for it is not looked through")
        }
    }

    @Test("what has no row is listed with its size and its fate; what the daemon keeps is not")
    func orphans() throws {
        try withDirectory { root in
            let node = try Node(root)
            try node.install("a", lower: "echo x > f", upper: "echo y > g")
            #expect(try node.snapshots.orphans() == [])
            try shell("cd \(root) && mkdir -p layers/zz/fs containers/nobody/upper && echo x > layers/zz/fs/f && echo mine > notes.txt")
            try node.snapshots.createUpper(container: "gone", mode: .directory, over: nil)
            try node.snapshots.removeContainer("gone")
            let ingest = try node.snapshots.beginIngest()
            let found = try node.snapshots.orphans()
            #expect(found.map(\.kind) == [.layer, .container, .ingest, .trash, .unknown])
            // Made within the last minute: somebody may be about to record them.
            #expect(found.map(\.fate) == [.underWay, .underWay, .underWay, .deleted, .kept])
            #expect(try found[0].usage == Du.of(root.pushing("layers/zz")))
            #expect(found[4].usage == TreeUsage(bytes: 4096, inodes: 1))
            ingest.abandon()
            #expect(try Node.orphansAfterRestart(root).filter { $0.kind != .trash }.map(\.kind) == [.unknown])
        }
    }

    @Test("an image has for itself what no other has, and shares the rest with those that have it")
    func shares() throws {
        try withDirectory { root in
            let node = try Node(root)
            try node.pull("a", ["base", "x", "base"], fixup: "f")
            try node.pull("b", ["base", "y"])
            try node.pull("c", ["z"])
            let (a, b, c) = (image("a", []).manifestDigest, image("b", []).manifestDigest, image("c", []).manifestDigest)
            let shares = try LayerShares(node.snapshots.lowerUsage())
            let one = TreeUsage(bytes: 12_288, inodes: 2)
            #expect(shares.share(of: a).size == one + one + one && shares.share(of: a).exclusive == one + one)
            #expect(shares.share(of: a).sharedWith == [b] && shares.share(of: b).sharedWith == [a] && shares.share(of: c).sharedWith == [])
            #expect(shares.share(of: c).exclusive == one && shares.share(of: c).shared == TreeUsage())
            #expect(shares.shared == one && shares.unique == one + one + one + one)
            #expect(shares.reclaimable(keeping: [a]) == one + one)
            #expect(shares.reclaimable(keeping: [a, b, c]) == TreeUsage())
            let stack = try node.snapshots.stack(of: c)
            try node.metadata.insert(
                container: ContainerRecord(
                    id: "k", name: "k", manifestDigest: c.description, layerIDs: stack.layerIDs, json: [], createdAt: "2026-01-01T00:00:00Z"
                ))
            #expect(try LayerShares(node.snapshots.lowerUsage()).reclaimable(keeping: []) == one + one + one + one)
            try node.remove("c")
            let after = try LayerShares(node.snapshots.lowerUsage())
            #expect(after.detached == one && after.detachedCount == 1)
        }
    }
}

extension Node {
    /// Of a copy, since the first store still holds the lock.
    fileprivate static func orphansAfterRestart(_ root: FilePath) throws -> [Orphan] {
        let copy = FilePath(root.string + ".copy")
        defer { try? removeTree(copy) }
        try shell("cp -a \(root) \(copy)")
        return try Node(copy).snapshots.orphans()
    }
}
