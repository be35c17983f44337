// SPDX-License-Identifier: Apache-2.0

import ContentStore
import Linux
import Metadata
import OCI
import SystemPackage
import Testing

@Suite struct ContentTests {
    struct Fixture {
        let root: FilePath
        let metadata: MetadataStore
        let content: ContentStore

        init(_ root: FilePath) throws {
            self.root = root
            metadata = try MetadataStore(path: root.appending("meta.db"))
            content = try ContentStore(root: root, metadata: metadata)
        }

        func blobs() throws -> [String] { try Files.names(root.appending("content/blobs/sha256")) }
        func file(_ digest: Digest) -> FilePath { root.appending("content/blobs/sha256").appending(digest.hex) }
    }

    /// FIPS 180-4's example.
    static let abc = Digest(sha256: [
        0xBA, 0x78, 0x16, 0xBF, 0x8F, 0x01, 0xCF, 0xEA, 0x41, 0x41, 0x40, 0xDE, 0x5D, 0xAE, 0x22, 0x23,
        0xB0, 0x03, 0x61, 0xA3, 0x96, 0x17, 0x7A, 0x9C, 0xB4, 0x10, 0xFF, 0x61, 0xF2, 0x00, 0x15, 0xAD,
    ])
    static let bytes = Array("abc".utf8)

    private func withContent(_ body: (Fixture) throws -> Void) throws { try withDirectory { try body(Fixture($0)) } }

    @Test("a document comes back as it was put")
    func roundTrip() throws {
        try withContent { fixture in
            let lease = fixture.metadata.lease()
            #expect(try !fixture.content.contains(Self.abc))
            try fixture.content.put(Self.bytes, as: Self.abc, size: 3, mediaType: "text/plain", for: lease)
            #expect(try fixture.content.get(Self.abc, limit: 3) == Self.bytes)
            #expect(try fixture.content.contains(Self.abc))
            #expect(try fixture.metadata.blob(Self.abc)?.sizeInBytes == 3)
            #expect(Files.mode(fixture.file(Self.abc)) == 0o600)
            #expect(try Files.names(fixture.root.appending("ingest")) == [])
        }
    }

    @Test("bytes that are not what the digest or the size says are not stored")
    func mismatch() throws {
        try withContent { fixture in
            let lease = fixture.metadata.lease()
            #expect(throws: ContentError.digestMismatch(expected: .made("x"), found: Self.abc, stored: false)) {
                try fixture.content.put(Self.bytes, as: .made("x"), mediaType: "", for: lease)
            }
            #expect(throws: ContentError.sizeMismatch(Self.abc, expected: 4, found: 3)) {
                try fixture.content.put(Self.bytes, as: Self.abc, size: 4, mediaType: "", for: lease)
            }
            let sha512 = try #require(Digest("sha512:" + String(repeating: "0", count: 128)))
            #expect(throws: ContentError.unsupportedAlgorithm(sha512)) {
                try fixture.content.put([], as: sha512, mediaType: "", for: lease)
            }
            #expect(try fixture.blobs() == [])
        }
    }

    @Test("a byte that changed on the disk is found when it is read, and mended by the next put")
    func damaged() throws {
        try withContent { fixture in
            let lease = fixture.metadata.lease()
            try fixture.content.put(Self.bytes, as: Self.abc, mediaType: "", for: lease)
            try Files.write(fixture.file(Self.abc), "abd")
            #expect(throws: ContentError.self) { try fixture.content.get(Self.abc, limit: 100) }
            try fixture.content.put(Self.bytes, as: Self.abc, mediaType: "", for: lease)
            #expect(try fixture.content.get(Self.abc, limit: 100) == Self.bytes)
        }
    }

    @Test("what is not stored, and what is longer than the reader bears, is said so")
    func refused() throws {
        try withContent { fixture in
            #expect(throws: ContentError.notFound(Self.abc)) { try fixture.content.get(Self.abc, limit: 10) }
            try fixture.content.put(Self.bytes, as: Self.abc, mediaType: "", for: fixture.metadata.lease())
            #expect(throws: ContentError.tooLarge(Self.abc, size: 3, limit: 2)) { try fixture.content.get(Self.abc, limit: 2) }
        }
    }

    @Test("a blob in pieces is stored by its finish alone, and too much is noticed at once")
    func stream() throws {
        try withContent { fixture in
            let lease = fixture.metadata.lease()
            func write(_ writer: BlobWriter, _ text: String) throws {
                try Array(text.utf8).span.withUnsafeBytes { bytes throws(ContentError) in try writer.write(bytes) }
            }
            do {
                let writer = try fixture.content.beginBlob(Self.abc, size: 3, mediaType: "", for: lease)
                try write(writer, "ab")
                #expect(throws: ContentError.sizeMismatch(Self.abc, expected: 3, found: 5)) { try write(writer, "xyz") }
            }
            do {
                let short = try fixture.content.beginBlob(Self.abc, size: 3, mediaType: "", for: lease)
                try write(short, "ab")
                #expect(throws: ContentError.sizeMismatch(Self.abc, expected: 3, found: 2)) { try short.finish() }
            }
            #expect(try Files.names(fixture.root.appending("ingest")) == [])
            #expect(try fixture.blobs() == [])
            let writer = try fixture.content.beginBlob(Self.abc, size: nil, mediaType: "", for: lease)
            try write(writer, "a")
            try write(writer, "bc")
            try writer.finish()
            #expect(try readAll(fixture.content.open(Self.abc), object: "blob", limit: 10) == Self.bytes)
            #expect(try fixture.metadata.blob(Self.abc)?.sizeInBytes == 3)
        }
    }

    @Test("blobs stay while an image or a lease holds them")
    func removal() throws {
        try withContent { fixture in
            var lease: Lease? = fixture.metadata.lease()
            try lease.map { try fixture.content.put(Self.bytes, as: Self.abc, mediaType: "", for: $0) }
            #expect(try fixture.content.removeUnreferenced() == [])
            _ = try fixture.metadata.record(image("a", []), newLayers: [], references: [], blobs: [Self.abc])
            lease = nil
            #expect(try fixture.content.removeUnreferenced() == [])
            _ = try fixture.metadata.delete(image: image("a", []).manifestDigest)
            #expect(try fixture.content.removeUnreferenced().map(\.digest) == [Self.abc])
            #expect(try fixture.blobs() == [])
            #expect(lease == nil)
        }
    }

    @Test("the start removes files without a row, and rows that nothing holds")
    func sweep() throws {
        try withDirectory { root in
            do {
                let fixture = try Fixture(root)
                try fixture.content.put(Self.bytes, as: Self.abc, mediaType: "", for: fixture.metadata.lease())
                try Files.write(fixture.file(.made("unrecorded")), "")
            }
            let fixture = try Fixture(root)
            #expect(try fixture.blobs() == [])
            #expect(try fixture.metadata.blobs() == [])
        }
    }

    @Test("a spool file is made empty and private")
    func spool() throws {
        try withContent { fixture in
            let (one, other) = (try fixture.content.newSpoolFile(), try fixture.content.newSpoolFile())
            #expect(one != other)
            #expect(Files.mode(one) == 0o600)
            try fixture.content.removeSpoolFile(one)
            try fixture.content.removeSpoolFile(one)
            #expect(try Files.names(fixture.root.appending("ingest")) == [try #require(other.lastComponent).string])
        }
    }
}
