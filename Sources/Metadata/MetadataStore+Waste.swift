// SPDX-License-Identifier: Apache-2.0

internal import GRDB
package import OCI

// A report can always be made again: nothing here has to be durable.
extension MetadataStore {
    /// What was remembered of an image; nil where nothing was.
    package func waste(of manifestDigest: Digest) throws(MetadataError) -> [UInt8]? {
        try read("find what an image wastes") { db in
            try String.fetchOne(
                db.cachedStatement(sql: "SELECT report FROM imageWaste WHERE image = ?"), arguments: [manifestDigest.description]
            ).map { Array($0.utf8) }
        }
    }

    /// Remembers it with the image, in place of what was remembered before. An image that is gone is no error.
    package func set(waste report: [UInt8], of manifestDigest: Digest) throws(MetadataError) {
        let sql = """
            INSERT OR REPLACE INTO imageWaste (image, report)
            SELECT manifestDigest, ?2 FROM image WHERE manifestDigest = ?1
            """
        try change("remember what an image wastes") { db in
            try db.cachedStatement(sql: sql).execute(arguments: [manifestDigest.description, String(decoding: report, as: UTF8.self)])
        }
    }
}
