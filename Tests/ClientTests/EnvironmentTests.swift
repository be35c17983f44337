// SPDX-License-Identifier: Apache-2.0

import Client
import Testing

@Suite struct EnvironmentTests {
    private func entries(file text: String) throws -> [String] { try entries(file: Array(text.utf8)) }

    private func entries(file bytes: [UInt8]) throws -> [String] {
        var variables = EnvironmentVariables(here: { ["HERE": Array("from here".utf8), "EMPTY": [], "BYTES": [0xff]][$0] })
        try variables.add(file: bytes, named: "f.env")
        return variables.entries
    }

    @Test(
        "a file's lines are read as Docker reads them",
        arguments: [
            ("A=1\nB=2\n", ["A=1", "B=2"]), ("A=1", ["A=1"]), ("", []), ("\n\n  \n\t\n", []), ("# A=1\n  # B=2\nC=3", ["C=3"]),
            ("  A=1", ["A=1"]), ("A=1  ", ["A=1  "]), ("A=\"x y\"", ["A=\"x y\""]), ("A= x", ["A= x"]), ("A=b=c", ["A=b=c"]),
            ("A=", ["A="]),
            ("A=#x", ["A=#x"]), ("A=1\r\nB=2\r\n", ["A=1", "B=2"]), ("\u{feff}A=1", ["A=1"]),
            ("HERE\nNOT_HERE\nEMPTY", ["HERE=from here", "EMPTY="]),
            ("A=é€😀", ["A=é€😀"]), ("A=1\nA=2", ["A=1", "A=2"]),
        ])
    func file(text: String, expected: [String]) throws { #expect(try entries(file: text) == expected) }

    @Test(
        "a bad line is refused with its number",
        arguments: [("A=1\n=2", 2), ("export A=1", 1), ("\n\nA B=1", 3), ("A =1", 1), ("A\u{0}=1", 1), ("ok=1\nA B", 2)])
    func badLine(text: String, line: Int) throws {
        let error = try #require(throws: UsageError.self) { try entries(file: text) }
        #expect(error.message.contains("f.env:\(line)"))
    }

    @Test("bytes that are not UTF-8 are refused, in a file and in a variable, instead of being repaired")
    func notText() {
        #expect(throws: UsageError.self) { try entries(file: [0x41, 0x3d, 0xff]) }
        #expect(throws: UsageError.self) { try entries(file: "BYTES") }
    }

    @Test("-e sets, takes from here, or leaves out what is not set")
    func flags() throws {
        var variables = EnvironmentVariables(here: { $0 == "HERE" ? Array("x=y".utf8) : nil })
        for flag in ["A=1", "HERE", "NOT_HERE", "B=", "C D=1"] { try variables.add(flag: flag) }
        #expect(variables.entries == ["A=1", "HERE=x=y", "B=", "C D=1"])
    }

    @Test("-e without a name is refused", arguments: ["", "=x", "="])
    func noName(text: String) {
        var variables = EnvironmentVariables(here: { _ in nil })
        #expect(throws: UsageError.self) { try variables.add(flag: text) }
    }
}
