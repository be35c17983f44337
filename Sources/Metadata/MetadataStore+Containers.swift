// SPDX-License-Identifier: Apache-2.0

internal import GRDB

// On the way of every start and end: one prepared statement each. Not durable: a power cut ends the containers too.
extension MetadataStore {
    /// Records a container; from then on its layers can't be removed.
    /// - Throws: `MetadataError.containerLayersGone` where one was removed meanwhile, `.containerNameInUse`.
    package func insert(container: ContainerRecord) throws(MetadataError) {
        try change("record a container") { db in
            guard !container.mountedImages.isEmpty else { return try Self.insert(container, db) }
            try db.inTransaction(.immediate) {
                try Self.insert(container, db)
                for image in Set(container.mountedImages) {
                    try db.cachedStatement(sql: "INSERT INTO imageMount (container, image) VALUES (?, ?)").execute(arguments: [
                        container.id, image,
                    ])
                }
                return .commit
            }
        }
    }

    private static func insert(_ container: ContainerRecord, _ db: Database) throws {
        let sql = """
            INSERT INTO container (id, name, image, layers, record, createdAt) SELECT ?1, ?2, ?3, ?4, ?5, ?6
            WHERE NOT EXISTS (SELECT 1 FROM json_each(?4) WHERE value NOT IN (SELECT id FROM layer))
            """
        do {
            try db.cachedStatement(sql: sql).execute(arguments: [
                container.id, container.name, container.manifestDigest, text(container.layerIDs),
                String(decoding: container.json, as: UTF8.self),
                container.createdAt,
            ])
        } catch let error as DatabaseError where error.extendedResultCode == .SQLITE_CONSTRAINT_UNIQUE {
            throw MetadataError.containerNameInUse(container.name)
        }
        guard db.changesCount == 1 else { throw MetadataError.containerLayersGone(id: container.id) }
    }

    /// - Throws: `MetadataError.noSuchContainer`.
    package func update(container id: String, json: [UInt8]) throws(MetadataError) { try update(container: id) { json } }

    /// - Parameters:
    ///   - name: nil leaves it.
    ///   - json: asked when it is this change's turn: of several at once the last one written is the newest.
    /// - Throws: `MetadataError.noSuchContainer`, `.containerNameInUse`.
    package func update(container id: String, name: String? = nil, json: () throws -> [UInt8]) throws(MetadataError) {
        try change("update a container") { db in
            let sql = "UPDATE container SET record = ?2, name = coalesce(?3, name) WHERE id = ?1"
            do {
                try db.cachedStatement(sql: sql).execute(arguments: [id, String(decoding: try json(), as: UTF8.self), name])
            } catch let error as DatabaseError where error.extendedResultCode == .SQLITE_CONSTRAINT_UNIQUE {
                throw MetadataError.containerNameInUse(name ?? id)
            }
            guard db.changesCount == 1 else { throw MetadataError.noSuchContainer(id) }
        }
    }

    /// One that is not recorded is no error: a removal may be repeated.
    /// - Parameter durably: its directory goes next, and after a power cut the row must not be back without it.
    /// - Returns: whether its image was not stored any more: its layers may have no holder now.
    @discardableResult
    package func delete(container id: String, durably: Bool = false) throws(MetadataError) -> Bool {
        func delete(_ db: Database) throws -> Bool {
            let image = try String.fetchOne(
                db.cachedStatement(sql: "DELETE FROM container WHERE id = ? RETURNING image"), arguments: [id])
            guard let image else { return false }
            let stored = try Int.fetchOne(db.cachedStatement(sql: "SELECT 1 FROM image WHERE manifestDigest = ?"), arguments: [image])
            return stored == nil
        }
        return durably ? try changeDurably("forget a container", delete) : try change("forget a container", delete)
    }

    package func container(_ id: String) throws(MetadataError) -> ContainerRecord? {
        try read("find a container") { db in try ContainerRecord.fetch(db, "WHERE id = ?", [id]).first }
    }

    /// Oldest first.
    package func containers() throws(MetadataError) -> [ContainerRecord] {
        try read("list the containers") { db in try ContainerRecord.fetch(db, "ORDER BY createdAt, id") }
    }

    /// The IDs of containers that were created from this image, or mount it.
    package func containers(ofImage manifestDigest: String) throws(MetadataError) -> [String] {
        try read("list the containers of an image") { db in
            let sql = """
                SELECT id FROM container WHERE image = ?1 OR id IN (SELECT container FROM imageMount WHERE image = ?1) ORDER BY createdAt, id
                """
            return try String.fetchAll(db.cachedStatement(sql: sql), arguments: [manifestDigest])
        }
    }

    /// Which containers each layer or fix-up is held by.
    package func containersByLayer() throws(MetadataError) -> [Int64: [String]] {
        try read("list the holders of layers") { db in
            var users: [Int64: [String]] = [:]
            let sql = "SELECT value, container.id FROM container, json_each(container.layers) ORDER BY createdAt, container.id"
            for row in try Row.fetchAll(db.cachedStatement(sql: sql)) { users[row[0], default: []].append(row[1]) }
            return users
        }
    }

    private static func text(_ ids: [Int64]) -> String { "[\(ids.map(String.init).joined(separator: ","))]" }
}

extension ContainerRecord {
    /// - Parameter clause: a constant of the calling function.
    static func fetch(_ db: Database, _ clause: String, _ arguments: StatementArguments = []) throws -> [ContainerRecord] {
        let statement = try db.cachedStatement(sql: "SELECT id, name, image, layers, record, createdAt FROM container \(clause)")
        return try Row.fetchAll(statement, arguments: arguments).map { row in
            ContainerRecord(
                id: row[0], name: row[1], manifestDigest: row[2], layerIDs: try ids(row[3]), json: Array((row[4] as String).utf8),
                createdAt: row[5])
        }
    }

    /// The array of numbers that `insert` wrote.
    private static func ids(_ text: String) throws -> [Int64] {
        guard text.hasPrefix("["), text.hasSuffix("]") else { throw MetadataError.damaged(what: "\"\(text)\" as a list of layers") }
        return try text.dropFirst().dropLast().split(separator: ",").map { word in
            guard let id = Int64(word) else { throw MetadataError.damaged(what: "\"\(text)\" as a list of layers") }
            return id
        }
    }
}
