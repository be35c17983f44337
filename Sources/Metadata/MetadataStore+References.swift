// SPDX-License-Identifier: Apache-2.0

internal import GRDB
package import OCI

extension MetadataStore {
    /// - Parameter name: canonical.
    package func reference(_ name: String) throws(MetadataError) -> ReferenceRecord? {
        try read("find a reference") { db in try ReferenceRecord.fetch(db, "WHERE name = ?", [name]).first }
    }

    /// By name.
    package func references() throws(MetadataError) -> [ReferenceRecord] {
        try read("list the references") { db in try ReferenceRecord.fetch(db, "ORDER BY name") }
    }

    package func references(to manifestDigest: Digest) throws(MetadataError) -> [ReferenceRecord] {
        try read("list references") { db in
            try ReferenceRecord.fetch(db, "WHERE image = ? ORDER BY name", [manifestDigest.description])
        }
    }

    /// Points names at images that are recorded. Durable.
    /// - Throws: `MetadataError.noSuchImage`; no name has moved then.
    package func set(references: [ReferenceRecord]) throws(MetadataError) {
        try changeDurably("set references") { db in
            for reference in references {
                let found = try Int.fetchOne(
                    db.cachedStatement(sql: "SELECT 1 FROM image WHERE manifestDigest = ?"),
                    arguments: [reference.manifestDigest.description])
                guard found != nil else { throw MetadataError.noSuchImage(reference.manifestDigest) }
                try reference.upsert(db)
            }
        }
    }

    /// Forgets names; the images stay. Durable.
    /// - Returns: the ones that were there.
    @discardableResult
    package func delete(references names: [String]) throws(MetadataError) -> [String] {
        try changeDurably("forget references") { db in
            let statement = try db.cachedStatement(sql: "DELETE FROM reference WHERE name = ?")
            return try names.filter { name in
                try statement.execute(arguments: [name])
                return db.changesCount == 1
            }
        }
    }
}

extension ReferenceRecord {
    func upsert(_ db: Database) throws {
        let sql = """
            INSERT INTO reference (name, image, resolvedDigest) VALUES (?, ?, ?)
            ON CONFLICT (name) DO UPDATE
            SET image = excluded.image, resolvedDigest = excluded.resolvedDigest, updatedAt = excluded.updatedAt
            """
        try db.cachedStatement(sql: sql).execute(arguments: [name, manifestDigest.description, resolvedDigest.description])
    }

    /// - Parameter clause: a constant of the calling function.
    static func fetch(_ db: Database, _ clause: String, _ arguments: StatementArguments = []) throws -> [ReferenceRecord] {
        let statement = try db.cachedStatement(sql: "SELECT name, image, resolvedDigest, updatedAt FROM reference \(clause)")
        return try Row.fetchAll(statement, arguments: arguments).map { row in
            ReferenceRecord(name: row[0], manifestDigest: try digest(row[1]), resolvedDigest: try digest(row[2]), updatedAt: row[3])
        }
    }
}
