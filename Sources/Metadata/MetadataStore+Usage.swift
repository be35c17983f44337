// SPDX-License-Identifier: Apache-2.0

internal import GRDB
package import OCI

/// What a container's upper took at some time.
package struct UpperMeasurement: Hashable, Sendable {
    /// What the measurement was made for.
    package enum Kind: String, Sendable, Hashable {
        /// Lists; the last walk.
        case walked
        /// Somebody who asked for the details: growth is counted from there.
        case told
    }

    package var bytes: Int64
    package var inodes: Int64
    /// RFC 3339, UTC.
    package var measuredAt: String

    package init(bytes: Int64, inodes: Int64, measuredAt: String) {
        self.bytes = bytes
        self.inodes = inodes
        self.measuredAt = measuredAt
    }
}

extension MetadataStore {
    /// By container.
    package func upperMeasurements(_ kind: UpperMeasurement.Kind) throws(MetadataError) -> [String: UpperMeasurement] {
        try read("list the measurements of uppers") { db in
            let statement = try db.cachedStatement(sql: "SELECT container, bytes, inodes, measuredAt FROM upperUsage WHERE kind = ?")
            return Dictionary(
                uniqueKeysWithValues: try Row.fetchAll(statement, arguments: [kind.rawValue]).map { row in
                    (row[0], UpperMeasurement(bytes: row[1], inodes: row[2], measuredAt: row[3]))
                })
        }
    }

    /// Notes measurements in the place of earlier ones. One of a container that has been removed meanwhile is dropped.
    package func note(_ measurements: [String: UpperMeasurement], _ kind: UpperMeasurement.Kind) throws(MetadataError) {
        let sql = """
            INSERT INTO upperUsage (container, kind, bytes, inodes, measuredAt) SELECT ?1, ?2, ?3, ?4, ?5
            WHERE EXISTS (SELECT 1 FROM container WHERE id = ?1)
            ON CONFLICT (container, kind) DO UPDATE
            SET bytes = excluded.bytes, inodes = excluded.inodes, measuredAt = excluded.measuredAt
            """
        try change("note what uppers take") { db in
            let statement = try db.cachedStatement(sql: sql)
            try db.inTransaction(.immediate) {
                for (container, measured) in measurements {
                    try statement.execute(arguments: [container, kind.rawValue, measured.bytes, measured.inodes, measured.measuredAt])
                }
                return .commit
            }
        }
    }
}

extension MetadataStore {
    /// Manifest digests of the images that hold a blob.
    package func images(holding blob: Digest) throws(MetadataError) -> [Digest] {
        try read("list the holders of a blob") { db in
            let statement = try db.cachedStatement(sql: "SELECT image FROM imageBlob WHERE blob = ? ORDER BY image")
            return try String.fetchAll(statement, arguments: [blob.description]).map(digest)
        }
    }
}
