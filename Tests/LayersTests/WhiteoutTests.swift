// SPDX-License-Identifier: Apache-2.0

import Layers
import Linux
import SystemPackage
import Tar
import Testing

@Suite(.asRoot, .overlay) struct WhiteoutTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var layers: [[Member]]
        /// The whole listing but the root.
        var names: [String]

        init(_ name: String, _ layers: [[Member]], _ names: [String]) {
            testDescription = name
            self.layers = layers
            self.names = names
        }
    }

    private static let base: [Member] = [
        .directory("d"), .file("d/a"), .file("d/b"), .directory("d/sub"), .file("d/sub/c"), .symlink("link", "d/a"), .file("f"),
    ]
    private static let all = ["d", "d/a", "d/b", "d/sub", "d/sub/c", "f", "link"]
    private static func without(_ names: String...) -> [String] { all.filter { !names.contains($0) } }

    static let cases: [Case] = [
        Case("a file", [base, [.whiteout("f")]], without("f")),
        Case("a nested file", [base, [.whiteout("d/a")]], without("d/a")),
        Case("a link, and not its target", [base, [.whiteout("link")]], without("link")),
        Case("a directory with what is in it", [base, [.whiteout("d")]], ["f", "link"]),
        Case("a nested directory", [base, [.whiteout("d/sub")]], without("d/sub", "d/sub/c")),
        Case("nothing", [base, [.whiteout("nothing"), .whiteout("d/nothing")]], all),
        Case("in a directory that nobody has", [base, [.whiteout("new/nothing")]], (all + ["new"]).sorted()),
        Case("of the lowest layer", [[.whiteout("f"), .whiteout("x/y"), .opaque("z")]], ["x", "z"]),
        Case("through a link of a lower layer", [base + [.symlink("l", "d")], [.whiteout("l/a")]], (without("d/a") + ["l"]).sorted()),
        Case("anew in the same layer", [base, [.whiteout("f"), .file("f")]], all),
        Case("anew in the same layer, before its deletion", [base, [.file("f"), .whiteout("f")]], all),
        Case("a directory anew: nothing of the old", [base, [.file("d/new"), .whiteout("d")]], ["d", "d/new", "f", "link"]),
        Case("and back again", [base, [.whiteout("d")], [.file("d/back")]], ["d", "d/back", "f", "link"]),
        Case("twice", [base, [.whiteout("f")], [.whiteout("f")]], without("f")),
        Case("below a deletion", [base, [.whiteout("d"), .whiteout("d/a"), .file("d/new")]], ["d", "d/new", "f", "link"]),
        Case("opaque, first", [base, [.opaque("d"), .directory("d"), .file("d/new")]], ["d", "d/new", "f", "link"]),
        Case("opaque, last", [base, [.directory("d"), .file("d/new"), .opaque("d")]], ["d", "d/new", "f", "link"]),
        Case("opaque, alone", [base, [.opaque("d")]], ["d", "f", "link"]),
        Case("opaque, nested", [base, [.opaque("d/sub")]], without("d/sub/c")),
        Case("opaque, nested in opaque", [base, [.opaque("d/sub"), .opaque("d")]], ["d", "d/sub", "f", "link"]),
        Case("opaque, where there is none", [base, [.opaque("new/deep")]], (all + ["new", "new/deep"]).sorted()),
        Case("opaque, of the root", [base, [.file("only"), .opaque("")]], ["only"]),
        Case("opaque, of the root, and a layer on top", [base, [.file("only"), .opaque("")], [.file("d/top")]], ["d", "d/top", "only"]),
        Case("opaque, on a file of a lower layer", [[.file("d")], [.directory("d"), .opaque("d")]], ["d"]),
        Case("opaque, seen by a third layer", [base, [.opaque("d")], [.file("d/a")]], ["d", "d/a", "f", "link"]),
        Case("a file becomes a directory", [[.file("x")], [.directory("x"), .file("x/y")]], ["x", "x/y"]),
        Case("a directory becomes a file", [[.directory("x"), .file("x/y")], [.file("x")]], ["x"]),
        Case("a directory becomes a link", [base, [.symlink("d", "f")]], ["d", "f", "link"]),
        Case("a link becomes a directory", [base, [.directory("link"), .file("link/x")]], (all + ["link/x"]).sorted()),
        Case(
            "flips: old children never come back",
            [
                [.directory("x"), .file("x/1")], [.file("x")], [.directory("x"), .file("x/2")], [.symlink("x", "y")],
                [.directory("x"), .file("x/3")],
            ],
            ["x", "x/3"]),
        Case(
            "flips by deletion",
            [[.directory("x"), .file("x/1")], [.whiteout("x")], [.directory("x"), .file("x/2")], [.whiteout("x")], [.file("x/3")]],
            ["x", "x/3"]),
        Case("replaced within a layer", [base, [.file("d"), .directory("d"), .file("d/new")]], ["d", "d/new", "f", "link"]),
        Case("a name that only begins like one", [[.file(".wh"), .file(".whx"), .file("a.wh.b")]], [".wh", ".whx", "a.wh.b"]),
        Case("a name that begins with dots", [[.file("..two"), .file(".one")], [.whiteout("..two"), .whiteout(".one")]], []),
        Case(
            "aufs's own", [base, [.directory(".wh..wh.plnk"), .file(".wh..wh.plnk/1.2"), .file(".wh..wh.aufs"), .file("d/.wh..wh.orph")]],
            all),
    ]

    @Test("a deletion hides exactly what it names", arguments: cases)
    func hides(one: Case) throws {
        let tree = try withDirectory(inMemory: true) { try Stack($0, one.layers).merged() }
        #expect(tree.keys.filter { !$0.isEmpty }.sorted() == one.names)
    }

    @Test("the order of a layer's entries does not matter for its deletions")
    func orders() throws {
        let layer: [Member] = [.directory("d", mode: 0o700), .opaque("d"), .file("d/new", "n"), .whiteout("f"), .whiteout("link")]
        let expected = try merge(Self.base, layer)
        #expect(expected.keys.sorted() == ["", "d", "d/new"])
        for order in permutations(layer) {
            try expectSame(expected, merge(Self.base, order))
        }
    }

    private func permutations(_ members: [Member]) -> [[Member]] {
        guard members.count > 1 else { return [members] }
        return members.indices.flatMap { index in
            var rest = members
            let first = rest.remove(at: index)
            return permutations(rest).map { [first] + $0 }
        }
    }

    @Test(
        "whiteouts of no name, and of names that can't be, are refused",
        arguments: [
            ".wh.", ".wh..", ".wh...", "d/.wh.", "d/.wh..", "d/.wh...", ".wh." + String(repeating: "n", count: 256), ".wh.dir/file",
        ])
    func refused(name: String) throws {
        try withDirectory(inMemory: true) { directory in
            #expect(throws: LayerError.self) { try extract([.file(name)], into: directory) }
        }
    }

    @Test("a name of any bytes is deleted exactly: 255 of them, newlines, none that is UTF-8")
    func oddNames() throws {
        let names: [[UInt8]] = [
            Array(repeating: 0x6E, count: 255), Array(repeating: 0xE9, count: 255), Array("a\nb".utf8), [0xFF, 0xFE], Array(" ".utf8),
            Array("\u{e9}".utf8), Array("e\u{301}".utf8), Array("\\".utf8), Array("-rf".utf8), Array("a:b,c=d".utf8),
        ]
        func files(_ prefix: String) -> [Member] {
            names.map { name in Member.file("x").with { $0.path = Array("d/\(prefix)".utf8) + name } }
        }
        #expect(try merge(files("")).count == names.count + 2)
        for (index, whiteout) in files(".wh.").enumerated() {
            let tree = try merge(files(""), [whiteout])
            #expect(tree.count == names.count + 1)
            #expect(tree["d/" + shown(names[index])] == nil)
        }
    }

    @Test("a whiteout counts whatever its type is, and its content is nobody's")
    func types() throws {
        let name = "d/.wh.a"
        for member: Member in [
            .file(name, "content"), .symlink(name, "/etc/passwd"), .hardLink(name, "d/b"), .directory(name), .fifo(name),
            .character(name, 1, 3),
        ] {
            let tree = try merge(Self.base, [member, .file("after", "x")])
            #expect(tree["d/a"] == nil)
            #expect(tree["d/b"] != nil)
            #expect(tree["after"]?.content == [0x78])
            #expect(!tree.keys.contains { $0.contains(".wh.") })
        }
    }

    @Test("a directory that is deleted and made anew has nothing of the old one's attributes")
    func attributes() throws {
        let old = Member.directory("d", mode: 0o1700).with { ($0.uid, $0.modifiedSeconds) = (7, 7) }
        let anew = try merge([old, .file("d/a")], [.whiteout("d"), .file("d/b")])
        #expect(anew["d"]?.mode == 0o755)
        #expect(anew["d"]?.uid == 0)
        let emptied = try merge([old, .file("d/a")], [.opaque("d"), .file("d/b")])
        #expect(emptied["d"]?.mode == 0o1700)
        #expect(emptied["d"]?.uid == 7)
    }
}
