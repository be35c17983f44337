// SPDX-License-Identifier: Apache-2.0

internal import GRDB
package import OCI
internal import Synchronization

extension MetadataStore {
    /// Marks images as never to be pruned, or takes the mark off. Durable.
    /// - Throws: `MetadataError.noSuchImage`; nothing has changed then.
    package func set(pinned: Bool, images: [Digest]) throws(MetadataError) {
        try changeDurably("pin images") { db in
            let statement = try db.cachedStatement(sql: "UPDATE image SET pinned = ?2 WHERE manifestDigest = ?1")
            for image in images {
                try statement.execute(arguments: [image.description, pinned])
                guard db.changesCount == 1 else { throw MetadataError.noSuchImage(image) }
            }
        }
    }

    /// A container of it was started, which writes no row by itself. Not durable; an image that is not stored any more is no error.
    package func noteUse(ofImage manifestDigest: Digest) throws(MetadataError) {
        try change("note the use of an image") { db in try Self.noteUse(db, ofImage: manifestDigest.description) }
    }

    /// Runs the body where a blob is neither recorded nor claimed: whoever claims it does so before or after, and finds its file gone.
    package func ifUnknown(blob digest: Digest, _ body: () -> Void) throws(MetadataError) {
        try change("look for a blob") { db in
            guard !isClaimed(.blob(digest)), try BlobRecord.fetch(db, "WHERE digest = ?", [digest.description]).isEmpty else { return }
            body()
        }
    }

    /// Blobs that operations under way rely on; their files may be there before their rows.
    package var claimedBlobs: [Digest] {
        claims.withLock { claims in claims.keys.compactMap { if case .blob(let digest) = $0 { digest } else { nil } } }
    }

    static func noteUse(_ db: Database, ofImage manifestDigest: String) throws {
        try db.cachedStatement(sql: "UPDATE image SET lastUsedAt = \(Schema.now) WHERE manifestDigest = ?").execute(arguments: [
            manifestDigest
        ])
    }

    /// Forgets an image. A name that also stands for another platform's image of the same index goes on with that one.
    /// - Returns: the names that are gone with it.
    static func forget(_ db: Database, image: Digest) throws -> [String] {
        let heir = """
            SELECT other.manifestDigest FROM image AS other
            WHERE other.indexDigest = reference.resolvedDigest AND other.manifestDigest <> ?1 ORDER BY other.lastUsedAt DESC LIMIT 1
            """
        let bequeath = "UPDATE reference SET image = (\(heir)) WHERE image = ?1 AND EXISTS (\(heir))"
        try db.cachedStatement(sql: bequeath).execute(arguments: [image.description])
        let names = try String.fetchAll(
            db.cachedStatement(sql: "SELECT name FROM reference WHERE image = ? ORDER BY name"), arguments: [image.description])
        try db.cachedStatement(sql: "DELETE FROM image WHERE manifestDigest = ?").execute(arguments: [image.description])
        guard db.changesCount == 1 else { throw MetadataError.noSuchImage(image) }
        return names
    }
}
