// SPDX-License-Identifier: Apache-2.0

import Layers
import Linux
import OCI
import SystemPackage
import Tar
import Testing

/// Layers in stacks: directories that a layer does not list, links below it, layers that come twice, and many of them.
@Suite(.asRoot, .overlay) struct StackTests {
    private static let upper: [Member] = [.file("tmp/new", "n"), .file("root/.profile", "p"), .file("opt/app/bin", "b")]

    @Test("directories that a layer does not list keep what the layers below say, in each image anew")
    func implied() throws {
        func base(_ mode: UInt32, _ owner: UInt64) -> [Member] {
            ([.directory("tmp", mode: mode), .directory("root", mode: 0o700), .directory(".", mode: 0o751)] as [Member]).each {
                ($0.uid, $0.modifiedSeconds, $0.modifiedNanoseconds) = (owner, 1000, 5)
                $0.attributes = [TarEntry.Attribute(key: Array("user.a".utf8), value: [UInt8(truncatingIfNeeded: mode)])]
            }
        }
        try withDirectory { directory in
            // One extraction of the upper layer on two bases: it can't have kept anything of either.
            let upper = try Stack(makeDirectory(directory.appending("upper")), [Self.upper]).layers[0]
            for (mode, owner) in [(0o1777, 0), (0o750, 7)] as [(UInt32, UInt64)] {
                var stack = try Stack(makeDirectory(directory.appending("on-\(mode)")), [base(mode, owner)])
                stack.layers.append(upper)
                let tree = try stack.merged()
                #expect(tree["tmp"]?.mode == mode)
                #expect(tree["tmp"]?.uid == UInt32(owner))
                #expect(tree["tmp"]?.time == FileTime(seconds: 1000, nanoseconds: 5))
                #expect(tree["tmp"]?.attributes == ["user.a": [UInt8(truncatingIfNeeded: mode)]])
                #expect(tree["root"]?.mode == 0o700)
                #expect(tree[""]?.mode == 0o751)
                #expect(tree["opt/app"]?.mode == 0o755)
                #expect(tree["tmp/new"]?.content == Array("n".utf8))
            }
        }
    }

    @Test("a stack whose overlay is right as it is gets no fix-up layer")
    func noFixup() throws {
        try withDirectory(inMemory: true) { directory in
            let base: [Member] = [.directory("."), .directory("d"), .file("d/a"), .symlink("l", "d")]
            let stack = try Stack(directory, [base, [.directory("d", mode: 0o700), .file("d/b"), .file("l")], base])
            #expect(try stack.lowerdirs().count == 3)
        }
        try withDirectory(inMemory: true) { directory in
            // A deletion where overlayfs merges: it is hidden without help.
            let stack = try Stack(directory, [[.directory("d"), .file("d/a")], [.directory("."), .directory("d"), .whiteout("d/a")]])
            #expect(try stack.lowerdirs().count == 2)
        }
    }

