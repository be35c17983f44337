// SPDX-License-Identifier: Apache-2.0

package import SystemPackage

/// The database as the first version wrote it, kept here in its own words: what is migrated has to be the old one, not what the newest
/// code thinks of it.
package enum SchemaOne {
    /// Makes `<root>/meta.db` in the first schema, with rows.
    package static func write(_ path: FilePath, rows: String) throws {
        try python("db.executescript(sys.stdin.read())", path, input: sql + rows)
    }

    /// Makes a root's database what the first version would have written for it.
    package static func rebuild(_ root: String) throws {
        let path = FilePath(root + "/meta.db")
        let copying = """
            old = sys.argv[1] + ".newer"
            db.executescript(sys.stdin.read())
            db.execute("ATTACH ? AS newer", (old,))
            for (table,) in db.execute("SELECT name FROM main.sqlite_schema WHERE type = 'table'").fetchall():
                columns = ", ".join(row[1] for row in db.execute(f"PRAGMA main.table_info({table})"))
                db.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM newer.{table}")
            db.commit()
            """
        let newer = root + "/meta.db.newer"
        try good(["/bin/sh", "-c", "mv \(path) \(newer) && if [ -e \(path)-wal ]; then mv \(path)-wal \(newer)-wal; fi; rm -f \(path)-shm"])
        try python(copying, path, input: sql)
        try good(["/bin/sh", "-c", "rm -f \(newer) \(newer)-wal \(newer)-shm"])
    }

    /// Sets the version that a database says it has. - Parameter logged: it is only in the log, as after a kill.
    package static func set(version: Int, _ path: FilePath, logged: Bool) throws {
        let body = "db.execute('PRAGMA wal_autocheckpoint = 0'); db.execute('PRAGMA user_version = \(version)'); db.commit()"
        try python(logged ? body + "; os._exit(0)" : body, path, input: "")
    }

    package static func execute(_ sql: String, _ path: FilePath) throws {
        try python("db.executescript(sys.stdin.read())", path, input: sql)
    }

    /// What the version says now, also where it is only in the log.
    package static func version(_ path: FilePath) throws -> Int? {
        Int(try python("print(db.execute('PRAGMA user_version').fetchone()[0])", path, input: "").lines.first ?? "")
    }

    @discardableResult
    private static func python(_ body: String, _ path: FilePath, input: String) throws -> Outcome {
        let script = "import os, sqlite3, sys\ndb = sqlite3.connect(sys.argv[1])\n\(body)\ndb.close()\n"
        return try good(["/usr/bin/python3", "-c", script, path.string], input: Array(input.utf8))
    }

    @discardableResult
    private static func good(_ arguments: [String], input: [UInt8] = []) throws -> Outcome {
        let outcome = try command(arguments, input: input)
        if outcome.code != 0 { throw Failure("\(arguments): \(outcome)") }
        return outcome
    }

    private static let sql = """
        CREATE TABLE layer (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            key TEXT NOT NULL UNIQUE,
            blobDigest TEXT,
            compressedBytes INTEGER,
            uncompressedBytes INTEGER NOT NULL,
            diskBytes INTEGER NOT NULL,
            inodes INTEGER NOT NULL,
            createdAt TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
        ) STRICT;
        CREATE TABLE image (
            manifestDigest TEXT NOT NULL PRIMARY KEY,
            mediaType TEXT NOT NULL,
            configDigest TEXT NOT NULL,
            indexDigest TEXT,
            platform TEXT NOT NULL,
            fixup INTEGER REFERENCES layer (id),
            createdAt TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX imageByConfig ON image (configDigest);
        CREATE INDEX imageByFixup ON image (fixup) WHERE fixup IS NOT NULL;
        CREATE TABLE imageLayer (
            image TEXT NOT NULL REFERENCES image (manifestDigest) ON DELETE CASCADE,
            position INTEGER NOT NULL,
            layer INTEGER NOT NULL REFERENCES layer (id),
            blobDigest TEXT,
            compressedBytes INTEGER,
            PRIMARY KEY (image, position)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX imageLayerByLayer ON imageLayer (layer);
        CREATE TABLE reference (
            name TEXT NOT NULL PRIMARY KEY,
            image TEXT NOT NULL REFERENCES image (manifestDigest) ON DELETE CASCADE,
            resolvedDigest TEXT NOT NULL,
            updatedAt TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX referenceByImage ON reference (image);
        CREATE TABLE blob (
            digest TEXT NOT NULL PRIMARY KEY,
            sizeInBytes INTEGER NOT NULL,
            mediaType TEXT NOT NULL,
            createdAt TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE imageBlob (
            image TEXT NOT NULL REFERENCES image (manifestDigest) ON DELETE CASCADE,
            blob TEXT NOT NULL REFERENCES blob (digest),
            PRIMARY KEY (image, blob)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX imageBlobByBlob ON imageBlob (blob);
        CREATE TABLE container (
            id TEXT NOT NULL PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            image TEXT NOT NULL,
            layers TEXT NOT NULL,
            record TEXT NOT NULL,
            createdAt TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
        PRAGMA application_id = 1668575859;
        PRAGMA user_version = 1;
        PRAGMA journal_mode = WAL;

        """
}
