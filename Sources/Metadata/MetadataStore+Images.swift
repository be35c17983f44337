// SPDX-License-Identifier: Apache-2.0

internal import GRDB
package import OCI

/// A layer whose directory is in place and synced, about to get its row.
package struct NewLayerRow: Sendable {
    package var id: Int64
    package var key: LayerKey
    package var size: LayerSize
    package var seal: LayerSeal

    package init(id: Int64, key: LayerKey, size: LayerSize, seal: LayerSeal = LayerSeal()) {
        self.id = id
        self.key = key
        self.size = size
        self.seal = seal
    }
}

extension MetadataStore {
    /// Records an image with its new layers, its blobs and the names that point at it: all of it or nothing, on stable storage on return.
    ///
    /// A layer that another image brought meanwhile stays as it is; the caller's own copy is then not part of anything.
    /// - Parameter blobs: recorded before; the image holds them from now on.
    /// - Returns: which ids were adopted.
    /// - Throws: `MetadataError.layersMissing` where the image needs a layer that is neither recorded nor new.
    package func record(
        _ image: ImageRecord, newLayers: [NewLayerRow], references: [ReferenceRecord], blobs: [Digest]
    ) throws(MetadataError) -> Set<Int64> {
        try changeDurably("record an image") { db in
            // A layer's commit has synced the filesystem: what was committed before it has been synced twice.
            if !newLayers.isEmpty { try db.execute(sql: "UPDATE layer SET settled = 1 WHERE settled = 0") }
            let adopted = try newLayers.filter { try $0.insert(db) }
            try image.insert(db)
            for reference in references { try reference.upsert(db) }
            let hold = try db.cachedStatement(sql: "INSERT INTO imageBlob (image, blob) VALUES (?, ?) ON CONFLICT DO NOTHING")
            for blob in Set(blobs) { try hold.execute(arguments: [image.manifestDigest.description, blob.description]) }
            return Set(adopted.map(\.id))
        }
    }

    package func image(manifestDigest: Digest) throws(MetadataError) -> ImageRecord? {
        try read("find an image") { db in try ImageRecord.fetch(db, "WHERE manifestDigest = ?", [manifestDigest.description]).first }
    }

    /// Oldest first.
    package func images() throws(MetadataError) -> [ImageRecord] {
        try read("list the images") { db in try ImageRecord.fetch(db, "ORDER BY createdAt, manifestDigest") }
    }

    /// Images whose config digest (the image ID), manifest digest or index digest begins so.
    /// - Parameter hexPrefix: lower-case hexadecimal digits of a SHA-256; anything else finds nothing.
    package func images(hexPrefix: String) throws(MetadataError) -> [ImageRecord] {
        guard !hexPrefix.isEmpty, hexPrefix.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }) else { return [] }
        let low = "sha256:\(hexPrefix)"
        // "g" comes after every hexadecimal digit.
        let high = low + "g"
        let clause = """
            WHERE configDigest >= ?1 AND configDigest < ?2 OR manifestDigest >= ?1 AND manifestDigest < ?2
            OR indexDigest >= ?1 AND indexDigest < ?2 ORDER BY createdAt, manifestDigest
            """
        return try read("find images") { db in try ImageRecord.fetch(db, clause, [low, high]) }
    }

    /// Forgets an image and every name that points at it and at no other platform's image of the same index. Its layers and blobs are then free for `removeUnreferenced…`. Durable.
    /// - Returns: the names.
    /// - Throws: `MetadataError.noSuchImage`.
    package func delete(image manifestDigest: Digest) throws(MetadataError) -> [String] {
        try changeDurably("forget an image") { db in
            try Self.forget(db, image: manifestDigest)
        }
    }
}

