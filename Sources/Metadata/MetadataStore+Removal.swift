// SPDX-License-Identifier: Apache-2.0

internal import GRDB
internal import OCI

// What no image, no container and no lease holds goes: rows first and durably, then the files. A crash between leaves files without rows,
// which the next start sweeps; never rows without files.
extension MetadataStore {
    /// - Parameter afterwards: moves the directories away; no other change happens meanwhile, so it must be quick and not call the store.
    package func removeUnreferencedLayers(afterwards: ([LayerRecord]) -> Void) throws(MetadataError) -> [LayerRecord] {
        try removeUnreferenced(
            "remove layers", find: Self.unreferencedLayers, key: { .layer($0.key) }, delete: { try $1.delete($0) }, afterwards: afterwards)
    }

    /// A look without a change: most of the time there are none.
    package func hasUnreferencedLayers() throws(MetadataError) -> Bool {
        try read("look for unreferenced layers") { db in
            try Self.unreferencedLayers(db).contains { !isClaimed(.layer($0.key)) }
        }
    }

    /// Returns when the changes that were under way are done, with what they do afterwards.
    package func waitForChanges() throws(MetadataError) { try change("wait for changes") { _ in } }

    /// Not even their claims are looked at.
    static func unreferencedLayers(_ db: Database) throws -> [LayerRecord] {
        try LayerRecord.fetch(
            db,
            """
            WHERE id NOT IN (SELECT layer FROM imageLayer) AND id NOT IN (SELECT fixup FROM image WHERE fixup IS NOT NULL)
            AND id NOT IN (SELECT value FROM container, json_each(container.layers)) ORDER BY id
            """)
    }

    static func unreferencedBlobs(_ db: Database) throws -> [BlobRecord] {
        try BlobRecord.fetch(db, "WHERE digest NOT IN (SELECT blob FROM imageBlob) ORDER BY digest")
    }

    /// - Parameter afterwards: removes the files; as above.
    package func removeUnreferencedBlobs(afterwards: ([BlobRecord]) -> Void) throws(MetadataError) -> [BlobRecord] {
        try removeUnreferenced(
            "remove blobs", find: Self.unreferencedBlobs, key: { .blob($0.digest) }, delete: { try $1.delete($0) }, afterwards: afterwards)
    }

    private func removeUnreferenced<Record>(
        _ operation: StaticString, find: (Database) throws -> [Record], key: (Record) -> ClaimKey,
        delete: (Database, Record) throws -> Void,
        afterwards: ([Record]) -> Void
    ) throws(MetadataError) -> [Record] {
        // Most calls find nothing, and need no synced transaction for that.
        guard try !read(operation, find).isEmpty else { return [] }
        return try changeDurably(operation) { db in
            let free = try find(db).filter { !isClaimed(key($0)) }
            for record in free { try delete(db, record) }
            return free
        } afterwards: { free in
            afterwards(free)
        }
    }
}

extension LayerRecord {
    func delete(_ db: Database) throws { try db.cachedStatement(sql: "DELETE FROM layer WHERE id = ?").execute(arguments: [id]) }
}

extension BlobRecord {
    func delete(_ db: Database) throws {
        try db.cachedStatement(sql: "DELETE FROM blob WHERE digest = ?").execute(arguments: [digest.description])
    }
}
