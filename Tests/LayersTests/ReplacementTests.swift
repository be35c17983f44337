// SPDX-License-Identifier: Apache-2.0

import Layers
import Linux
import SystemPackage
import Tar
import TestSupport
import Testing

/// Names that come more than once, entries below what is no directory, and hard links of all sorts.
@Suite(.asRoot, .overlay) struct ReplacementTests {
    private static func forms(_ content: String) -> [[Member]] {
        [
            [.file("x", content, mode: 0o640)], [.directory("x", mode: 0o750), .file("x/\(content)", content)], [.symlink("x", content)],
            [.fifo("x")], [.character("x", 1, 3)], [.block("x", 7, 200)], [.hardLink("x", "other")],
        ]
    }

    @Test("of a name that comes twice in a layer the last entry is left, and nothing of the first", arguments: 0..<7, 0..<7)
    func twice(first: Int, second: Int) throws {
        let layer = [.file("other", "other")] + Self.forms("one")[first] + Self.forms("two")[second]
        for layers in [[layer], [[.directory("x"), .file("x/lower")], layer], [[.file("x", "lower")], layer]] {
            var model = ModelTree()
            for layer in layers { try model.apply(layer) }
            try withDirectory(inMemory: true) { directory in expectSame(model.listing(), try Stack(directory, layers).merged()) }
        }
    }

    @Test("a name may flip many times", arguments: 0..<7)
    func flips(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let layer =
            [.file("other", "other")] + (0..<50).flatMap { Self.forms("\($0)")[Int.random(in: 0..<7, using: &random)] }
        var model = ModelTree()
        try model.apply(layer)
        expectSame(model.listing(), try merge(layer))
    }

    @Test("of a name that is in two layers the upper one's type is left, and nothing that was in the lower one's", arguments: 0..<7, 0..<7)
    func acrossLayers(first: Int, second: Int) throws {
        try expectModel([[.file("other", "other")] + Self.forms("one")[first], Self.forms("two")[second]])
    }

    @Test("five layers that flip a name's type show the last one's alone, and no old child comes back", arguments: 0..<7)
    func flipsAcrossLayers(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let flips = (0..<5).map { Self.forms("\($0)")[Int.random(in: 0..<7, using: &random)] }
        try expectModel([[.file("other", "other")]] + flips)
        // Directories and files by turns, with children of the same name.
        try expectModel(
            (0..<5).map { $0 % 2 == 0 ? [.directory("x"), .file("x/child", "\($0)"), .file("x/\($0)")] : [.file("x", "\($0)")] })
    }

    private func expectModel(_ layers: [[Member]]) throws {
        var model = ModelTree()
        for layer in layers { try model.apply(layer) }
        try withDirectory(inMemory: true) { directory in expectSame(model.listing(), try Stack(directory, layers).merged()) }
    }

    @Test("what was a fifo or a device is not written to, and a file's other names keep their content")
    func notOpened() throws {
        let tree = try merge([
            .fifo("p"), .file("p", "data"), .character("n", 1, 3), .file("n", "data"), .file("a", "first"), .hardLink("b", "a"),
            .file("b", "second"),
            .fifo("q"), .hardLink("r", "q"), .file("r", "data"), .symlink("l", "a"), .file("l", "third"),
        ])
        #expect(tree["p"]?.content == Array("data".utf8))
        #expect(tree["n"]?.content == Array("data".utf8))
        #expect(tree["a"]?.content == Array("first".utf8))
        #expect(tree["a"]?.links == 1)
        #expect(tree["b"]?.content == Array("second".utf8))
        #expect(tree["q"]?.kind == .fifo)
        #expect(tree["l"]?.content == Array("third".utf8))
    }

    @Test(
        "an entry below what is no directory is refused",
        arguments: [
            [.file("x"), .file("x/y")], [.fifo("x"), .file("x/y")], [.character("x", 1, 3), .directory("x/y")],
            [.file("f"), .hardLink("x", "f"), .file("x/y")], [.symlink("x", "x"), .file("x/y")],
            [.symlink("a", "b"), .symlink("b", "a"), .file("a/y")], [.file("f"), .symlink("x", "f"), .file("x/y")],
            [.file("x"), .hardLink("h", "x/y")], [.symlink("x", "x"), .whiteout("x/y")],
            (0...41).map { .symlink("l\($0)", "l\($0 + 1)") } + [.directory("l42"), .file("l0/y")],
        ] as [[Member]])
    func belowFiles(members: [Member]) throws {
        try withDirectory(inMemory: true) { directory in
            #expect(throws: LayerError.self) { try extract(members, into: directory) }
        }
    }

    @Test("forty links on the way are followed")
    func manyLinks() throws {
        let links: [Member] = (0..<40).map { .symlink("l\($0)", "l\($0 + 1)") }
        #expect(try merge(links + [.directory("l40"), .file("l0/y", "found")])["l40/y"]?.content == Array("found".utf8))
    }

    @Test("a file of a lower layer in the place of a directory that the layer does not list is refused when they meet")
    func lowerFile() throws {
        #expect(throws: LayerError.self) { try merge([.file("x")], [.file("x/y")]) }
        #expect(throws: LayerError.self) { try merge([.file("x"), .symlink("l", "x")], [.file("l/y")]) }
        #expect(try merge([.file("x")], [.directory("x"), .file("x/y")]).count == 3)
        #expect(try merge([.file("x")], [.whiteout("x"), .file("x/y")]).count == 3)
    }

