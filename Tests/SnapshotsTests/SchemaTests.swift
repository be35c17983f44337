// SPDX-License-Identifier: Apache-2.0

import Linux
import Metadata
import OCI
import SystemPackage
import TestSupport
import Testing

@Suite(.python) struct SchemaTests {
    private static let digests = ["m", "c", "x", "b"].map { Digest.made($0).description }

    /// One image of one layer with a fix-up, its name, its documents, and a container.
    private static let rows = """
        INSERT INTO layer VALUES (36, '\(digests[2])', '\(digests[3])', 5, 10240, 12288, 2, '2025-01-01T00:00:00.000Z');
        INSERT INTO layer VALUES (37, 'fixup:\(digests[2])', NULL, NULL, 0, 4096, 1, '2025-01-01T00:00:01.000Z');
        INSERT INTO image VALUES ('\(digests[0])', 'application/vnd.oci.image.manifest.v1+json', '\(digests[1])', NULL, 'linux/amd64', 37,
            '2025-01-01T00:00:02.000Z');
        INSERT INTO imageLayer VALUES ('\(digests[0])', 0, 36, '\(digests[3])', 5);
        INSERT INTO reference VALUES ('docker.io/library/old:1', '\(digests[0])', '\(digests[0])', '2025-01-01T00:00:03.000Z');
        INSERT INTO blob VALUES ('\(digests[1])', 100, 'application/vnd.oci.image.config.v1+json', '2025-01-01T00:00:02.000Z');
        INSERT INTO imageBlob VALUES ('\(digests[0])', '\(digests[1])');
        INSERT INTO container VALUES ('c1', 'one', '\(digests[0])', '[37,36]', '{"a":1}', '2025-01-01T00:00:04.000Z');

        """

    @Test("a database of the first version becomes the newest, with every row that it had")
    func migrates() throws {
        try withDirectory { root in
            let path = root.appending("meta.db")
            try SchemaOne.write(path, rows: Self.rows)
            #expect(try SchemaOne.version(path) == 1)
            for _ in 0..<2 {
                let store = try MetadataStore(path: path)
                let layers = try store.layers()
                #expect(layers.map(\.id) == [36, 37])
                #expect(layers.map(\.key.text) == [Self.digests[2], "fixup:" + Self.digests[2]])
                #expect(layers.map(\.size.diskBytes) == [12288, 4096] && layers.map(\.size.compressedBytes) == [5, nil])
                #expect(layers.map(\.createdAt) == ["2025-01-01T00:00:00.000Z", "2025-01-01T00:00:01.000Z"])
                let image = try #require(try store.images().first)
                #expect(image.manifestDigest.description == Self.digests[0] && image.configDigest.description == Self.digests[1])
                #expect(image.createdAt == "2025-01-01T00:00:02.000Z" && image.layers.map(\.compressedBytes) == [5] && image.fixup != nil)
                #expect(try store.references().map(\.name) == ["docker.io/library/old:1"])
                #expect(try store.blobs().map(\.sizeInBytes) == [100])
                let container = try #require(try store.container("c1"))
                #expect(container.layerIDs == [37, 36] && container.name == "one" && container.json == Array("{\"a\":1}".utf8))
                #expect(try store.lastLayerID() == 37, "ids are not used again")
                #expect(try store.removeUnreferencedLayers { _ in }.isEmpty && store.removeUnreferencedBlobs { _ in }.isEmpty)
            }
            #expect(try SchemaOne.version(path) == Schema.version)
        }
    }

    @Test(
        "a database of the second version becomes the newest, whether it was made with the third's tables or before them",
        arguments: [false, true])
    func second(hasTables: Bool) throws {
        try withDirectory { root in
            let path = root.appending("meta.db")
            try SchemaOne.write(path, rows: Self.rows)
            _ = try MetadataStore(path: path)
            let tables =
                hasTables
                ? "INSERT INTO idRange VALUES (7, 'c1', 65536, 65536);"
                : "DROP TABLE imageMount; DROP TABLE idRange; DROP TRIGGER idRangeFreed;"
            try SchemaOne.execute(tables + "PRAGMA user_version = 2;", path)
            let store = try MetadataStore(path: path)
            #expect(try SchemaOne.version(path) == Schema.version)
            #expect(try store.idRanges()["c1"]?.first == (hasTables ? 65536 : nil))
            #expect(try store.container("c1")?.name == "one")
        }
    }

    @Test(
        "a newer database is refused by its number, and no byte is changed, also where the number is only in the log",
        arguments: [false, true])
    func newer(logged: Bool) throws {
        try withDirectory { root in
            let path = root.appending("meta.db")
            try SchemaOne.write(path, rows: Self.rows)
            _ = try MetadataStore(path: path)
            try SchemaOne.set(version: 1000, path, logged: logged)
            let log = FilePath(path.string + "-wal")
            let size = Files.exists(log) ? try readFile(log, limit: 1 << 26).count : 0
            #expect((size > 0) == logged)
            func content() throws -> [[UInt8]] { try [path, log].map { Files.exists($0) ? try readFile($0, limit: 1 << 26) : [] } }
            let before = try content()
            let refusal = MetadataError.newerSchema(path: path, found: 1000, known: Schema.version)
            #expect(throws: refusal) { try MetadataStore(path: path) }
            #expect(try content() == before)
            #expect(refusal.description.contains("1000") && refusal.description.contains("\(Schema.version)") && refusal.remedy != nil)
        }
    }
}
