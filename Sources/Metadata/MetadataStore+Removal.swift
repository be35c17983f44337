// SPDX-License-Identifier: Apache-2.0

internal import GRDB
internal import OCI

// What no image, no container and no lease holds goes: rows first and durably, then the files. A crash between leaves files without rows,
// which the next start sweeps; never rows without files.
extension MetadataStore {
    /// - Parameter afterwards: moves the directories away; no other change happens meanwhile, so it must be quick and not call the store.
    package func removeUnreferencedLayers(afterwards: ([LayerRecord]) -> Void) throws(MetadataError) -> [LayerRecord] {
        let clause = """
            WHERE id NOT IN (SELECT layer FROM imageLayer) AND id NOT IN (SELECT fixup FROM image WHERE fixup IS NOT NULL)
            AND id NOT IN (SELECT value FROM container, json_each(container.layers)) ORDER BY id
            """
        return try removeUnreferenced(
            "remove layers", find: { try LayerRecord.fetch($0, clause) }, key: { .layer($0.key) },
            delete: { try $0.cachedStatement(sql: "DELETE FROM layer WHERE id = ?").execute(arguments: [$1.id]) }, afterwards: afterwards)
    }

    /// - Parameter afterwards: removes the files; as above.
    package func removeUnreferencedBlobs(afterwards: ([BlobRecord]) -> Void) throws(MetadataError) -> [BlobRecord] {
        try removeUnreferenced(
            "remove blobs", find: { try BlobRecord.fetch($0, "WHERE digest NOT IN (SELECT blob FROM imageBlob)") },
            key: { .blob($0.digest) },
            delete: { try $0.cachedStatement(sql: "DELETE FROM blob WHERE digest = ?").execute(arguments: [$1.digest.description]) },
            afterwards: afterwards)
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