    // MARK: Hard links

    @Test(
        "a hard link to no file is refused, in its layer or when the layers meet",
        arguments: [
            [.hardLink("h", "missing")], [.hardLink("h", "h")], [.file("h"), .hardLink("h", "h")], [.hardLink("h", "/")],
            [.hardLink("h", "")], [.hardLink("h", "..")], [.directory("d"), .hardLink("h", "d")], [.file("d/f"), .hardLink("h", "d")],
            [.hardLink("h", "late"), .file("late", "content")], [.file("d/f"), .hardLink("d", "d/f")], [.hardLink("h", ".wh.x")],
            [.file("x"), .hardLink("h", ".wh..wh..opq")], [.hardLink("h", String(repeating: "n", count: 256))],
            [.hardLink("h", "missing/deep/name")],
        ] as [[Member]])
    func noTarget(members: [Member]) throws {
        #expect(throws: LayerError.self) { try merge(members) }
    }

    @Test("a hard link to a lower layer's file is one file with it, with all its names")
    func lowerTarget() throws {
        let base: [Member] = [
            Member.file("d/a", "content", mode: 0o4711).with {
                ($0.uid, $0.modifiedSeconds, $0.modifiedNanoseconds) = (7, 8, 9)
                $0.attributes = [TarEntry.Attribute(key: Array("user.a".utf8), value: [1])]
            },
            .hardLink("d/b", "d/a"), .symlink("s", "d/a"), .fifo("p"), .character("n", 1, 3),
        ]
        let tree = try merge(
            base, [.hardLink("h", "d/a"), .hardLink("t", "s"), .hardLink("q", "p"), .hardLink("m", "n")], [.hardLink("i", "h")])
        for name in ["d/a", "d/b", "h", "i"] {
            #expect(tree[name]?.sameAs == "d/a")
            #expect(tree[name]?.links == 4)
            #expect(tree[name]?.content == Array("content".utf8))
            #expect(tree[name]?.mode == 0o4711)
            #expect(tree[name]?.uid == 7)
            #expect(tree[name]?.time == FileTime(seconds: 8, nanoseconds: 9))
            #expect(tree[name]?.attributes == ["user.a": [1]])
        }
        #expect(tree["t"]?.target == Array("d/a".utf8))
        #expect(tree["q"]?.kind == .fifo)
        #expect(tree["m"]?.device == 1 << 8 | 3)
    }

    @Test("a hard link to a lower file never is an empty file, whatever the layer does to the target")
    func changedTarget() throws {
        let base: [Member] = [.file("a", "lower"), .file("keep")]
        for layer: [Member] in [
            [.hardLink("h", "a")], [.hardLink("h", "a"), .file("a", "upper")], [.whiteout("a"), .hardLink("h", "a")],
            [.hardLink("h", "a"), .whiteout("a")], [.hardLink("h", "a"), .directory("a")],
            [.hardLink("i", "a"), .hardLink("h", "i"), .file("i")],
            [.file("h", "old"), .hardLink("h", "a")], [.directory("h"), .file("h/old"), .hardLink("h", "./a")],
        ] {
            #expect(try merge(base, layer)["h"]?.content == Array("lower".utf8), "\(layer)")
        }
        #expect(try merge(base, [.file("a", "upper"), .hardLink("h", "a")])["h"]?.content == Array("upper".utf8))
        #expect(try merge(base, [.hardLink("h", "a"), .file("h", "new")])["h"]?.content == Array("new".utf8))
        #expect(try merge(base, [.hardLink("d/h", "a"), .symlink("d", "keep")]).keys.sorted() == ["", "a", "d", "keep"])
    }

    @Test("hard links follow symbolic links on the way to their target, of the layer and of lower ones")
    func linksOnTheWay() throws {
        let base: [Member] = [.file("usr/lib/a", "content"), .symlink("lib", "usr/lib"), .symlink("abs", "/usr/../usr/lib")]
        for layer: [Member] in [
            [.hardLink("h", "lib/a")], [.hardLink("h", "abs/a")], [.symlink("own", "usr"), .hardLink("h", "own/lib/a")],
            [.symlink("own", "lib"), .hardLink("h", "own/a")], [.hardLink("h", "/usr/lib/../lib/a")],
        ] {
            let tree = try merge(base, layer)
            #expect(tree["h"]?.content == Array("content".utf8), "\(layer)")
            #expect(tree["h"]?.sameAs == tree["usr/lib/a"]?.sameAs, "\(layer)")
        }
    }

    @Test("a lower file in a directory's place is no matter where the layer lists or replaces the directory, and be it last")
    func replacedLate() throws {
        let base: [Member] = [.file("a", "old"), .file("c", "c")]
        let tree = try merge(base, [.file("a/x", "x"), .directory("a", mode: 0o700)])
        #expect(tree["a"]?.mode == 0o700)
        #expect(tree["a/x"]?.content == Array("x".utf8))
        #expect(try merge(base, [.hardLink("a/x", "c"), .symlink("a", "c")])["a"]?.target == Array("c".utf8))
        #expect(throws: LayerError.self) { try merge(base, [.file("a/x", "x")]) }
    }
}