extension NewLayerRow {
    /// - Returns: false where the key is recorded already, with another directory.
    fileprivate func insert(_ db: Database) throws -> Bool {
        let sql = """
            INSERT INTO layer (id, key, blobDigest, compressedBytes, uncompressedBytes, diskBytes, inodes, \(LayerSeal.columns))
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING
            """
        try db.cachedStatement(sql: sql).execute(arguments: [
            id, key.text, size.blobDigest?.description, size.compressedBytes, size.uncompressedBytes, size.diskBytes, size.inodes,
            seal.listingDigest?.description, seal.listingEntries, seal.factsChecksum.map(Int64.init(bitPattern:)),
        ])
        return db.changesCount == 1
    }
}

extension ImageRecord {
    /// An image that is there already stays: the same manifest digest means the same layers.
    fileprivate func insert(_ db: Database) throws {
        let ids = try layerIDs(db)
        let sql = """
            INSERT INTO image (manifestDigest, mediaType, configDigest, indexDigest, platform, fixup) VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT (manifestDigest) DO UPDATE SET indexDigest = coalesce(excluded.indexDigest, indexDigest)
            """
        try db.cachedStatement(sql: sql).execute(arguments: [
            manifestDigest.description, mediaType, configDigest.description, indexDigest?.description, platform,
            fixup.flatMap { ids[.fixup($0)] },
        ])
        try MetadataStore.noteUse(db, ofImage: manifestDigest.description)
        let insertLayer = try db.cachedStatement(
            sql: """
                INSERT INTO imageLayer (image, position, layer, blobDigest, compressedBytes) VALUES (?, ?, ?, ?, ?)
                ON CONFLICT (image, position) DO NOTHING
                """)
        for (position, layer) in layers.enumerated() {
            try insertLayer.execute(arguments: [
                manifestDigest.description, position, ids[.layer(layer.diffID)], layer.blobDigest?.description, layer.compressedBytes,
            ])
        }
    }

    private func layerIDs(_ db: Database) throws -> [LayerKey: Int64] {
        var ids: [LayerKey: Int64] = [:]
        var missing: [LayerKey] = []
        for key in layerKeys {
            if let layer = try LayerRecord.fetch(db, key) { ids[key] = layer.id } else { missing.append(key) }
        }
        if !missing.isEmpty { throw MetadataError.layersMissing(missing.sorted { $0.text < $1.text }) }
        return ids
    }

    /// - Parameter clause: a constant of the calling function.
    static func fetch(_ db: Database, _ clause: String, _ arguments: StatementArguments = []) throws -> [ImageRecord] {
        let sql = """
            SELECT manifestDigest, mediaType, configDigest, indexDigest, platform, createdAt,
                (SELECT key FROM layer WHERE layer.id = image.fixup), lastUsedAt, pinned
            FROM image \(clause)
            """
        return try Row.fetchAll(db.cachedStatement(sql: sql), arguments: arguments).map { row in
            var fixup: ChainID?
            if let key = row[6] as String? {
                guard case .fixup(let chainID) = LayerKey(text: key) else { throw MetadataError.damaged(what: "\"\(key)\" as a fix-up") }
                fixup = chainID
            }
            var image = ImageRecord(
                manifestDigest: try digest(row[0]), mediaType: row[1], configDigest: try digest(row[2]),
                indexDigest: try optionalDigest(row[3]),
                platform: row[4], layers: try fetchLayers(db, image: row[0]), fixup: fixup, createdAt: row[5])
            image.lastUsedAt = row[7]
            image.isPinned = row[8]
            return image
        }
    }

    private static func fetchLayers(_ db: Database, image: String) throws -> [Layer] {
        let sql = """
            SELECT layer.key, imageLayer.blobDigest, imageLayer.compressedBytes
            FROM imageLayer JOIN layer ON layer.id = imageLayer.layer WHERE imageLayer.image = ? ORDER BY position
            """
        return try Row.fetchAll(db.cachedStatement(sql: sql), arguments: [image]).map { row in
            Layer(diffID: DiffID(try digest(row[0])), blobDigest: try optionalDigest(row[1]), compressedBytes: row[2])
        }
    }
}
