// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import Metadata
import OCI
import Snapshots
import SystemPackage
import Testing

@Suite struct SweepTests {
    @Test("what has no row goes at the start: ingests, layers, containers, files among them; what has one stays")
    func unrecorded() throws {
        try withDirectory { root in
            do {
                let node = try Node(root)
                try node.pull("a", ["x"])
                let stack = try node.snapshots.stack(of: image("a", []).manifestDigest)
                try node.snapshots.createUpper(container: "kept", mode: .directory, over: stack)
                try node.metadata.insert(
                    container: ContainerRecord(
                        id: "kept", name: "kept", manifestDigest: "", layerIDs: stack.layerIDs, json: [], createdAt: "2026-01-01T00:00:00Z")
                )
                try node.snapshots.createUpper(container: "half", mode: .directory, over: stack)
            }
            for path in ["layers/zz", "layers/not base 36", "ingest/7", "containers/other"] {
                try makeDirectory(root.appending(path), mode: 0o755)
                try Files.write(root.appending(path).appending("file"), "")
            }
            try Files.write(root.appending("ingest/spool-1"), "")
            let node = try Node(root)
            try node.expectConsistent("after the sweep", layers: ["x"])
            #expect(try node.names("containers") == ["kept"])
            #expect(try node.names("trash").count == 6)
            node.snapshots.sweepInBackground()
            node.snapshots.emptyTrash()
            #expect(try node.names("trash") == [])
        }
    }

    @Test("a lost database is not taken for an empty store", arguments: ["layers", "containers"])
    func lostDatabase(_ directory: String) throws {
        try withDirectory { root in
            try makeDirectory(root.appending(directory), mode: 0o700)
            try makeDirectory(root.appending(directory).appending("a7"), mode: 0o700)
            #expect(throws: MetadataError.databaseLost(root: root, holds: root.appending(directory))) { try Node(root) }
            #expect(Files.exists(root.appending(directory).appending("a7")))
            // Also at the second try, when the database is not new any more.
            #expect(throws: MetadataError.databaseLost(root: root, holds: root.appending(directory))) { try Node(root) }
            #expect(Files.exists(root.appending(directory).appending("a7")))
        }
    }

    @Test("the trash waits while a layer is extracted, and is emptied afterwards")
    func pause() throws {
        try withDirectory { root in
            let node = try Node(root)
            try node.pull("a", ["x"])
            node.snapshots.sweepInBackground()
            let ingest = try node.extract("y").ingest
            try node.remove("a")
            usleepTenth()
            #expect(try node.names("trash").count == 1)
            ingest.abandon()
            for _ in 0..<50 where try !node.names("trash").isEmpty { usleepTenth() }
            #expect(try node.names("trash") == [])
        }
    }
    @Test("a removal can be ended within a tree, and is finished by the next one", arguments: [0, 1, 7, 29])
    func ended(after count: Int) throws {
        try withDirectory { root in
            let tree = root.appending("tree")
            try shell("mkdir -p \(tree)/a/b/c && cd \(tree) && for i in $(seq 10); do touch $i a/$i a/b/c/$i; done")
            var asked = 0
            let error = #expect(throws: KernelError.self) {
                try removeTree(tree) {
                    asked += 1
                    return asked <= count
                }
            }
            #expect(error?.errno == .canceled)
            let left = try names(below: tree)
            #expect(left > 0 && left <= 33)
            try removeTree(tree)
            #expect(throws: KernelError.self) { _ = try openFile(tree, O_RDONLY) }
        }
    }

    private func names(below path: FilePath) throws -> Int {
        try openFile(path, O_RDONLY | O_DIRECTORY).entries(of: path.string).reduce(0) { sum, entry in
            let name = FilePath(platformString: entry.name.map { CChar(bitPattern: $0) } + [0])
            return sum + 1 + (entry.type == UInt8(DT_DIR) ? try names(below: path.appending(name.components)) : 0)
        }
    }
}
