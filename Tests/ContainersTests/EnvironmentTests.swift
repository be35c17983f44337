// SPDX-License-Identifier: Apache-2.0

import Containers
import Testing

@Suite struct EnvironmentTests {
    private static func resolve(_ image: [String] = [], _ request: [String] = [], home: String = "/", tty: Bool = false) throws -> [String]
    {
        try ProcessEnvironment.resolve(image: image, request: request, hostname: "h", home: home, tty: tty)
    }

    private static let path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    @Test("an image and a request that say nothing give PATH, HOSTNAME and HOME, and nothing of this process's")
    func defaults() throws {
        #expect(try Self.resolve(home: "/root") == [Self.path, "HOSTNAME=h", "HOME=/root"])
    }

    @Test("a terminal brings TERM, which image and request may replace")
    func terminal() throws {
        #expect(try Self.resolve(tty: true) == [Self.path, "HOSTNAME=h", "TERM=xterm", "HOME=/"])
        #expect(try Self.resolve(["TERM=vt100"], tty: true) == [Self.path, "HOSTNAME=h", "TERM=vt100", "HOME=/"])
        #expect(try Self.resolve(["TERM=vt100"], ["TERM="], tty: true) == [Self.path, "HOSTNAME=h", "TERM=", "HOME=/"])
    }

    @Test("the image replaces defaults, the request replaces the image's, each in its first place and once")
    func merging() throws {
        let merged = try Self.resolve(
            ["A=1", "PATH=/img", "B=2", "A=3", "HOME=/img"], ["B=x=y", "C=", "HOSTNAME=other", "C=4", "HOME=/req"], home: "/root")
        #expect(merged == ["PATH=/img", "HOSTNAME=other", "A=3", "B=x=y", "HOME=/req", "C=4"])
    }

    @Test("an empty PATH or HOME is a value that was asked for")
    func emptyValues() throws {
        #expect(try Self.resolve(["PATH="], ["HOME="]) == ["PATH=", "HOSTNAME=h", "HOME="])
    }

    @Test("an image's entry without a name or a value sets nothing", arguments: ["A", "", "=", "=value"])
    func imageWithoutValue(entry: String) throws {
        #expect(try Self.resolve([entry]) == [Self.path, "HOSTNAME=h", "HOME=/"])
    }

    @Test("a request's entry that is not NAME=value is refused", arguments: ["A", "", "=", "=value"])
    func requestWithoutName(entry: String) throws {
        expectInvalid("not NAME=value") { try Self.resolve([], [entry]) }
    }

    @Test("a NUL is refused, wherever it stands", arguments: ["A\0=1", "A=1\0", "A=\0B=2"])
    func nul(entry: String) throws {
        expectInvalid("NUL") { try Self.resolve([entry]) }
        expectInvalid("NUL") { try Self.resolve([], [entry]) }
    }

    @Test(
        "values keep their bytes: line feeds, carriage returns, separators and accents",
        arguments: ["a\nb", "a\r\nb", "=", "\u{301}", "é", "e\u{301}"])
    func bytes(value: String) throws {
        let entries = try Self.resolve(["V=\(value)"])
        #expect(entries.contains { Array($0.utf8) == Array("V=\(value)".utf8) })
    }

    @Test("two names are one where their bytes are, and not where they look the same")
    func namesAreBytes() throws {
        let (composed, decomposed) = ("\u{e9}=1", "e\u{301}=2")
        let entries = try Self.resolve([composed], [decomposed]).map { Array($0.utf8) }
        #expect(entries.contains(Array(composed.utf8)))
        #expect(entries.contains(Array(decomposed.utf8)))
    }
}
