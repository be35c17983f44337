// SPDX-License-Identifier: Apache-2.0

internal import GRDB
package import OCI

extension MetadataStore {
    package func blob(_ digest: Digest) throws(MetadataError) -> BlobRecord? {
        try read("find a blob") { db in try BlobRecord.fetch(db, "WHERE digest = ?", [digest.description]).first }
    }

    package func blobs() throws(MetadataError) -> [BlobRecord] {
        try read("list the blobs") { db in try BlobRecord.fetch(db, "ORDER BY digest") }
    }

    /// Records a blob whose file is in place and synced. No image holds it yet, so the next removal, or the next start, may take it:
    /// claim it first. It becomes durable with the image that holds it.
    package func record(_ blob: BlobRecord) throws(MetadataError) {
        try change("record a blob") { db in
            let sql = "INSERT INTO blob (digest, sizeInBytes, mediaType) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
            try db.cachedStatement(sql: sql).execute(arguments: [blob.digest.description, blob.sizeInBytes, blob.mediaType])
        }
    }
}

extension BlobRecord {
    /// - Parameter clause: a constant of the calling function.
    static func fetch(_ db: Database, _ clause: String, _ arguments: StatementArguments = []) throws -> [BlobRecord] {
        let statement = try db.cachedStatement(sql: "SELECT digest, sizeInBytes, mediaType FROM blob \(clause)")
        return try Row.fetchAll(statement, arguments: arguments).map { row in
            BlobRecord(digest: try Metadata.digest(row[0]), sizeInBytes: row[1], mediaType: row[2])
        }
    }
}
