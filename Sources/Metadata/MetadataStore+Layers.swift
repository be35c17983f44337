// SPDX-License-Identifier: Apache-2.0

internal import GRDB
package import OCI

extension MetadataStore {
    package func layer(_ key: LayerKey) throws(MetadataError) -> LayerRecord? {
        try read("find a layer") { db in try LayerRecord.fetch(db, key) }
    }

    package func layer(id: Int64) throws(MetadataError) -> LayerRecord? {
        try read("find a layer") { db in try LayerRecord.fetch(db, "WHERE id = ?", [id]).first }
    }

    /// Oldest first.
    package func layers() throws(MetadataError) -> [LayerRecord] {
        try read("list the layers") { db in try LayerRecord.fetch(db, "ORDER BY id") }
    }

    /// - Returns: in the order of `ids`.
    /// - Throws: `MetadataError.damaged` where one is not recorded.
    package func layers(ids: [Int64]) throws(MetadataError) -> [LayerRecord] {
        try read("find layers") { db in
            try ids.map { id in
                guard let layer = try LayerRecord.fetch(db, "WHERE id = ?", [id]).first else {
                    throw MetadataError.damaged(what: "no layer \(LayerRecord.shortID(id)) that something refers to")
                }
                return layer
            }
        }
    }

    /// The highest id that was ever recorded: directories of layers that were removed keep their number.
    package func lastLayerID() throws(MetadataError) -> Int64 {
        try read("find the last layer id") { db in try Int64.fetchOne(db, sql: "SELECT seq FROM sqlite_sequence WHERE name = 'layer'") ?? 0
        }
    }

    /// Which images (by manifest digest) each layer or fix-up is part of.
    package func imagesByLayer() throws(MetadataError) -> [Int64: [Digest]] {
        try read("list the users of layers") { db in
            var users: [Int64: [Digest]] = [:]
            let sql = """
                SELECT DISTINCT layer, image FROM imageLayer
                UNION SELECT fixup, manifestDigest FROM image WHERE fixup IS NOT NULL ORDER BY 1, 2
                """
            for row in try Row.fetchAll(db.cachedStatement(sql: sql)) { users[row[0], default: []].append(try digest(row[1])) }
            return users
        }
    }
}

extension LayerRecord {
    static func fetch(_ db: Database, _ key: LayerKey) throws -> LayerRecord? {
        try fetch(db, "WHERE key = ?", [key.text]).first
    }

    /// - Parameter clause: a constant of the calling function.
    static func fetch(_ db: Database, _ clause: String, _ arguments: StatementArguments = []) throws -> [LayerRecord] {
        let columns = "id, key, blobDigest, compressedBytes, uncompressedBytes, diskBytes, inodes, createdAt, \(LayerSeal.columns), damage"
        let statement = try db.cachedStatement(sql: "SELECT \(columns) FROM layer \(clause)")
        return try Row.fetchAll(statement, arguments: arguments).map { row in
            guard let key = LayerKey(text: row[1]) else {
                throw MetadataError.damaged(what: "an unknown layer key \"\(row[1] as String)\"")
            }
            let size = LayerSize(
                blobDigest: try optionalDigest(row[2]), compressedBytes: row[3], uncompressedBytes: row[4], diskBytes: row[5],
                inodes: row[6])
            return LayerRecord(
                id: row[0], key: key, size: size, createdAt: row[7], seal: try LayerSeal(row, from: 8), damage: row[11])
        }
    }
}

/// A digest that was written by this project: anything else is damage.
func digest(_ text: String) throws -> Digest {
    guard let digest = Digest(text) else { throw MetadataError.damaged(what: "\"\(text)\" where a digest belongs") }
    return digest
}

func optionalDigest(_ text: String?) throws -> Digest? { try text.map(digest) }
