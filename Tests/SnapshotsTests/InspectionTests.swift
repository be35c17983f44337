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

@Suite(.asRoot) struct InspectionTests {
    @Test("copies, replacements, deletions, opaque directories and links are told, and the sum is du's")
    func kinds() throws {
        try withDirectory { root in
            let node = try Node(root)
            try node.install(
                "a",
                lower:
                    "mkdir -p d/deep gone hidden; head -c 40000 /dev/zero > big; echo x > d/deep/text; echo y > gone/f; echo z > hidden/f; echo n > nothing",
                upper: "echo w > d/deep/text; ln -s elsewhere big.link")
            let inspected = try node.write(
                """
                echo more >> big                     # copied up from the lowest layer
                echo more >> d/deep/text             # and from the one above it
                rm nothing; rm -r gone
                rm -r hidden; mkdir hidden; echo new > hidden/f
                mkdir fresh; head -c 100000 /dev/zero > fresh/one; ln fresh/one fresh/two; ln -s / fresh/link; mkfifo fresh/pipe
                """)
            let contents = inspected.contents
            #expect(try contents.usage == Du.of(root.appending("containers").appending("c").appending("upper")))
            #expect(contents.copied.map(\.path.description) == ["big", "d/deep/text"])
            #expect(contents.copied.map { inspected.lowers[$0.lowerdir].key.diffID } == [diffID("a lower"), diffID("a upper")])
            #expect(contents.copiedCount == 2 && contents.copied.map(\.lowerBytes) == [40960, 4096])
            #expect(contents.copiedLowerBytes == 45056 && contents.copiedBytes == 45056)
            #expect(contents.whiteouts.paths.map(\.description) == ["gone", "nothing"] && contents.whiteouts.count == 2)
            #expect(contents.opaques.paths.map(\.description) == ["hidden"], "what is written in one is no copy")
            #expect(contents.largestFiles.first?.path.description == "fresh/one", "the name by which it was met first")
            #expect(contents.fullestDirectories.map(\.path.description).prefix(2) == ["fresh", ""])
            #expect(contents.fullestDirectories.first?.inodes == 3)
            #expect(contents.directories == 5 && contents.files == 6)
        }
    }

    @Test("growth counts from the last time that somebody was told, also over a restart")
    func growth() throws {
        try withDirectory { root in
            var first: UpperInspected?
            do {
                let node = try Node(root)
                try node.install("a", lower: "echo x > f", upper: "echo y > g")
                first = try node.write("echo one > one")
                #expect(first?.previous == nil)
            }
            let node = try Node(root)
            try Files.write(root.pushing("containers/c/upper/two"), String(repeating: "x", count: 50_000))
            let second = try node.snapshots.inspectUpper(container: "c", layerIDs: [], naming: 1)
            #expect(second.previous?.measuredAt == first?.measuredAt)
            #expect(second.contents.usage.bytes - (second.previous?.bytes ?? 0) == 53_248)
            #expect(second.contents.usage.inodes - (second.previous?.inodes ?? 0) == 1)
        }
    }

    @Test("names that are no text, and many levels, are walked; only so many paths are named")
    func hostileNames() throws {
        try withDirectory { root in
            let node = try Node(root)
            try node.install("a", lower: "echo x > f", upper: "echo y > g")
            let inspected = try node.write(
                """
                python3 -c '
                import os
                open(b"\\xff\\n\\x1b[2J", "w").write("x")
                for n in range(300):
                    os.mkdir("d" * 60); os.chdir("d" * 60)
                open("deep", "w").write("x" * 9000)'
                """, naming: 1)
            #expect(inspected.contents.files == 2 && inspected.contents.directories == 301)
            #expect(inspected.contents.largestFiles.map { $0.path.components.last ?? [] } == [Array("deep".utf8)])
            #expect(inspected.contents.usage.inodes == 303)
            #expect(try treeUsage(root.pushing("containers/c/upper")) == inspected.contents.usage)
        }
    }

