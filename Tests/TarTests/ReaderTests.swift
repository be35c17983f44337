// SPDX-License-Identifier: Apache-2.0

import Tar
import Testing

@Suite struct ReaderTests {
    @Test("the stream's pieces may be of any size", arguments: [1, 7, 511, 512, 513, 4096, .max])
    func pieces(size: Int) throws {
        let members = [
            file("a", "content"), file("empty"), file("long/" + String(repeating: "n", count: 300), String(repeating: "x", count: 1025)),
        ]
        #expect(try read(archive(members), piece: size) == members)
    }

    @Test("content that nobody reads is passed over")
    func skips() throws {
        var reader = TarReader(Bytes(try archive([file("a", String(repeating: "x", count: 100_000)), file("b")]), piece: 1000))
        #expect(try reader.next()?.path == Array("a".utf8))
        #expect(try reader.next()?.path == Array("b".utf8))
        #expect(try reader.next() == nil)
        #expect(try reader.next() == nil)
    }

    @Test("every cut within an entry is told; only a cut between entries can't be seen here")
    func cuts() throws {
        let bytes = try archive([file("a", "content"), file("b/" + String(repeating: "n", count: 150), "more")])
        for cut in 0...bytes.count {
            // 1024: a and its content; 3072: b with its extension header.
            if [0, 1024, 3072, 3584, 4096].contains(cut) {
                #expect(throws: Never.self, "cut at \(cut)") { try read(Array(bytes.prefix(cut))) }
            } else {
                #expect(throws: TarError.self, "cut at \(cut)") { try read(Array(bytes.prefix(cut))) }
            }
        }
    }

    @Test("an archive may end without zero blocks, with one, or with more behind two")
    func ends() throws {
        let bytes = try archive([file("a")])
        for count in [512, 1024, 1536] { #expect(try read(Array(bytes.prefix(count))).count == 1) }
        #expect(try read(bytes + rawHeader("unseen")).count == 1)
    }

    @Test("entries behind one zero block are not passed over in silence")
    func loneZeroBlock() throws {
        #expect(throws: TarError.loneZeroBlock(offset: 512)) {
            try read(rawHeader("a") + [UInt8](repeating: 0, count: 512) + rawHeader("b"))
        }
    }

    @Test(
        "types without content have none, whatever their size says",
        arguments: [
            ("1", .hardLink), ("2", .symlink), ("3", .characterDevice), ("4", .blockDevice), ("5", .directory), ("6", .fifo),
        ] as [(Character, TarEntry.Kind)])
    func sizeOfLinks(type: Character, kind: TarEntry.Kind) throws {
        let entries = try read(
            rawHeader("l", type: type, size: "00000001000", changes: [157: Array("t".utf8)]) + rawHeader("next") + TarWriter.end)
        #expect(entries.map(\.entry.path) == [Array("l".utf8), Array("next".utf8)])
        #expect(entries.first?.entry.kind == kind)
        #expect(entries.first?.entry.size == 0)
    }

    @Test("types 0, NUL and 7 are files; a NUL one whose name ends in a slash is a directory, and its content is skipped")
    func fileTypes() throws {
        for type in ["0", "\0", "7"] as [Character] {
            let entries = try read(
                rawHeader("f", type: type, size: "00000000003") + Array("abc".utf8) + TarWriter.padding(after: 3) + TarWriter.end)
            #expect(entries.map(\.content) == [Array("abc".utf8)])
        }
        let directory = rawHeader("d/", type: "\0", size: "00000000003") + Array("abc".utf8) + TarWriter.padding(after: 3)
        let entries = try read(directory + rawHeader("next") + TarWriter.end)
        #expect(entries.map(\.entry.kind) == [.directory, .file])
        #expect(try read(rawHeader("d/") + TarWriter.end).first?.entry.kind == .file)
    }

    @Test("unknown types are refused", arguments: ["Z", "V", "X", "M", "N", "8"] as [Character])
    func unknownTypes(type: Character) throws {
        #expect(throws: TarError.unsupportedType(type.asciiValue ?? 0, offset: 0)) { try read(rawHeader("a", type: type)) }
    }

    @Test("a POSIX prefix is put in front, a GNU one is not")
    func prefix() throws {
        let changes = [345: Array("front".utf8)]
        #expect(try read(rawHeader("name", changes: changes) + TarWriter.end).first?.entry.path == Array("front/name".utf8))
        var gnu = changes
        gnu[257] = Array("ustar  \0".utf8)
        #expect(try read(rawHeader("name", changes: gnu) + TarWriter.end).first?.entry.path == Array("name".utf8))
    }

    @Test("GNU's long names, in either order; pax wins over both")
    func longNames() throws {
        let (name, link) = (String(repeating: "n", count: 300), String(repeating: "l", count: 300))
        func long(_ type: Character, _ text: String) -> [UInt8] {
            rawHeader("././@LongLink", type: type, size: "00000000455") + Array(text.utf8) + [0] + TarWriter.padding(after: 301)
        }
        for headers in [long("L", name) + long("K", link), long("K", link) + long("L", name)] {
            let entry = try #require(
                try read(headers + rawHeader("short", type: "1", changes: [157: Array("t".utf8)]) + TarWriter.end).first?.entry)
            #expect(entry.path == Array(name.utf8))
            #expect(entry.linkTarget == Array(link.utf8))
        }
        let mixed = long("L", name) + paxHeader(record("path", "pax")) + rawHeader("short") + TarWriter.end
        #expect(try read(mixed).first?.entry.path == Array("pax".utf8))
    }

    @Test("a long name is for one entry only")
    func longNameEnds() throws {
        let bytes = paxHeader(record("path", "long") + record("uid", "7")) + rawHeader("a") + rawHeader("b") + TarWriter.end
        #expect(try read(bytes).map(\.entry.path) == [Array("long".utf8), Array("b".utf8)])
        #expect(try read(bytes).map(\.entry.uid) == [7, 0])
    }

    @Test("global headers are not applied")
    func globalHeader() throws {
        let bytes = paxHeader(record("path", "all") + record("uid", "7"), type: "g") + rawHeader("a") + TarWriter.end
        let entry = try #require(try read(bytes).first?.entry)
        #expect(entry.path == Array("a".utf8))
        #expect(entry.uid == 0)
        // What `git archive` makes of nothing.
        #expect(try read(paxHeader(record("comment", "c"), type: "g") + TarWriter.end).isEmpty)
    }
}