    @Test("a merged /usr: files go where the links of the lower layers lead, however they are written")
    func mergedUsr() throws {
        let base: [Member] = [
            .directory("usr"), .directory("usr/lib", mode: 0o711), .file("usr/lib/old"), .symlink("lib", "usr/lib"),
            .symlink("lib64", "/lib"),
            .symlink("bin", "./usr/../usr/bin"), .symlink("far", "lib64/../missing/dir"),
        ]
        let tree = try merge(
            base,
            [
                .file("lib/a", "a"), .file("lib/sub/b", "b"), .directory("lib/sub", mode: 0o700), .file("lib64/c", "c"),
                .hardLink("lib/d", "lib/a"),
                .hardLink("e", "lib/a"), .whiteout("lib/old"), .file("bin/sh", "sh"), .file("far/f", "f"), .directory("usr/lib"),
            ])
        for (path, content) in [
            ("usr/lib/a", "a"), ("usr/lib/sub/b", "b"), ("usr/lib/c", "c"), ("usr/bin/sh", "sh"), ("usr/missing/dir/f", "f"),
        ] {
            #expect(tree[path]?.content == Array(content.utf8), "\(path)")
        }
        #expect(tree["usr/lib/sub"]?.mode == 0o700)
        #expect(tree["usr/lib/old"] == nil)
        #expect(tree["e"]?.links == 3)
        #expect(tree["usr/lib/d"]?.sameAs == "e")
        for link in ["lib", "lib64", "bin", "far"] { #expect(tree[link]?.kind == .symlink, "\(link)") }
        // A layer that lists the directory says that it is one.
        #expect(try merge(base, [.directory("lib"), .file("lib/a")])["lib"]?.kind == .directory)
    }

    @Test("a layer that comes twice is mounted once, and shows what the model says")
    func repeated() throws {
        let one: [Member] = [.directory("d", mode: 0o700), .file("d/a", "one"), .file("f", "one")]
        let two: [Member] = [.directory("d", mode: 0o711), .file("d/b", "two"), .file("f", "two"), .whiteout("d/a")]
        let empty: [Member] = []
        for order in [[0, 0], [0, 1, 0], [0, 1, 0, 1], [2, 0, 2, 1, 2], [1, 0, 0, 1, 2, 2, 0]] {
            let layers = [one, two, empty]
            var model = ModelTree()
            for layer in order { try model.apply(layers[layer]) }
            try withDirectory(inMemory: true) { directory in
                let extracted = try Stack(directory, layers)
                var stack = Stack(directory)
                stack.layers = order.map { extracted.layers[$0] }
                expectSame(model.listing(), try stack.merged())
            }
        }
    }

    @Test("an empty layer is a layer, alone and among others")
    func empty() throws {
        #expect(try merge([]).keys.sorted() == [""])
        #expect(try merge([.file("a")], [], [.file("b")], []).keys.sorted() == ["", "a", "b"])
        try withDirectory(inMemory: true) { directory in
            // A tar of nothing: no bytes, one zero block, or a record of them.
            for (index, count) in [0, 512, 1024, 10_240].enumerated() {
                let facts = try extract([UInt8](repeating: 0, count: count), into: makeDirectory(directory.appending("\(index)")))
                #expect(facts.entries == 0)
                #expect(facts.uncompressedSize == count)
            }
        }
    }

    @Test("many layers merge, and the last one wins", arguments: [127, 128, 400])
    func many(count: Int) throws {
        try withDirectory(inMemory: true) { directory in
            let stack = try Stack(
                directory,
                (0..<count).map { index in
                    [.directory("."), .file("own-\(index)"), .file("shared", "\(index)"), .file("dir/\(index)")]
                        + (index > 0 ? [.whiteout("own-\(index - 1)")] : [])
                })
            let tree = try stack.merged()
            #expect(tree["shared"]?.content == Array("\(count - 1)".utf8))
            #expect(tree.keys.filter { $0.hasPrefix("dir/") }.count == count)
            #expect(tree.keys.filter { $0.hasPrefix("own-") } == ["own-\(count - 1)"])
        }
    }

    @Test("facts do not depend on who extracts a layer, or how often, or what runs beside it")
    func parallel() throws {
        let layers: [[Member]] = (0..<6).map { seed in
            var generator = StackGenerator(seed: UInt64(seed) + 77)
            return (0..<12).flatMap { part in
                generator.stack().layers.joined().filter { !["hardLink"].contains("\($0.entry.kind)") }.map { member in
                    member.with { $0.path = Array("part\(part)/".utf8) + $0.path }
                }
            }
        }
        try withDirectory(inMemory: true) { directory in
            // Those that can be extracted at all, one after the other; then all at once, several times.
            var serial: [(tar: [UInt8], facts: LayerFacts, tree: Listing)] = []
            for (index, members) in layers.enumerated() {
                let place = try makeDirectory(directory.appending("serial\(index)"))
                let kept = try Self.acceptable(members, directory.appending("trial"))
                let tar = try archive(kept)
                serial.append((tar, try extract(tar, into: place), try Self.listWithoutMarks(place)))
            }
            #expect(serial.allSatisfy { $0.facts.entries > 30 })
            for round in 0..<3 {
                let places = try serial.indices.map { try makeDirectory(directory.appending("parallel\(round)-\($0)")) }
                let works = zip(serial, places).map { one, place in
                    { @Sendable () throws -> LayerFacts in try extract(one.tar, into: place) }
                }
                let facts = Set(try onThreads(works).map(Self.sameButDisk))
                #expect(facts == Set(serial.map { Self.sameButDisk($0.facts) }))
                for (one, place) in zip(serial, places) { expectSame(one.tree, try Self.listWithoutMarks(place)) }
            }
        }
    }

    /// When overlayfs's marks of deletions were made is nobody's concern.
    private static func listWithoutMarks(_ place: FilePath) throws -> Listing {
        try list(place).mapValues { object in
            var object = object
            if object.kind == .characterDevice, object.device == 0 { object.time = FileTime(seconds: 0) }
            return object
        }
    }

    private static func acceptable(_ members: [Member], _ trial: FilePath) throws -> [Member] {
        var kept: [Member] = []
        for part in stride(from: 0, to: members.count, by: 4) {
            let candidate = kept + members[part..<min(part + 4, members.count)]
            try makeDirectory(trial, mode: 0o755)
            if (try? extract(candidate, into: trial)) != nil { kept = candidate }
            try removeTree(trial)
        }
        return kept
    }

    /// A directory's blocks depend on what it held before.
    private static func sameButDisk(_ facts: LayerFacts) -> LayerFacts {
        var facts = facts
        facts.diskBytes = 0
        return facts
    }
}
