// SPDX-License-Identifier: Apache-2.0

import Foundation
import Layers
import Linux
import SystemPackage
import Tar
import Testing

@Suite(.asRoot, .overlay) struct NameTests {
    @Test("names of any bytes are kept as they are, in every tar format", arguments: ["PAX_FORMAT", "GNU_FORMAT", "USTAR_FORMAT"])
    func formats(format: String) throws {
        let program = """
            import io, sys, tarfile
            archive = tarfile.open(fileobj=sys.stdout.buffer, mode='w|', format=tarfile.\(format), encoding='utf-8', errors='surrogateescape')
            def add(name, type=tarfile.REGTYPE, link=''):
                info = tarfile.TarInfo(name)
                info.type, info.linkname = type, link
                archive.addfile(info, io.BytesIO(b''))
            def text(bytes): return bytes.decode('utf-8', 'surrogateescape')
            add('plain')
            add(text('\\u00e4\\u00f6 \\u4e2d\\u6587 \\U0001f600'.encode()))
            add(text(b'new\\nline\\ttab\\x7f\\x01'))
            add(text(b'latin1-\\xe9\\xff'))
            add('d' * 80 + '/' + 'f' * 99)
            if '\(format)' != 'USTAR_FORMAT':
                add('n' * 255)
                add('d' * 200 + '/' + 'e' * 200 + '/f')
                add('link', tarfile.SYMTYPE, '../' * 100 + 'target')
                add('hard', tarfile.LNKTYPE, 'd' * 200 + '/' + 'e' * 200 + '/f')
            archive.close()
            """
        let tar = try run(["python3", "-c", program])
        try withDirectory { directory in
            _ = try extract(tar, into: directory)
            let tree = try list(directory)
            var names: [[UInt8]] = [
                Array("plain".utf8), Array("\u{e4}\u{f6} \u{4e2d}\u{6587} \u{1f600}".utf8), Array("new\nline\ttab\u{7f}\u{1}".utf8),
                Array("latin1-".utf8) + [0xE9, 0xFF],
            ]
            var paths = [String(repeating: "d", count: 80) + "/" + String(repeating: "f", count: 99)]
            if format != "USTAR_FORMAT" {
                let deep = String(repeating: "d", count: 200) + "/" + String(repeating: "e", count: 200) + "/f"
                names += [Array(repeating: 0x6E, count: 255), Array("link".utf8), Array("hard".utf8)]
                paths.append(deep)
                #expect(tree["hard"]?.sameAs == deep)
                #expect(tree["link"]?.target.count == 306)
            }
            let found = tree.filter { $0.value.kind != .directory }.keys.sorted()
            #expect(found == (names.map { shown($0) } + paths).sorted())
        }
    }

    @Test("names are told by their bytes: Unicode's equal forms are different files")
    func normalForms() throws {
        let tree = try merge([.file("\u{e9}", "1"), .file("e\u{301}", "2"), .file("A", "3"), .file("a", "4")])
        #expect(tree.count == 5)
        #expect(try merge([.file("\u{e9}"), .file("e\u{301}")], [.whiteout("\u{e9}")]).count == 2)
    }

    @Test("a name of 255 bytes is made, one of 256 is refused, whatever it is of")
    func lengths() throws {
        let (longest, tooLong) = (String(repeating: "n", count: 255), String(repeating: "n", count: 256))
        #expect(try merge([.directory(longest), .file("\(longest)/\(longest)"), .symlink("s", longest)]).count == 4)
        for member: Member in [
            .file(tooLong), .directory(tooLong), .symlink(tooLong, "x"), .fifo(tooLong), .file("\(tooLong)/x"), .hardLink(tooLong, "x"),
        ] {
            try withDirectory(inMemory: true) { directory in
                #expect(throws: LayerError.self) { try extract([.file("x"), member], into: directory) }
            }
        }
    }

    @Test("a link's target of 4095 bytes is kept, a longer one and an empty one are refused")
    func targets() throws {
        let longest = String(repeating: "t/", count: 2047) + "t"
        #expect(try merge([.symlink("s", longest)])["s"]?.target.count == 4095)
        for target in [longest + "t", ""] {
            #expect(throws: LayerError.self) { try merge([.symlink("s", target)]) }
        }
    }

