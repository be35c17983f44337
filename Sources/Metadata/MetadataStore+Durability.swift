// SPDX-License-Identifier: Apache-2.0

internal import GRDB
internal import OCI

/// The other tree of a layer that is being repaired, or was; see `Schema.durability`.
package struct ReplacedTree: Hashable, Sendable {
    package var id: Int64
    package var layer: Int64
    /// Of the new tree's directory.
    package var inode: UInt64
    package var seal: LayerSeal
    package var diskBytes: Int64
    package var inodes: Int64
    /// Containers that may have the old tree mounted; nil: not asked yet.
    package var holders: [String]?

    package init(id: Int64, layer: Int64, inode: UInt64, seal: LayerSeal, diskBytes: Int64, inodes: Int64, holders: [String]? = nil) {
        self.id = id
        self.layer = layer
        self.inode = inode
        self.seal = seal
        self.diskBytes = diskBytes
        self.inodes = inodes
        self.holders = holders
    }
}

/// How the last one who had the root left it.
package struct PreviousSession: Hashable, Sendable {
    package var bootID: String
    package var wasClean: Bool

    package init(bootID: String, wasClean: Bool) {
        self.bootID = bootID
        self.wasClean = wasClean
    }

    /// The machine went down since. A process that was killed left what it wrote to the kernel, which still has it.
    package func isCrash(of bootID: String) -> Bool { !wasClean && self.bootID != bootID }
}

extension MetadataStore {
    // MARK: Damage

    /// Marks a layer, or with nil takes the mark away. Durable.
    package func set(damage: String?, ofLayer id: Int64) throws(MetadataError) {
        try changeDurably("mark a layer") { db in
            try db.cachedStatement(sql: "UPDATE layer SET damage = ? WHERE id = ?").execute(arguments: [damage, id])
        }
    }

    package func damagedLayers() throws(MetadataError) -> [LayerRecord] {
        try read("list damaged layers") { db in try LayerRecord.fetch(db, "WHERE damage IS NOT NULL ORDER BY id") }
    }

    /// Of a layer whose directory was lost and has been put back.
    package func set(seal: LayerSeal, ofLayer id: Int64) throws(MetadataError) {
        try change("seal a layer") { db in
            let sql = "UPDATE layer SET listingDigest = ?, listingEntries = ?, factsChecksum = ?, damage = NULL, settled = 0 WHERE id = ?"
            try db.cachedStatement(sql: sql).execute(arguments: seal.arguments + [id])
        }
    }

    /// What SQLite finds wrong with the database. - Parameter full: also compares indexes with their tables.
    package func integrityFindings(full: Bool) throws(MetadataError) -> [String] {
        try read("check the database") { db in
            let found = try String.fetchAll(db, sql: full ? "PRAGMA integrity_check" : "PRAGMA quick_check").filter { $0 != "ok" }
            let orphans = try Row.fetchAll(db, sql: "PRAGMA foreign_key_check").map { row in
                "table \(row[0] as String? ?? "?") refers to a row of \(row[2] as String? ?? "?") that is not there"
            }
            return found + orphans
        }
    }

    // MARK: Sessions

    /// Notes who has the root now, but after a crash of the machine: then `confirmSession` does, when what it may have touched was checked.
    /// Durable. - Returns: who had it before; nil for a new root.
    package func beginSession(bootID: String) throws(MetadataError) -> PreviousSession? {
        try changeDurably("note this start") { db in
            let previous = try Row.fetchOne(db, sql: "SELECT bootID, clean FROM session WHERE id = 1").map {
                PreviousSession(bootID: $0[0], wasClean: $0[1])
            }
            if previous?.isCrash(of: bootID) != true { try Self.note(bootID, db) }
            return previous
        }
    }

    package func confirmSession(bootID: String) throws(MetadataError) {
        try changeDurably("note this start") { db in try Self.note(bootID, db) }
    }

    private static func note(_ bootID: String, _ db: Database) throws {
        try db.execute(
            sql: "INSERT INTO session (id, bootID, clean) VALUES (1, ?, 0) ON CONFLICT (id) DO UPDATE SET bootID = ?1, clean = 0",
            arguments: [bootID])
    }

