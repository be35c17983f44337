// SPDX-License-Identifier: Apache-2.0

import Foundation
import RegistryFixtures
import TestSupport
import Testing

@Suite(.asRoot, .serialized) struct EfficiencyTests {
    private static let history = #"""
        [{"created_by":"COPY base"},{"created_by":"ENV A=b","empty_layer":true},{"created_by":"RUN  one\n two"},
        {"created_by":"RUN \u001b[31mlate"}]
        """#

    /// Three layers: `a` is written again by the second, `gone` is deleted by the third.
    private static func image(history: String?) -> MadeImage {
        var base = MadeTar()
        base.add("a", Array(repeating: 0x61, count: 600))
        base.add("gone", Array(repeating: 0x62, count: 300))
        base.add("name\u{1b}[31m", Array(repeating: 0x63, count: 100))
        var last = MadeTar()
        last.add(".wh.gone")
        last.add("name\u{1b}[31m", [0x64])
        return MadeImage(layers: [base.bytes, MadeTar.layer("a", "again"), last.bytes], history: history)
    }

    private func withImage(history: String?, _ body: (Node) throws -> Void) throws {
        try withNode { (node: Node) throws in
            let layout = node.directory.path + "/layout"
            try Self.image(history: history).writeLayout(layout, name: "test/wasteful:1")
            try node.good("load", "-q", "-i", layout)
            try body(node)
            try node.good("rmi", "test/wasteful:1")
        }
    }

    @Test("the efficiency of an image: score, sums, worst paths, and an exit code of its own for a threshold")
    func efficiency() throws {
        try withImage(history: Self.history) { node in
            let found = try #require(try node.json("image", "efficiency", "test/wasteful:1") as? [String: Any])
            #expect(found["contentBytes"] as? Int == 1006)
            #expect(found["wastedBytes"] as? Int == 1000)
            #expect(abs(try #require(found["score"] as? Double) - 6.0 / 1006.0) < 1e-12)
            #expect(found["overwrittenFiles"] as? Int == 2)
            #expect(found["deletedFiles"] as? Int == 1)
            let paths = try #require(found["paths"] as? [[String: Any]])
            #expect(paths.map { $0["path"] as? String } == ["/a", "/gone", "/name\u{1b}[31m"])
            #expect(paths.map { $0["timesWritten"] as? Int } == [2, 1, 2])
            #expect(paths.map { $0["deleted"] as? Bool } == [false, true, false])
            let shown = try node.good("image", "efficiency", "--top", "2", "test/wasteful:1")
            #expect(shown.contains("0.5 %") && shown.contains("/gone (deleted)") && shown.contains("and 1 more"), "\(shown)")
            #expect(try !node.good("image", "efficiency", "test/wasteful:1").contains("\u{1b}"))
            let under = try node.ctr("image", "efficiency", "--fail-under", "0.9", "test/wasteful:1")
            #expect(under.code == 2 && under.errors.contains("under 0.9") && under.output.contains("0.5 %"), "\(under.errors)")
            #expect(try node.ctr("image", "efficiency", "--fail-under", "0.005", "test/wasteful:1").code == 0)
            #expect(try node.ctr("image", "efficiency", "nobody").code == 1)
            // Remembered, and by another process.
            try node.killDaemon()
            try node.start()
            #expect(try node.json("image", "efficiency", "test/wasteful:1") as? NSDictionary == found as NSDictionary)
        }
    }

    @Test("each layer with the command that made it; steps without a layer are left out")
    func tree() throws {
        try withImage(history: Self.history) { node in
            let tree = try #require(try node.json("image", "tree", "test/wasteful:1") as? [String: Any])
            let layers = try #require(tree["layers"] as? [[String: Any]])
            #expect(tree["history"] as? String == "known")
            #expect(layers.map { $0["createdBy"] as? String } == ["COPY base", "RUN  one\n two", "RUN \u{1b}[31mlate"])
            #expect(layers.map { $0["wastedBytes"] as? Int } == [1000, 0, 0])
            #expect(layers.map { $0["contentBytes"] as? Int } == [1000, 5, 1])
            #expect(layers.allSatisfy { $0["compressedSizeInBytes"] as? Int ?? 0 >= 1024 && $0["sizeInBytes"] as? Int ?? 0 > 0 })
            let shown = try node.good("image", "tree", "test/wasteful:1")
            #expect(shown.contains("RUN one two") && !shown.contains("ENV") && !shown.contains("\u{1b}"), "\(shown)")
            #expect(shown.split(separator: "\n").count == 4)
        }
    }

    @Test(
        "a history that is missing or does not fit is said, and the sizes are shown all the same",
        arguments: [(nil, "missing", "no history"), (#"[{"created_by":"only one"}]"#, "mismatched", "does not fit")]
            as [(
                String?, String, String
            )])
    func odd(history: String?, word: String, text: String) throws {
        try withImage(history: history) { node in
            let tree = try #require(try node.json("image", "tree", "test/wasteful:1") as? [String: Any])
            #expect(tree["history"] as? String == word)
            let layers = try #require(tree["layers"] as? [[String: Any]])
            #expect(layers.allSatisfy { $0["createdBy"] == nil })
            #expect(layers.map { $0["wastedBytes"] as? Int } == [1000, 0, 0])
            #expect(try node.good("image", "tree", "test/wasteful:1").contains(text))
        }
    }
}
