// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import Metadata
import OCI
import Snapshots
import Synchronization
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

    @Test(
        "what is deleted while somebody's sync writes it is waited for before anything is refused: on a slow disk it is free seconds later",
        .slowDisk)
    func deletedWhileSynced() throws {
        try LoopFilesystem.with(megabytes: 128, options: "-E lazy_itable_init=0,lazy_journal_init=0") { disk in
            let node = try Node(prepared(disk), reserve: SpaceReserve(bytes: 0, inodes: 0))
            try disk.withSlowWrites(bytesPerSecond: 8 << 20) {
                // Whether the sync has come to its waiting when the file goes, nobody says: only then it holds the file.
                let isHeld = try (1...5).contains { round in
                    try deleteWhileSynced(node, disk, megabytes: 64, after: UInt32(round) * 500_000)
                    return try filesystemStatistics(disk.root).freeBytes < 70 << 20
                }
                try #require(isHeld, "a sync holds what it writes")
                try node.snapshots.checkSpace(bytes: 70 << 20, inodes: 0)
            }
        }
    }

    /// The trash is empty afterwards.
    private func deleteWhileSynced(_ node: Node, _ disk: LoopFilesystem, megabytes: Int, after microseconds: UInt32) throws {
        let ingest = try node.snapshots.beginIngest()
        try Files.write(ingest.filesystem.appending("big"), String(repeating: "x", count: megabytes << 20))
        try startThread(name: "sync") { try? syncFilesystem(disk.root) }
        usleep(microseconds)
        ingest.abandon()
        node.snapshots.emptyTrash()
        #expect(try node.names("trash") == [])
    }

    @Test("an attempt that ran out of space is worth another where what others had deleted has come free since, and only there")
    func worthAnother() throws {
        try LoopFilesystem.with(megabytes: 64) { disk in
            let node = try Node(prepared(disk), reserve: SpaceReserve(bytes: 8 << 20, inodes: 0))
            let earlier = try node.snapshots.beginIngest()
            try Files.write(earlier.filesystem.appending("big"), String(repeating: "x", count: 30 << 20))
            earlier.abandon()
            let found = try node.snapshots.checkSpace(bytes: 1 << 20, inodes: 0)
            let attempt = try node.snapshots.beginIngest()
            try Files.write(attempt.filesystem.appending("part"), String(repeating: "x", count: 10 << 20))
            attempt.abandon()
            #expect(try node.snapshots.relieve(since: found))
            #expect(try node.names("trash") == [])
            let again = try node.snapshots.checkSpace(bytes: 1 << 20, inodes: 0)
            #expect(again.freeBytes > found.freeBytes + 25 << 20)
            #expect(try !node.snapshots.relieve(since: again))
        }
    }

    @Test(
        "nothing is given up for what would not fit on an empty disk either",
        arguments: [(1 << 40, 1), (1, 1 << 40), (.max, 1)] as [(UInt64, UInt64)])
    func hopeless(bytes: UInt64, inodes: UInt64) throws {
        try LoopFilesystem.with(megabytes: 16) { disk in
            let node = try Node(prepared(disk), reserve: SpaceReserve(bytes: 0, inodes: 0))
            let asked = Mutex(0)
            node.snapshots.setRelief { _ in
                asked.withLock { $0 += 1 }
                return false
            }
            #expect(refusal(node, bytes: bytes, inodes: inodes) != nil)
            #expect(asked.withLock { $0 } == 0)
            #expect(refusal(node, bytes: try filesystemStatistics(disk.root).freeBytes + 1, inodes: 1) != nil)
            #expect(asked.withLock { $0 } == 1)
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
