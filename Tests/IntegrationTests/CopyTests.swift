// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// `cp`, `diff` and `export` as a user types them; tar, diff and podman judge.
@Suite(.asRoot, .serialized) struct CopyTests {
    /// A node with a container named "box", which waits; and a directory for this side of the copies.
    private func withBox(running: Bool = true, script: String = "", _ body: (Node, String) throws -> Void) throws {
        let image = try Registry.withFixtures().byDigest("test/busybox")
        try withNode { (node: Node) throws in
            let whole = "\(script)\necho ready; \(running ? "exec sleep 1000" : "exit 0")"
            try node.good("run", "-d", "--init", "--name", "box", image, "sh", "-c", whole)
            if running { try node.wait(forLog: "ready", of: "box") } else { try node.good("wait", "box") }
            let directory = node.directory.appending(path: "here").path
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            try body(node, directory)
        }
    }

    private static let makeTree = """
        mkdir -p tree/sub/deep tree/empty; echo text > tree/file; printf 'x' > 'tree/sub/a name'; ln -s /etc/shadow tree/link; ln -s file tree/near
        ln tree/file tree/sub/second; chmod 4750 tree/sub/deep; chmod 755 tree/file; truncate -s 300M tree/hole
        touch -d '2001-02-03 04:05:06.789' tree/sub
        """

    @Test("a tree that goes in and comes out again is the same, whether the container runs or not", arguments: [true, false])
    func thereAndBack(running: Bool) throws {
        try withBox(running: running) { node, here in
            try #require(try command(["sh", "-c", Self.makeTree], in: here).code == 0)
            try node.good("cp", "-a", here + "/tree", "box:/tmp")
            try node.good("cp", "-a", "box:/tmp/tree", here + "/back")
            let names = try ["tree", "back"].map { name in
                try command(["sh", "-c", "cd \(name) && find . -printf '%P %y %m %U %G %s %n %l %T@\\n' | sort"], in: here).output
            }
            #expect(names[0] == names[1])
            let same = try command(["diff", "-r", "--no-dereference", "tree", "back"], in: here)
            #expect(same.code == 0, "\(same)")
            let blocks = try command(["stat", "-c", "%b", here + "/back/hole"]).output
            #expect(try #require(Int(blocks.trimmingCharacters(in: .whitespacesAndNewlines))) < 1000, "the hole was filled")
            let inside = try node.good("cp", "box:/tmp/tree/.", "-")
            #expect(inside.contains("sub/a name"))
        }
    }

    @Test("owners become root's in the container and one's own here; setuid bits stay behind; -a keeps both")
    func owners() throws {
        try withBox { node, here in
            try #require(try command(["sh", "-c", "echo x > f; chown 7:8 f; chmod 4711 f"], in: here).code == 0)
            try node.good("cp", here + "/f", "box:/tmp/plain")
            try node.good("cp", "-a", here + "/f", "box:/tmp/kept")
            let seen = try node.good("exec", "box", "stat", "-c", "%n %u:%g %a", "/tmp/plain", "/tmp/kept")
            #expect(seen == "/tmp/plain 0:0 711\n/tmp/kept 7:8 4711\n")
            try node.good("cp", "box:/tmp/kept", here + "/plain")
            try node.good("cp", "-a", "box:/tmp/kept", here + "/kept")
            #expect(try command(["stat", "-c", "%n %u:%g %a", "plain", "kept"], in: here).output == "plain 0:0 711\nkept 7:8 4711\n")
        }
    }

