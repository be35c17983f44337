// SPDX-License-Identifier: Apache-2.0

internal import GRDB

extension MetadataStore {
    /// A number for a container's files that this root has never given to another one; the container's former number is forgotten.
    package func newProject(of container: String) throws(MetadataError) -> UInt32 {
        try change("number a container's files") { db in
            var project: UInt32?
            try db.inTransaction(.immediate) {
                try db.cachedStatement(sql: "DELETE FROM project WHERE container = ?").execute(arguments: [container])
                try db.cachedStatement(sql: "INSERT INTO project (container) VALUES (?)").execute(arguments: [container])
                project = UInt32(exactly: db.lastInsertedRowID)
                return project == nil ? .rollback : .commit
            }
            guard let project else { throw MetadataError.damaged(what: "no project number that is still free") }
            return project
        }
    }

    /// By container.
    package func projects() throws(MetadataError) -> [String: UInt32] {
        try read("list the projects") { db in
            let rows = try Row.fetchAll(db.cachedStatement(sql: "SELECT container, id FROM project"))
            return Dictionary(uniqueKeysWithValues: rows.map { ($0[0] as String, UInt32(clamping: $0[1] as Int64)) })
        }
    }

    /// - Returns: the number, where there was one.
    package func deleteProject(of container: String) throws(MetadataError) -> UInt32? {
        try change("forget a project") { db in
            let statement = try db.cachedStatement(sql: "DELETE FROM project WHERE container = ? RETURNING id")
            return try Int64.fetchOne(statement, arguments: [container]).map { UInt32(clamping: $0) }
        }
    }
}