    @Test("a tree that changes all the time is no error, and nothing outside of it is counted")
    func race() throws {
        try withDirectory { root in
            let node = try Node(root)
            try node.install("a", lower: "mkdir -p d/e; echo x > d/e/f", upper: "echo y > g")
            try shell("mkdir \(root)/outside && cd \(root)/outside && mkdir e && for n in $(seq 200); do echo $n > e/$n; done")
            let upper = try node.container("c").upper
            // A directory and a link to the host, in turns, under one name.
            let writer = try ChildProcess([
                "/usr/bin/python3", "-c",
                """
                import os, shutil
                os.chdir("\(upper)")
                while True:
                    os.makedirs("d/e/x"); open("d/e/f", "w").close()
                    shutil.rmtree("d"); os.symlink("\(root)/outside", "d"); os.unlink("d")
                """,
            ])
            for _ in 0..<400 {
                let contents = try node.snapshots.inspectUpper(container: "c", layerIDs: [], naming: 10).contents
                #expect(contents.usage.inodes <= 6)
                #expect(try treeUsage(upper).inodes <= 6)
            }
            writer.signal(SIGKILL)
            _ = try writer.finish()
        }
    }
}

enum Du {
    /// What coreutils says.
    static func of(_ path: FilePath) throws -> TreeUsage {
        func number(_ flags: [String]) throws -> Int64 {
            let outcome = try command(["du", "-s"] + flags + [path.string])
            return try #require(outcome.output.split(separator: "\t").first.flatMap { Int64($0) })
        }
        return TreeUsage(bytes: try number(["--block-size=1"]), inodes: try number(["--inodes"]))
    }
}

extension Node {
    /// An image of two layers that shell lines write, and a container `c` on it.
    func install(_ name: String, lower: String, upper: String) throws {
        let layers = try [("lower", lower), ("upper", upper)].map { kind, script in
            let layer = try extract("\(name) \(kind)")
            try shell("cd \(layer.ingest.filesystem) && rm name && mkdir -p d/deep && (\(script))")
            return layer
        }
        try snapshots.commit(image(name, ["\(name) lower", "\(name) upper"]), layers: layers, references: [], blobs: [])
        _ = try? container("c", on: name)
    }

    @discardableResult
    func container(_ id: String, on name: String = "a") throws -> UpperDirectories {
        let stack = try snapshots.stack(of: image(name, []).manifestDigest)
        if try metadata.container(id) == nil {
            try snapshots.createUpper(container: id, mode: .directory, over: stack)
            try metadata.insert(
                container: ContainerRecord(
                    id: id, name: id, manifestDigest: image(name, []).manifestDigest.description, layerIDs: stack.layerIDs, json: [],
                    createdAt: "2026-01-01T00:00:00Z"))
        }
        return try snapshots.upper(container: id)
    }

    /// Runs a script in the mounted container, unmounts, and looks.
    func write(_ script: String, naming count: Int = 10) throws -> UpperInspected {
        let stack = try snapshots.stack(of: image("a", []).manifestDigest)
        let upper = try container("c")
        let options = "lowerdir=\(stack.lowerdirs.map(\.string).joined(separator: ":")),upperdir=\(upper.upper),workdir=\(upper.work)"
        let merged = root.appending("merged")
        try makeDirectory(merged, mode: 0o755)
        try Files.write(root.appending("script"), "set -e\ncd \(merged)\n" + script)
        // Not in a mount namespace of its own: that would keep other tests' mounts alive for as long as it lives.
        try shell("cd \(stack.store) && mount -t overlay overlay -o \(options) \(merged)")
        defer { try? shell("umount \(merged)") }
        try shell("sh \(root)/script")
        return try snapshots.inspectUpper(container: "c", layerIDs: stack.layerIDs, naming: count)
    }
}