    @Test("an empty name, and a name of slashes only, is the root")
    func rootNames() throws {
        for name in ["/", "./", ".", "//", "./."] {
            #expect(try merge([Member.directory("x", mode: 0o711).with { $0.path = Array(name.utf8) }])[""]?.mode == 0o711)
        }
        for member: Member in [.file(""), .file("."), .symlink("/", "x"), .hardLink(".", "x"), .fifo("..")] {
            #expect(throws: LayerError.self) { try merge([.file("x"), member]) }
        }
    }

    @Test("twenty thousand files in one directory, and three hundred directories in each other")
    func many() throws {
        try withDirectory(inMemory: true) { directory in
            let deep = (1...300).map { Member.directory(String(repeating: "d/", count: $0)) }
            let facts = try extract((0..<20_000).map { .file("many/\($0)") } + deep, into: directory)
            #expect(facts.entries == 20_300)
            #expect(facts.inodes == 20_302)
            #expect(facts.implied == [LayerPath(bytes: Array("many".utf8))] || facts.implied.count == 2)
            #expect(try list(directory).count == 20_302)
        }
    }

    // MARK: Depth. All of it on a thread as the engine has them, with a small stack.

    private static func nested(_ levels: Int, name: String = "d") -> String { Array(repeating: name, count: levels).joined(separator: "/") }

    @Test("a path of 6,000 bytes is made, deleted, and changed by a layer above")
    func longPath() throws {
        let deep = Self.nested(60, name: String(repeating: "n", count: 100))
        try withDirectory { directory in
            let tree = try onThread {
                try Stack(directory, [[.file("\(deep)/a", "1")], [.file("\(deep)/b", "2"), .whiteout("\(deep)/a")]]).merged()
            }
            #expect(tree["\(deep)/b"]?.content == Array("2".utf8))
            #expect(tree["\(deep)/a"] == nil)
            #expect(tree.count == 62)
        }
    }

    @Test("1,500 levels are made, changed at their end, and deleted by their top")
    func deep() throws {
        let deep = Self.nested(1500)
        try withDirectory(inMemory: true) { directory in
            let (changed, deleted) = try onThread {
                let base = (1...1500).map { Member.directory(Self.nested($0), mode: 0o700) } + [.file("\(deep)/a", "1")]
                var stack = try Stack(directory, [base, [.file("\(deep)/b", "2"), .whiteout("\(deep)/a")]])
                let changed = try stack.merged()
                try stack.add([.whiteout("d"), .file("e/f"), .directory("e"), .file("e")])
                return (changed, try stack.merged())
            }
            #expect(changed.count == 1502)
            #expect(changed["\(deep)/b"]?.content == Array("2".utf8))
            #expect(changed[deep]?.mode == 0o700)
            #expect(deleted.keys.sorted() == ["", "e"])
        }
    }

    @Test("2,048 levels are the most; more are refused, as are more that links lead to")
    func deepest() throws {
        try withDirectory(inMemory: true) { directory in
            let place = try makeDirectory(directory.appending("deepest"))
            #expect(try onThread { try extract([.file(Self.nested(2048) + "/f")], into: place).inodes } == 2050)
            for members: [Member] in [
                [.directory(Self.nested(2049))], [.file(Self.nested(100_000))], [.file(Self.nested(2049) + "/f")],
                [.symlink(Self.nested(1500) + "/l", Self.nested(1000)), .file(Self.nested(1500) + "/l/f")],
            ] {
                let place = try makeDirectory(directory.appending("refused"))
                #expect(throws: LayerError.self) { try onThread { try extract(members, into: place) } }
                try removeTree(place)
            }
        }
    }

    @Test("what is noted of a layer stays small, however many deep directories it does not list")
    func facts() throws {
        try withDirectory(inMemory: true) { directory in
            #expect(throws: LayerError.self) {
                try extract((0..<100).map { .file("\($0)/" + Self.nested(700, name: "dd") + "/f") }, into: directory)
            }
        }
    }

    @Test(
        "paths survive their JSON form, be they UTF-8 or not",
        arguments: [[0x61], [0xFF], [0xC3, 0xA4], [0x0A, 0x22, 0x5C], [0xFF, 0x2F, 0]] as [[UInt8]])
    func json(bytes: [UInt8]) throws {
        let path = LayerPath([bytes.filter { $0 != 0x2F }, [0x62]])
        #expect(try JSONDecoder().decode(LayerPath.self, from: JSONEncoder().encode(path)) == path)
    }
}
