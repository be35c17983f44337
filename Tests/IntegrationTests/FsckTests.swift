// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@Suite(.asRoot, .serialized) struct FsckTests {
    @Test("one flipped byte: found by name, no container is made of it, and mended under one that goes on")
    func flippedByte() throws {
        let image = try Registry.withFixtures().byDigest("test/busybox")
        try withNode { node in
            let id = try node.runSleeper(image)
            try node.good("create", "--name", "idle", image, "true")
            #expect(try node.ctr("fsck", "--full").code == 0)
            let good = try String(contentsOfFile: node.storedFile, encoding: .utf8)
            try node.flipByte()
            #expect(try node.ctr("fsck").code == 0, "the time was restored: only the content tells")

            let full = try node.ctr("fsck", "--full")
            #expect(full.code == 4)
            #expect(full.output.contains("etc/architecture") && full.output.contains("repair"), "\(full)")
            let damaged = try #require(try (node.json("info") as? [String: Any])?["damagedLayers"] as? [String])
            #expect(damaged.count == 1)
            let layer = String(try #require(damaged.first).dropFirst(7))
            #expect(full.output.contains(layer.prefix(12)))

            for refused in [try node.ctr("create", image, "true"), try node.ctr("start", "idle")] {
                #expect(refused.code == 1)
                #expect(refused.errors.contains(layer) && refused.errors.contains("ctr-swift repair \(layer.prefix(12))"), "\(refused)")
            }

            let repaired = try node.ctr("repair", String(layer.prefix(12)))
            #expect(repaired.code == 0, "\(repaired)")
            #expect(repaired.errors.contains(id.prefix(12)), "it tells who goes on with the old files")
            #expect(try String(contentsOfFile: node.storedFile, encoding: .utf8) == good)
            #expect(try node.ctr("fsck", "--full").code == 0)
            #expect(try node.good("run", "--rm", image, "cat", "/etc/architecture") == good)

            // The one that runs has what it had, also after the daemon has been killed.
            let old = try node.fileSeen(by: id)
            #expect(old != good && old.utf8.count == good.utf8.count)
            try node.killDaemon()
            try node.start()
            #expect(try node.fileSeen(by: id) == old)
            #expect(try node.replaced().count == 1)
            try node.good("stop", "-t", "0", id)
            try eventually("the old trees are gone") { try node.replaced() == [] }
            try node.good("start", id)
            #expect(try node.fileSeen(by: id) == good)
            try node.good("start", "idle")
            try node.good("rm", "-f", id, "idle")
        }
    }

    @Test("the old tree stays under a container whose monitor does not answer the next daemon")
    func silentHolder() throws {
        let image = try Registry.withFixtures().byDigest("test/busybox")
        try withNode { node in
            let id = try node.runSleeper(image)
            try node.flipByte()
            #expect(try node.ctr("fsck", "--full").code == 4)
            try node.good("repair", node.layer())
            let trees = try node.replaced()
            #expect(trees.count == 1)
            let shim = try #require(try command(["pgrep", "-f", "ctr-swift-shim.*\(id)"]).lines.first.flatMap { pid_t($0) })
            kill(shim, SIGSTOP)
            try node.killDaemon()
            try node.start()
            // An end of another one is a reason to look who still runs.
            try node.good("run", "--name", "other", image, "true")
            try node.good("rm", "other")
            #expect(try node.replaced() == trees)
            kill(shim, SIGCONT)
            try eventually("the container is known") { try node.ctr("inspect", id).code == 0 }
            #expect(try node.replaced() == trees)
            try node.good("rm", "-f", id)
            try eventually("the old trees are gone") { try node.replaced() == [] }
        }
    }

    @Test("a repair takes the kept blob where there is one, and says why where there is nothing to take")
    func sources() throws {
        let registry = try Registry()
        try registry.push(layout: "\(Node.fixtures)/busybox", "test/busybox:1")
        let image = try registry.byDigest("test/busybox")
        try withNode(configuration: "keep-blobs = true\n") { node in
            try node.good("pull", image)
            registry.stop()
            let layer = try node.layer()
            try node.flipByte()
            #expect(try node.ctr("repair", layer).errors.contains("kept blob"))
            #expect(try node.ctr("fsck", "--full", layer).code == 0)
            try command([
                "sh", "-c", "for f in \(node.root)/content/blobs/sha256/*; do test $(stat -c %s $f) -lt 100000 || echo >> $f; done",
            ])
            let blobs = try node.ctr("fsck")
            #expect(blobs.code == 4 && blobs.output.contains("blob"), "\(blobs)")
            let failed = try node.ctr("repair", layer)
            #expect(failed.code == 1 && !failed.errors.isEmpty, "\(failed)")
            #expect(try node.ctr("repair", "nothing").errors.contains("no layer \"nothing\""))
            #expect(try node.ctr("fsck", "nothing").code == 1)
            #expect(try node.replaced() == [])
        }
    }

    @Test("after a crash of the machine the last layers are checked, and damage is told everywhere")
    func afterCrash() throws {
        let image = try Registry.withFixtures().byDigest("test/busybox")
        try withNode { node in
            try node.good("pull", image)
            try node.killDaemon()
            // A daemon that was killed is no crash of the machine.
            try command(["truncate", "-s", "0", node.storedFile])
            try node.start()
            #expect(try node.damaged() == [])
            try node.killDaemon()
            try command([
                "python3", "-c",
                "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute(\"UPDATE session SET bootID = 'earlier'\"); c.commit()",
                node.root + "/meta.db",
            ])
            try node.start()
            try eventually("the damage is known") { try node.damaged().count == 1 }
            let refused = try node.ctr("run", "--rm", image, "true")
            #expect(refused.code == 125 && refused.errors.contains("ctr-swift repair"), "\(refused)")
            #expect(node.daemonLog.contains("etc/architecture"))
            try node.good("repair", node.layer())
            #expect(try node.good("run", "--rm", image, "true") == "")
            try node.stopDaemon()
            try node.start()
            #expect(try node.damaged() == [])
        }
    }

    @Test("directories that nobody made are found") func orphans() throws {
        try withNode { node in
            try FileManager.default.createDirectory(atPath: node.root + "/layers/zz", withIntermediateDirectories: false)
            let outcome = try node.ctr("fsck")
            #expect(outcome.code == 4 && outcome.output.contains("layers/zz"), "\(outcome)")
            let lines = try node.ctr("fsck", "--json").output.split(separator: "\n")
            #expect(lines.contains { $0.contains("\"orphan\"") } && lines.last?.contains("\"summary\"") == true)
        }
    }
}

