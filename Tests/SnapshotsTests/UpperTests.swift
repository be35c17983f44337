// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import Metadata
import OCI
import Snapshots
import SystemPackage
import TestSupport
import Testing

@Suite struct UpperTests {
    @Test("a writable layer has the mode, owner and times that the image's root has", .asRoot)
    func rootAttributes() throws {
        try withDirectory { root in
            let node = try Node(root)
            let layer = try node.extract("x")
            let filesystem = layer.ingest.filesystem.string
            chown(filesystem, 12, 34)
            chmod(filesystem, 0o2751)
            var times = [timespec(tv_sec: 1_000_000, tv_nsec: 7), timespec(tv_sec: 1_000_000, tv_nsec: 7)]
            utimensat(AT_FDCWD, filesystem, &times, 0)
            try node.snapshots.commit(image("a", ["x"]), layers: [layer], references: [], blobs: [])
            let upper = try node.snapshots.createUpper(
                container: "c", mode: .directory, over: node.snapshots.stack(of: image("a", []).manifestDigest))
            var status = stat()
            stat(upper.upper.string, &status)
            #expect(status.st_mode & 0o7777 == 0o2751 && status.st_uid == 12 && status.st_gid == 34)
            #expect(status.st_mtim.tv_sec == 1_000_000 && status.st_mtim.tv_nsec == 7)
            #expect(Files.mode(upper.container) == 0o700)
        }
    }

    @Test("one in memory has a directory for the container alone")
    func inMemory() throws {
        try withDirectory { root in
            let node = try Node(root)
            try node.snapshots.createUpper(container: "c", mode: .tmpfs, over: nil)
            #expect(try node.names("containers/c") == [])
        }
    }

    @Test("a container's directory is made once, goes to the trash, and may be removed again")
    func lifeCycle() throws {
        try withDirectory { root in
            let node = try Node(root)
            try node.snapshots.createUpper(container: "c", mode: .directory, over: nil)
            #expect(throws: SnapshotError.containerExists("c")) {
                try node.snapshots.createUpper(container: "c", mode: .directory, over: nil)
            }
            try node.snapshots.removeContainer("c")
            try node.snapshots.removeContainer("c")
            #expect(try node.names("containers") == [])
            #expect(try node.names("trash").count == 1)
        }
    }

    @Test("an id that is no plain name makes and removes nothing", arguments: ["", ".", "..", "../layers", "a/b", "/etc", "a\0b"])
    func hostileID(_ id: String) throws {
        try withDirectory { root in
            let node = try Node(root)
            #expect(throws: SnapshotError.invalidContainerID(id)) {
                try node.snapshots.createUpper(container: id, mode: .directory, over: nil)
            }
            #expect(throws: SnapshotError.invalidContainerID(id)) { try node.snapshots.removeContainer(id) }
            #expect(
                try Files.names(root).filter { !$0.hasPrefix("meta") } == [
                    "containers", "empty", "ingest", "layers", "lock", "replaced", "trash",
                ])
        }
    }

    @Test("usage: lowers once with all their users, uppers measured, a hard-linked file once")
    func usage() throws {
        try withDirectory { root in
            let node = try Node(root)
            try node.pull("a", ["base", "x"], fixup: "f")
            try node.pull("b", ["base"])
            let stack = try node.snapshots.stack(of: image("a", []).manifestDigest)
            for id in ["one", "two"] {
                let upper = try node.snapshots.createUpper(container: id, mode: id == "one" ? .directory : .tmpfs, over: stack)
                try node.metadata.insert(
                    container: ContainerRecord(
                        id: id, name: id, manifestDigest: "", layerIDs: stack.layerIDs, json: [], createdAt: "2026-01-01T00:00:00Z"))
                guard id == "one" else { continue }
                try Files.write(upper.upper.appending("big"), String(repeating: "x", count: 100_000))
                link(upper.upper.appending("big").string, upper.upper.appending("again").string)
            }
            let usage = try node.snapshots.usage()
            #expect(usage.lowers.map(\.images.count).sorted() == [1, 1, 2])
            #expect(usage.lowers.allSatisfy { $0.containers == ["one", "two"] && $0.unsharedBytes == 2 * $0.layer.size.diskBytes })
            let upper = try #require(usage.uppers.first { $0.container == "one" }?.usage)
            #expect(upper.inodes == 2 && (100_000..<120_000).contains(upper.bytes))
            #expect(usage.uppers.first { $0.container == "two" }?.usage == TreeUsage())
        }
    }

    @Test("the stack of an image, with a repeated layer and an upper, is what overlayfs mounts", .asRoot)
    func mounts() throws {
        try withDirectory { root in
            let node = try Node(root)
            try node.pull("a", ["base", "x", "base"])
            let stack = try node.snapshots.stack(of: image("a", []).manifestDigest)
            let upper = try node.snapshots.createUpper(container: "c", mode: .directory, over: stack)
            let lowerdirs = stack.lowerdirs.map(\.string).joined(separator: ":")
            try makeDirectory(root.appending("merged"), mode: 0o755)
            let options = "lowerdir=\(lowerdirs),upperdir=\(upper.upper),workdir=\(upper.work)"
            try shell(
                """
                cd \(stack.store) && unshare -m sh -c '
                mount -t overlay overlay -o \(options) \(root)/merged && cp \(root)/merged/name \(root)/seen'
                """
            )
            #expect(try Files.read(root.appending("seen")) == content("base"))
        }
    }
}
