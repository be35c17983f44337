// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import Metadata
import OCI
import Snapshots
import SystemPackage
import TestSupport
import Testing

/// On small filesystems of their own.
@Suite(.asRoot) struct SpaceTests {
    @Test("bytes: what would touch the reserve is refused with need, free and reserve")
    func bytes() throws {
        try LoopFilesystem.with(megabytes: 64) { disk in
            let node = try Node(prepared(disk), reserve: SpaceReserve(bytes: 16 << 20, inodes: 0))
            try node.snapshots.checkSpace(bytes: 8 << 20, inodes: 100)
            guard case .notEnoughBytes(let needed, let free, let reserve, let store) = refusal(node, bytes: 45 << 20, inodes: 0) else {
                Issue.record("not refused")
                return
            }
            #expect(needed == 45 << 20 && free < 64 << 20 && reserve == 16 << 20 && store == disk.root)
            #expect(refusal(node, bytes: .max, inodes: 0) != nil, "no overflow")
        }
    }

    @Test("inodes likewise")
    func inodes() throws {
        try LoopFilesystem.with(megabytes: 16, options: "-N 256") { disk in
            let node = try Node(prepared(disk), reserve: SpaceReserve(bytes: 0, inodes: 100))
            try node.snapshots.checkSpace(bytes: 0, inodes: 50)
            guard case .notEnoughInodes(200, let free, 100, disk.root) = refusal(node, bytes: 0, inodes: 200) else {
                Issue.record("not refused")
                return
            }
            #expect(free < 256)
        }
    }

    @Test("what lies in the trash is deleted before anything is refused")
    func trashFirst() throws {
        try LoopFilesystem.with(megabytes: 64) { disk in
            let node = try Node(prepared(disk), reserve: SpaceReserve(bytes: 0, inodes: 0))
            let ingest = try node.snapshots.beginIngest()
            try Files.write(ingest.filesystem.appending("big"), String(repeating: "x", count: 30 << 20))
            ingest.abandon()
            #expect(try node.names("trash").count == 1)
            try node.snapshots.checkSpace(bytes: 40 << 20, inodes: 0)
            #expect(try node.names("trash") == [])
        }
    }

    @Test("on a full disk a pull fails whole, and containers and images can still be removed")
    func fullDisk() throws {
        try LoopFilesystem.with(megabytes: 64) { disk in
            let node = try Node(prepared(disk))
            try node.pull("a", ["x"])
            let stack = try node.snapshots.stack(of: image("a", []).manifestDigest)
            for number in 0..<50 {
                try node.snapshots.createUpper(container: "c\(number)", mode: .directory, over: stack)
                try node.metadata.insert(
                    container: ContainerRecord(
                        id: "c\(number)", name: "c\(number)", manifestDigest: "", layerIDs: stack.layerIDs, json: Array("{}".utf8),
                        createdAt: "2026-01-01T00:00:00Z"))
            }
            // In pieces that get smaller, down to the last block.
            for size in ["64k", "4k", "1k"] {
                let fill = "\(disk.root)/containers/c0/upper/fill\(size)"
                try shell("dd if=/dev/zero bs=\(size) of=\(fill) 2>/dev/null; sync -f \(disk.root)")
            }
            #expect(try filesystemStatistics(disk.root).freeBytes < 1 << 12)
            #expect(throws: (any Error).self) { try node.pull("b", ["x", "y"]) }
            for number in 0..<50 {
                try node.metadata.delete(container: "c\(number)")
                try node.snapshots.removeContainer("c\(number)")
            }
            try node.remove("a")
            try node.expectConsistent("after the removals", layers: [])
            node.snapshots.emptyTrash()
            try node.pull("b", ["x", "y"])
            try node.expectConsistent("after the next pull", layers: ["x", "y"])
        }
    }

    @Test("inodes that run out in the middle of an extraction leave nothing")
    func inodesRunOut() throws {
        try LoopFilesystem.with(megabytes: 16, options: "-N 256") { disk in
            let node = try Node(prepared(disk))
            try node.pull("a", ["x"])
            let ingest = try node.snapshots.beginIngest()
            let failed = (0..<300).contains { number in
                (try? Files.write(ingest.filesystem.appending("file \(number)"), "")) == nil
            }
            #expect(failed)
            ingest.abandon()
            node.snapshots.emptyTrash()
            try node.expectConsistent("after the failure", layers: ["x"])
            try node.pull("b", ["x", "y"])
        }
    }

    private func prepared(_ disk: LoopFilesystem) throws -> FilePath {
        try makeDirectory(disk.root, mode: 0o700)
        return disk.root
    }

    private func refusal(_ node: Node, bytes: UInt64, inodes: UInt64) -> SnapshotError? {
        do throws(SnapshotError) {
            try node.snapshots.checkSpace(bytes: bytes, inodes: inodes)
            return nil
        } catch {
            return error
        }
    }
}