    @Test("names go where docker's would: into a directory that is there, or under a new name; -L follows; the rest is refused")
    func rules() throws {
        try withBox(script: "mkdir -p /srv/d/sub; echo one > /srv/d/one; ln -s /srv/d /srv/link") { node, here in
            try node.good("cp", "box:/srv/d", here)
            try node.good("cp", "box:/srv/d", here + "/new")
            try node.good("cp", "box:/srv/d/.", here + "/dot")
            try node.good("cp", "box:srv/d/one", here + "/dot/two")
            try node.good("cp", "box:/srv/link", here + "/asLink")
            try node.good("cp", "-L", "box:/srv/link", here + "/followed")
            let names = try command(["sh", "-c", "find . | sort"], in: here).lines
            #expect(
                names == [
                    ".", "./asLink", "./d", "./d/one", "./d/sub", "./dot", "./dot/one", "./dot/sub", "./dot/two", "./followed",
                    "./followed/one", "./followed/sub", "./new", "./new/one", "./new/sub",
                ])
            #expect(try FileManager.default.destinationOfSymbolicLink(atPath: here + "/asLink") == "/srv/d")
            for words in [
                ["box:/nothing", here], [here + "/nothing", "box:/tmp"], ["box:/srv/d", here + "/dot/one"], [here, "box:/srv/d/one"],
                ["box:/srv/d/one", here + "/no/such"], [here + "/dot/one", "box:/no/such/place"], [here + "/dot/one", "box:/srv/d/one/"],
                ["box:/srv/d/one", "box:/tmp"], [here, here + "/x"], ["nobody:/x", here], ["box:/srv/d/one", "/dev/null"],
            ] {
                let outcome = try node.ctr(["cp"] + words)
                #expect(outcome.code != 0 && !outcome.errors.isEmpty, "\(words): \(outcome)")
            }
            #expect(try command(["test", "-c", "/dev/null"]).code == 0)
        }
    }

    @Test("- is a tar on stdin and to stdout; what is none is refused")
    func streams() throws {
        try withBox(script: "mkdir /srv; echo one > /srv/one") { node, here in
            let archive = try node.ctr("cp", "box:/srv", "-")
            #expect(archive.code == 0)
            #expect(try command(["tar", "-tf", "-"], input: archive.bytes).lines == ["srv/", "srv/one"])
            try node.good("cp", "-", "box:/tmp", input: archive.bytes)
            #expect(try node.good("exec", "box", "cat", "/tmp/srv/one") == "one\n")
            for bytes in [Array(archive.bytes.prefix(700)), Array("no tar at all".utf8), [UInt8](repeating: 9, count: 3_000_000)] {
                let outcome = try node.ctr("cp", "-", "box:/tmp", input: bytes)
                #expect(outcome.code != 0 && !outcome.errors.isEmpty)
            }
        }
    }

    @Test("diff tells what was added, changed and deleted, in letters and in JSON, and never in a terminal's language")
    func diff() throws {
        let script =
            "echo x > /etc/added; rm /bin/true; printf x > \"$(printf '/tmp/\\033[31mred')\"; printf x > \"$(printf '/tmp/\\377')\""
        for running in [true, false] {
            try withBox(running: running, script: script) { node, _ in
                let lines = try node.good("diff", "box").split(separator: "\n").map(String.init)
                #expect(lines == ["C /bin", "D /bin/true", "C /etc", "A /etc/added", "C /tmp", "A /tmp/\\x1b[31mred", "A /tmp/\\xff"])
                let records = try node.good("diff", "--json", "box").split(separator: "\n").map(String.init)
                #expect(records.count == 7 && records[1] == #"{"kind":"deleted","path":"/bin/true"}"#, "\(records)")
                #expect(records.last?.contains(#""pathBase64":"L3RtcC//""#) == true, "\(records.last ?? "")")
            }
        }
    }

    @Test("an export is a root for tar and for podman, whole or not there", arguments: [true, false])
    func export(running: Bool) throws {
        try withBox(running: running, script: "echo new > /etc/added; rm /bin/true; mkfifo /tmp/fifo") { node, here in
            try node.good("export", "-o", here + "/root.tar", "box")
            #expect(try FileManager.default.contentsOfDirectory(atPath: here) == ["root.tar"])
            try #require(try command(["sh", "-c", "mkdir out && tar -C out -xpf root.tar"], in: here).code == 0)
            #expect(try command(["cat", here + "/out/etc/added"]).output == "new\n")
            #expect(!FileManager.default.fileExists(atPath: here + "/out/bin/true"))
            #expect(try FileManager.default.contentsOfDirectory(atPath: here + "/out/proc") == [])
            #expect(try node.ctr("export", "box").bytes.count > 512)
            #expect(try node.ctr("export", "-o", here + "/none.tar", "nobody").code != 0)
            #expect(try FileManager.default.contentsOfDirectory(atPath: here).sorted() == ["out", "root.tar"])
            let podman = [
                "podman", "--root", here + "/root", "--runroot", here + "/runroot", "--tmpdir", here + "/tmp", "--storage-driver", "vfs",
            ]
            let imported = try command(podman + ["import", here + "/root.tar", "localhost/exported:1"])
            try #require(imported.code == 0, "\(imported)")
            let mounted = try command(podman + ["image", "mount", "localhost/exported:1"])
            let root = mounted.output.trimmingCharacters(in: .whitespacesAndNewlines)
            #expect(try command(["diff", "-r", "--no-dereference", "--exclude=fifo", root, here + "/out"]).output == "", "\(mounted)")
            #expect(try command(podman + ["image", "unmount", "--all"]).code == 0)
        }
    }

    @Test("a client that goes in the middle of a copy leaves nothing: the container can be started at once")
    func clientGoes() throws {
        try withBox(running: false, script: "dd if=/dev/zero of=/tmp/big bs=1M count=64 2>/dev/null") { node, here in
            let ctr = "\(Node.bin)/ctr-swift --socket \(node.socket)"
            for copy in ["\(ctr) export box | head -c 1000 | wc -c", "\(ctr) cp box:/tmp - | head -c 1000 | wc -c"] {
                #expect(try command(["sh", "-c", copy]).output == "1000\n")
            }
            let archive = try node.ctr("cp", "box:/tmp", "-").bytes
            for _ in 0..<5 { _ = try node.ctr("cp", "-", "box:/tmp", input: Array(archive.prefix(20_000_000))) }
            var outcome = try node.ctr("start", "box")
            for _ in 0..<200 where outcome.code != 0 {
                usleep(50_000)
                outcome = try node.ctr("start", "box")
            }
            #expect(outcome.code == 0, "\(outcome.errors)")
            try node.good("wait", "box")
        }
    }
}
