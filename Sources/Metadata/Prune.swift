// SPDX-License-Identifier: Apache-2.0

internal import GRDB
internal import JSON
internal import OCI

/// Which images a prune takes: unpinned ones that no container has, the longest unused first.
package struct PruneSelection: Sendable, Hashable {
    /// Seconds since the last use; 0 takes all.
    package var unusedForSeconds: Int64 = 0
    /// Only those that no name points at.
    package var danglingOnly = false
    /// Containers that are taken for removed: what a dry run looks at is still there.
    package var withoutContainers: [String] = []
    /// So many at most.
    package var limit = Int.max

    package init() {}
}

/// Rows that are gone, or, of a dry run, would be.
package struct PrunedRows: Sendable, Hashable {
    package struct Step: Sendable, Hashable {
        /// nil for what nothing referred to before.
        package var image: ImageRecord?
        /// The names that are gone with it.
        package var names: [String]
        /// What only it had, of what was left by the steps before.
        package var layers: [LayerRecord]
        package var blobs: [BlobRecord]
    }

    package var steps: [Step] = []

    package init() {}

    package var images: [ImageRecord] { steps.compactMap(\.image) }
    package var layers: [LayerRecord] { steps.flatMap(\.layers) }
    package var blobs: [BlobRecord] { steps.flatMap(\.blobs) }
}

extension MetadataStore {
    /// Forgets images, and the layers and blobs that nothing holds then: one durable transaction for all of them.
    /// - Parameter afterwards: moves directories and files away; no other change happens meanwhile, so it must be quick and not call the store.
    package func prune(_ selection: PruneSelection, afterwards: (PrunedRows) -> Void) throws(MetadataError) -> PrunedRows {
        // A prune that finds nothing needs no synced transaction.
        if try predict(selection).steps.isEmpty { return PrunedRows() }
        return try changeDurably("prune", { db in try prune(db, selection) }, afterwards: afterwards)
    }

    /// What `prune` would do now, found out by doing it and taking it back.
    package func predict(_ selection: PruneSelection) throws(MetadataError) -> PrunedRows {
        try change("plan a prune") { db in
            var rows = PrunedRows()
            try db.inTransaction(.immediate) {
                rows = try prune(db, selection)
                return .rollback
            }
            return rows
        }
    }

    private func prune(_ db: Database, _ selection: PruneSelection) throws -> PrunedRows {
        let candidates = try selection.images(db)
        for id in selection.withoutContainers {
            try db.cachedStatement(sql: "DELETE FROM container WHERE id = ?").execute(arguments: [id])
        }
        var rows = PrunedRows()
        let leftovers = try freed(db, by: nil, names: [])
        if !leftovers.layers.isEmpty || !leftovers.blobs.isEmpty { rows.steps.append(leftovers) }
        for image in candidates {
            rows.steps.append(try freed(db, by: image, names: Self.forget(db, image: image.manifestDigest)))
        }
        return rows
    }

    private func freed(_ db: Database, by image: ImageRecord?, names: [String]) throws -> PrunedRows.Step {
        let layers = try Self.unreferencedLayers(db).filter { !isClaimed(.layer($0.key)) }
        for layer in layers { try layer.delete(db) }
        let blobs = try Self.unreferencedBlobs(db).filter { !isClaimed(.blob($0.digest)) }
        for blob in blobs { try blob.delete(db) }
        return PrunedRows.Step(image: image, names: names, layers: layers, blobs: blobs)
    }
}

extension PruneSelection {
    fileprivate func images(_ db: Database) throws -> [ImageRecord] {
        let named = """
            EXISTS (SELECT 1 FROM reference
                WHERE reference.image = image.manifestDigest OR reference.resolvedDigest = image.indexDigest)
            """
        // A time that SQLite can't compute is NULL: nothing was unused for so long.
        let clause = """
            WHERE pinned = 0 \(danglingOnly ? "AND NOT \(named)" : "")
            AND lastUsedAt <= strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-' || ?1 || ' seconds')
            AND NOT EXISTS (SELECT 1 FROM container
                WHERE container.image = image.manifestDigest AND container.id NOT IN (SELECT value FROM json_each(?3)))
            AND NOT EXISTS (SELECT 1 FROM imageMount
                WHERE imageMount.image = image.manifestDigest AND imageMount.container NOT IN (SELECT value FROM json_each(?3)))
            ORDER BY lastUsedAt, manifestDigest LIMIT ?2
            """
        let removed = String(decoding: try JSON.encode(withoutContainers), as: UTF8.self)
        return try ImageRecord.fetch(db, clause, [unusedForSeconds, Int64(limit), removed])
    }
}