extension Node {
    /// The layer's own copy of a small file.
    fileprivate var storedFile: String {
        let layers = (try? FileManager.default.contentsOfDirectory(atPath: root + "/layers")) ?? []
        return layers.map { root + "/layers/\($0)/fs/etc/architecture" }.first { FileManager.default.fileExists(atPath: $0) } ?? "/nowhere"
    }

    /// The layer that has it, as `snapshot ls` shows it.
    fileprivate func layer() throws -> String {
        let directory = storedFile.dropLast("/fs/etc/architecture".count)
        let rows = try #require(try json("snapshot", "ls") as? [[String: Any]])
        let row = try #require(rows.first { ($0["path"] as? String)?.hasPrefix(directory + "/") == true })
        return try String(#require(row["key"] as? String).dropFirst(7).prefix(12))
    }

    fileprivate func flipByte() throws {
        let script = """
            import os, sys
            path = sys.argv[1]
            before = os.stat(path)
            with open(path, "r+b") as file:
                byte = file.read(1)[0]
                file.seek(0)
                file.write(bytes([byte ^ 1]))
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
            """
        let outcome = try command(["python3", "-c", script, storedFile])
        try #require(outcome.code == 0, "\(outcome)")
    }

    fileprivate func runSleeper(_ image: String) throws -> String {
        try good("run", "-d", image, "sleep", "1000").trimmingCharacters(in: .whitespacesAndNewlines)
    }

    fileprivate func fileSeen(by id: String) throws -> String {
        let detail = try #require((try json("inspect", id) as? [[String: Any]])?.first)
        let pid = try #require((detail["summary"] as? [String: Any])?["pid"] as? Int)
        return try command(["cat", "/proc/\(pid)/root/etc/architecture"]).output
    }

    fileprivate func damaged() throws -> [String] { (try json("info") as? [String: Any])?["damagedLayers"] as? [String] ?? ["?"] }

    fileprivate func replaced() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: root + "/replaced") }
}