    /// The filesystem is synced, and nothing is under way. Durable. What a crash may have touched and was not checked to its end stays so.
    package func endSession(bootID: String) throws(MetadataError) {
        try changeDurably("note this end") { db in
            try db.execute(sql: "UPDATE session SET clean = 1 WHERE bootID = ?", arguments: [bootID])
            if db.changesCount == 1 { try db.execute(sql: "UPDATE layer SET settled = 1 WHERE settled = 0") }
        }
    }

    /// Layers that a crash of the machine may have touched: committed after the last sync that is known to have come after a commit.
    package func unsettledLayers() throws(MetadataError) -> [LayerRecord] {
        try read("list new layers") { db in try LayerRecord.fetch(db, "WHERE settled = 0 ORDER BY id") }
    }

    package func settle(layers ids: [Int64]) throws(MetadataError) {
        try change("note checked layers") { db in
            for id in ids { try db.cachedStatement(sql: "UPDATE layer SET settled = 1 WHERE id = ?").execute(arguments: [id]) }
        }
    }

    // MARK: Repair

    /// Before the trees are exchanged. Durable.
    package func insert(replaced tree: ReplacedTree) throws(MetadataError) {
        try changeDurably("record a repaired layer") { db in
            let sql = """
                INSERT INTO replacedTree (id, layer, inode, diskBytes, inodes, \(LayerSeal.columns)) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """
            try db.cachedStatement(sql: sql).execute(
                arguments: [tree.id, tree.layer, Int64(bitPattern: tree.inode), tree.diskBytes, tree.inodes] + tree.seal.arguments)
        }
    }

    /// The exchange was made: the layer is what the new tree is. Durable.
    package func finish(replaced tree: ReplacedTree) throws(MetadataError) {
        try changeDurably("record a repaired layer") { db in
            let sql = """
                UPDATE layer SET diskBytes = ?, inodes = ?, listingDigest = ?, listingEntries = ?, factsChecksum = ?, damage = NULL,
                    settled = 0 WHERE id = ?
                """
            try db.cachedStatement(sql: sql).execute(arguments: [tree.diskBytes, tree.inodes] + tree.seal.arguments + [tree.layer])
        }
    }

    package func set(holders: [String], ofReplaced id: Int64) throws(MetadataError) {
        try changeDurably("note who uses a replaced tree") { db in
            let array = try String.fetchOne(db, sql: "SELECT json_group_array(value) FROM json_each(?)", arguments: [Self.array(holders)])
            try db.execute(sql: "UPDATE replacedTree SET holders = ? WHERE id = ?", arguments: [array, id])
        }
    }

    package func delete(replaced id: Int64) throws(MetadataError) {
        try changeDurably("forget a replaced tree") { db in try db.execute(sql: "DELETE FROM replacedTree WHERE id = ?", arguments: [id]) }
    }

    package func replacedTrees() throws(MetadataError) -> [ReplacedTree] {
        try read("list replaced trees") { db in
            let sql = "SELECT id, layer, inode, diskBytes, inodes, holders, \(LayerSeal.columns) FROM replacedTree ORDER BY id"
            return try Row.fetchAll(db, sql: sql).map { row in
                var holders: [String]?
                if let array = row[5] as String? {
                    holders = try String.fetchAll(db, sql: "SELECT value FROM json_each(?)", arguments: [array])
                }
                return ReplacedTree(
                    id: row[0], layer: row[1], inode: UInt64(bitPattern: row[2]), seal: try LayerSeal(row, from: 6), diskBytes: row[3],
                    inodes: row[4], holders: holders)
            }
        }
    }

    /// Container IDs are hexadecimal digits: nothing is to be escaped.
    private static func array(_ ids: [String]) -> String { "[" + ids.map { "\"\($0)\"" }.joined(separator: ",") + "]" }
}

extension LayerSeal {
    static let columns = "listingDigest, listingEntries, factsChecksum"

    var arguments: StatementArguments {
        [listingDigest?.description, listingEntries, factsChecksum.map { Int64(bitPattern: $0) }]
    }

    /// - Parameter first: the place of the first of `columns`.
    init(_ row: Row, from first: Int) throws {
        self.init(
            listingDigest: try optionalDigest(row[first]), listingEntries: row[first + 1],
            factsChecksum: (row[first + 2] as Int64?).map { UInt64(bitPattern: $0) })
    }
}
