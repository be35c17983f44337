// SPDX-License-Identifier: Apache-2.0

import Glibc
import Layers
import Linux
import OCI
import SystemPackage
import Tar
import Testing

/// What a listing says is what is on disk: of every kind of object, and whatever the archive's order.
@Suite(.asRoot) struct ListingTests {
    private static let caseful: [Member] = [
        .directory("d", mode: 0o2755), .file("d/a", "one"), .file("d/empty"), .symlink("d/link", "a"), .hardLink("d/again", "d/a"),
        .fifo("pipe"), .character("null", 1, 3), .block("disk", 7, 200), .file("set", "x", mode: 0o4755),
        .file("deep/er/file", "implied"), .whiteout("gone"), .opaque("d"), .whiteout("d/hidden"),
        .file("owned").with {
            ($0.uid, $0.gid, $0.modifiedSeconds, $0.modifiedNanoseconds) = (1000, 4_294_967_294, 1_700_000_000, 123_456_789)
        },
        .file("old").with { $0.modifiedSeconds = -3_000_000_000 },
        .file("late").with { $0.modifiedSeconds = 99_999_999_999 },
        .file("marked").with { $0.attributes = [TarEntry.Attribute(key: Array("user.colour".utf8), value: [7])] },
    ]

    private static let replaced: [Member] = [
        .file("x", "first"), .hardLink("y", "x"), .file("x", "second"), .directory("d"), .file("d/a"), .file("d/b"), .file("d"),
        .directory("e"), .file("e/f"), .symlink("e/f", "x"), .hardLink("z", "y"), .directory("x"), .file("x/in"),
    ]

    static let layers = [caseful, replaced, []]

    @Test("it has every name with what is on disk", arguments: layers) func isExact(members: [Member]) throws {
        try withDirectory { top in
            let facts = try extractListed(members, in: top)
            let entries = try entries(top)
            let tree = try list(top.appending("fs"))
            #expect(Set(entries.map { shownPath($0.path) }) == Set(tree.keys))
            #expect(entries.count == tree.count)
            #expect(facts.listing?.entries == Int64(tree.count))
            #expect(try check(top, full: true) == [])
        }
    }

    @Test("the same layer has the same listing, byte for byte") func isReproducible() throws {
        let digests = try (0..<3).map { _ in try withDirectory { try extractListed(Self.caseful, in: $0).listing } }
        #expect(Set(digests).count == 1)
    }

    @Test("many names, more than a buffer holds, some of them taken away again later") func isLong() throws {
        var members = (0..<6000).map { Member.file("directory-\($0 / 100)/a-file-with-a-name-\($0)", "\($0)") }
        members += (0..<6000).filter { $0.isMultiple(of: 7) }.map {
            Member.hardLink("links/\($0)", "directory-\($0 / 100)/a-file-with-a-name-\($0)")
        }
        members += [.file("directory-3"), .file("directory-59/a-file-with-a-name-5999", "anew")]
        try withDirectory { top in
            try extractListed(members, in: top)
            #expect(try check(top, full: true) == [])
            let names = try run(["ls", "-A", top.string])
            #expect(names == Array("files\nfs\n".utf8))
        }
    }

    @Test("sparse files are listed by what is read of them") func sparse() throws {
        try withDirectory { top in
            let file = top.appending("hole")
            try run(["truncate", "-s", "300M", file.string])
            try run(["sh", "-c", "printf end | dd of=\(file) bs=1 seek=200000000 conv=notrunc status=none"])
            let tar = try run(["tar", "-C", top.string, "--sparse", "--format=pax", "-cf", "-", "hole"])
            try extractListed(tar, in: top)
            #expect(try check(top, full: true) == [])
            let sizes = try entries(top).compactMap { entry in if case .file(let size, _) = entry.object.content { size } else { nil } }
            #expect(sizes == [300 << 20])
        }
    }

    @Test("random layers: nothing differs", arguments: 0..<30) func random(seed: Int) throws {
        var generator = StackGenerator(seed: UInt64(seed))
        for layer in generator.stack().layers {
            try withDirectory(inMemory: true) { top throws in
                // A layer that is refused has no listing.
                guard (try? extractListed(layer, in: top)) != nil else { return }
                let findings = try check(top, full: true)
                #expect(findings == [], "\(layer)")
            }
        }
    }

    @Test("a listing that was cut or changed is told", arguments: [0, 5, 9, 40, -1, -3]) func isDamaged(place: Int) throws {
        try withDirectory { top in
            let facts = try extractListed(Self.caseful, in: top)
            let path = top.appending("files")
            var bytes = try readFile(path)
            bytes[place < 0 ? bytes.count + place : place] ^= 0x40
            try replaceFile(path, with: bytes)
            var summary: ListingSummary?
            var damaged = false
            do {
                var listing = try LayerListing(path)
                while try listing.next() != nil {}
                summary = listing.summary
            } catch is ListingError {
                damaged = true
            }
            #expect(damaged || summary != facts.listing)
            try replaceFile(path, with: Array(try readFile(path).dropLast(2)))
            #expect(throws: ListingError.self) { _ = try entries(top) }
        }
    }
}

/// Extracts into `fs`, listed in `files`.
@discardableResult
func extractListed(_ tar: [UInt8], in top: FilePath) throws -> LayerFacts {
    let digest = digest(tar)
    return try LayerExtractor.extract(
        from: BlobSource(tar), expecting: LayerExpectation(digest: digest, size: Int64(tar.count), diffID: DiffID(digest), mediaType: nil),
        into: makeDirectory(top.appending("fs")), listing: top.appending("files"))
}

@discardableResult
func extractListed(_ members: [Member], in top: FilePath) throws -> LayerFacts { try extractListed(archive(members), in: top) }

func entries(_ top: FilePath) throws -> [ListingEntry] {
    var listing = try LayerListing(top.appending("files"))
    var entries: [ListingEntry] = []
    while let entry = try listing.next() { entries.append(entry) }
    return entries
}

func check(_ top: FilePath, full: Bool) throws -> [TreeFinding] {
    let findings = Collected()
    var check = try TreeCheck(top.appending("fs"), full: full) { findings.all.append($0) }
    _ = try check.run(try LayerListing(top.appending("files")))
    try check.findUnlisted(top.appending("files"))
    return findings.all
}

private final class Collected { var all: [TreeFinding] = [] }

func shownPath(_ path: [UInt8]) -> String { path.split(separator: 0x2F).map { shown($0) }.joined(separator: "/") }
