// SPDX-License-Identifier: Apache-2.0

internal import GRDB

/// Ids of the node, as users and as groups: so many from the first on.
package struct IDRange: Sendable, Hashable, Codable {
    package var first: UInt32
    package var size: UInt32

    package init(first: UInt32, size: UInt32) {
        self.first = first
        self.size = size
    }

    /// The first id behind it.
    package var end: UInt64 { UInt64(first) + UInt64(size) }

    package func overlaps(_ other: IDRange) -> Bool { UInt64(first) < other.end && UInt64(other.first) < end }
}

extension MetadataStore {
    /// Gives a container ids that no other container has; they are its own until its row goes, or `releaseIDs`.
    /// - Parameter available: where to take them from; ranges that were given out of others before are respected too.
    /// - Returns: nil where so many in a row are not free.
    package func claimIDs(for container: String, size: UInt32, of available: [IDRange]) throws(MetadataError) -> IDRange? {
        try change("give a container ids") { db in
            var chosen: IDRange?
            try db.inTransaction(.immediate) {
                let taken = try Self.ranges(db).map(\.range)
                let last = try Row.fetchOne(db.cachedStatement(sql: "SELECT first, size FROM idRange ORDER BY number DESC LIMIT 1"))
                let newest = last.map { IDRange(first: UInt32(clamping: $0[0] as Int64), size: UInt32(clamping: $0[1] as Int64)) }
                chosen = IDAllocation(available: available, taken: taken).next(size: size, after: newest)
                guard let chosen else { return .rollback }
                try db.cachedStatement(sql: "INSERT INTO idRange (container, first, size) VALUES (?, ?, ?)").execute(arguments: [
                    container, Int64(chosen.first), Int64(chosen.size),
                ])
                return .commit
            }
            return chosen
        }
    }

    /// For a creation that failed. One that has none is no error.
    package func releaseIDs(of container: String) throws(MetadataError) {
        try change("free a container's ids") { db in
            try db.cachedStatement(sql: "DELETE FROM idRange WHERE container = ?").execute(arguments: [container])
        }
    }

    /// Frees what a creation that a crash interrupted has claimed.
    /// - Parameter kept: containers that are not recorded, and may have processes.
    /// - Returns: whose ids were freed.
    package func releaseIDsWithoutContainer(keeping kept: Set<String>) throws(MetadataError) -> [String] {
        try change("free ids without a container") { db in
            let sql = "SELECT container FROM idRange WHERE container NOT IN (SELECT id FROM container)"
            let lost = try String.fetchAll(db.cachedStatement(sql: sql)).filter { !kept.contains($0) }
            for container in lost {
                try db.cachedStatement(sql: "DELETE FROM idRange WHERE container = ?").execute(arguments: [container])
            }
            return lost
        }
    }

    /// By container.
    package func idRanges() throws(MetadataError) -> [String: IDRange] {
        try read("list the containers' ids") { db in
            Dictionary(uniqueKeysWithValues: try Self.ranges(db).map { ($0.container, $0.range) })
        }
    }

    private static func ranges(_ db: Database) throws -> [(container: String, range: IDRange)] {
        try Row.fetchAll(db.cachedStatement(sql: "SELECT container, first, size FROM idRange ORDER BY first")).map { row in
            (row[0], IDRange(first: UInt32(clamping: row[1] as Int64), size: UInt32(clamping: row[2] as Int64)))
        }
    }
}

/// Which ids come next: behind the newest range, and from the beginning again at the end, so that those of a container that has just gone rest.
package struct IDAllocation: Sendable {
    private let available: [IDRange]
    private let taken: [IDRange]

    package init(available: [IDRange], taken: [IDRange]) {
        self.available = available.sorted { $0.first < $1.first }
        self.taken = taken.sorted { $0.first < $1.first }
    }

    /// - Parameter newest: the range that was given last.
    /// - Returns: nil where so many in a row are not free.
    package func next(size: UInt32, after newest: IDRange?) -> IDRange? {
        guard size > 0 else { return nil }
        return first(size: size, from: newest?.end ?? 0) ?? first(size: size, from: 0)
    }

    private func first(size: UInt32, from start: UInt64) -> IDRange? {
        for range in available {
            var candidate = max(UInt64(range.first), start)
            // Sorted by their beginning: one that is passed can't be met again.
            for other in taken where candidate < other.end && UInt64(other.first) < candidate + UInt64(size) { candidate = other.end }
            // 2^32 - 1 is the kernel's "no id".
            if candidate + UInt64(size) <= min(range.end, UInt64(UInt32.max)) { return IDRange(first: UInt32(candidate), size: size) }
        }
        return nil
    }
}
