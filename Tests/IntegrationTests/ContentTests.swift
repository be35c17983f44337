// SPDX-License-Identifier: Apache-2.0

import Foundation
import RegistryFixtures
import TestSupport
import Testing

/// What an image brings along, as its container meets it.
@Suite(.asRoot, .serialized) struct ContentTests {
    /// An image of one layer with a shell in it.
    private func withImage(inherits: Bool = true, _ fill: (inout MadeTar) -> Void, _ body: (Node) throws -> Void) throws {
        var tar = MadeTar()
        tar.add("bin/busybox", Array(try Data(contentsOf: URL(filePath: "/bin/busybox"))), mode: 0o755)
        fill(&tar)
        let image = MadeImage(layers: [tar.bytes])
        try withNode(inherits: inherits) { (node: Node) throws in
            let layout = node.directory.path + "/layout"
            try image.writeLayout(layout, name: "test/content:1")
            try node.good("load", "-q", "-i", layout)
            try body(node)
        }
    }

    private func shell(_ node: Node, _ script: String) throws -> Outcome {
        try node.ctr("run", "--rm", "--pull", "never", "test/content:1", "/bin/busybox", "sh", "-c", "alias ls='busybox ls'; " + script)
    }

    @Test("L-28: device nodes of an image are there with their numbers, and opened only where a container may")
    func devices() throws {
        try withImage { tar in
            tar.add("mem", kind: .character, mode: 0o666, device: (1, 1))
            tar.add("disk", kind: .block, mode: 0o666, device: (7, 200))
            tar.add("nothing", kind: .character, mode: 0o666, device: (1, 3))
        } _: { node in
            let outcome = try shell(
                node,
                """
                for file in /mem /disk /nothing; do /bin/busybox stat -c '%n %F %t:%T' $file; done
                for file in /mem /disk; do /bin/busybox head -c 1 $file >/opened && echo opened $file; done
                echo x > /nothing && echo written
                """)
            #expect(
                outcome.lines == [
                    "/mem character special file 1:1", "/disk block special file 7:c8", "/nothing character special file 1:3", "written",
                ], "\(outcome)")
            #expect(outcome.errors.components(separatedBy: "Operation not permitted").count == 3, "\(outcome.errors)")
        }
    }

    @Test("L-41: names beyond ASCII are exact under a daemon without any environment")
    func names() throws {
        let names = ["größe", "日本語", "e\u{301}", "\u{e9}", "new\nline"]
        try withImage(inherits: false) { tar in
            for name in names { tar.add("names/\(name)", Array(name.utf8)) }
        } _: { node in
            let outcome = try shell(node, "cd /names; for file in *; do /bin/busybox cat \"$file\"; echo; done; ls | /bin/busybox wc -c")
            let sizes = names.reduce(0) { $0 + $1.utf8.count + 1 }
            let shown = Set(outcome.bytes.split(separator: 0x0A, omittingEmptySubsequences: true).map { Array($0) })
            let expected = Set((names + ["\(sizes)"]).flatMap { $0.utf8.split(separator: 0x0A).map { Array($0) } })
            #expect(shown == expected, "\(outcome)")
        }
    }
}
