// SPDX-License-Identifier: Apache-2.0

import Client
import JSON
import Testing

@Suite struct TableTests {
    @Test("columns are aligned, two spaces apart, without blanks at the ends of lines")
    func aligned() {
        let text = table(["ID", "NAME", "STATE"], [["1", "long-name", "running"], ["12345", "x", ""], ["", "", "y"]])
        #expect(
            text == """
                ID     NAME       STATE
                1      long-name  running
                12345  x
                                  y

                """)
    }

    @Test("a table without rows is its header")
    func empty() { #expect(table(["ID", "NAME"], []) == "ID  NAME\n") }

    @Test(
        "a hostile cell stays in its row and its column",
        arguments: [
            "a\nb", "a\rb", "\u{1b}[2J\u{1b}[H", "\u{1b}]52;c;AAAA\u{7}", "\u{9b}31m", "\u{202e}exe.txt", "\u{200b}", "\u{feff}", "\u{0}",
            "a\u{2028}b", "\u{e0041}", "\u{e000}", "a\u{300}\u{300}\u{300}\u{300}\u{300}\u{300}\u{300}", "\u{300}", "\u{3164}", "\t", "漢字",
            "😀",
        ])
    func hostile(cell: String) throws {
        let text = table(["A", "B"], [[cell, "END"], ["x", "END"]])
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        try #require(lines.count == 4 && lines[3].isEmpty)
        let ends = try lines[1...2].map { line in
            let end = try #require(line.firstRange(of: "END"))
            return columns(of: String(line[..<end.lowerBound]))
        }
        #expect(ends[0] == ends[1])
        for scalar in text.unicodeScalars where scalar != "\n" {
            #expect(![.control, .format, .lineSeparator, .paragraphSeparator, .privateUse].contains(scalar.properties.generalCategory))
        }
    }

    @Test(
        "escapes say what was there",
        arguments: [
            ("plain", "plain"), ("é漢😀", "é漢😀"), ("\n\r\t", "\\n\\r\\t"), ("\u{1b}", "\\x1b"), ("\u{7}", "\\x07"), ("\u{202e}", "\\u{202e}"),
            ("\\n", "\\n"), ("\u{85}", "\\u{85}"), ("a\u{301}", "a\u{301}"), ("\u{301}a", "\\u{301}a"),
        ])
    func escapes(text: String, shown: String) { #expect(terminalSafe(text) == shown) }

    @Test("escaped JSON is the same document, and moves no cursor")
    func json() throws {
        let values = ["\u{7f}\u{9b}31m", "\u{202e}", "\u{e0041}", "é\n\"\\", "\u{2028}"]
        for style in [JSON.Style.compact, .pretty] {
            let text = terminalSafe(json: try JSON.encode(values, style))
            #expect(try JSON.decode([String].self, from: Array(text.utf8)) == values)
            #expect(text.unicodeScalars.allSatisfy { $0 == "\n" || $0.value == 0xe9 || (0x20..<0x7f).contains($0.value) })
        }
    }

    @Test(
        "a cell is shortened by columns, never in the middle of a letter",
        arguments: [
            ("short", 5, "short"), ("longer", 5, "long…"), ("漢字漢字", 5, "漢字…"), ("漢字漢字", 4, "漢…"),
            ("e\u{301}e\u{301}e\u{301}", 2, "e\u{301}…"),
        ])
    func shortens(text: String, limit: Int, expected: String) {
        let result = shortened(text, columns: limit)
        #expect(result == expected)
        #expect(columns(of: result) <= limit)
    }

    @Test(
        "a mistyped word is recognised, a foreign one is not",
        arguments: [
            ("rn", "run"), ("urn", "run"), ("iamges", "images"), ("snapshto", "snapshot"), ("snap", "snapshot"), ("lgos", "logs"),
            ("xyzzy", nil),
            ("", nil), ("k", nil),
        ] as [(String, String?)])
    func suggests(word: String, meant: String?) {
        #expect(suggestion(for: word, among: ["run", "rm", "images", "logs", "snapshot", "pull"]) == meant)
    }
}
