// SPDX-License-Identifier: Apache-2.0

internal import GRDB

/// The tables, one script a version. A released script is never changed: a later one alters what it made.
///
/// `PRAGMA user_version` is the number of scripts that were run; `PRAGMA application_id` says whose file it is.
package enum Schema {
    /// "ctrs" in ASCII.
    static let applicationID: Int32 = 0x6374_7273

    static let scripts = [first, second, third]

    package static var version: Int { scripts.count }

    /// Runs the scripts that the file has not seen, each in a transaction of its own.
    static func migrate(_ db: Database, from found: Int) throws {
        for (index, script) in scripts.enumerated().dropFirst(found) {
            try db.inTransaction(.immediate) {
                try db.execute(sql: script)
                try db.execute(sql: "PRAGMA application_id = \(applicationID)")
                try db.execute(sql: "PRAGMA user_version = \(index + 1)")
                StoreStep.schemaScriptRun.reach()
                return .commit
            }
            StoreStep.schemaVersionReached.reach()
        }
    }

    static let now = "(strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))"

    /// What each concept added, in its own file.
    private static let second = [retention, usage, durability, waste].joined(separator: "\n")

    /// For a while these were part of the second: a root may have them already.
    private static let third = [identities, imageMounts].joined(separator: "\n")

    private static let first = """
        -- One directory below layers/: a layer by its diff ID, or the fix-up of a stack by its chain ID.
        -- Its row comes last, in a synced transaction: what has a row is whole and on stable storage.
        CREATE TABLE layer (
            id INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used again; the directory's name is this number in base 36
            key TEXT NOT NULL UNIQUE,              -- 'sha256:…' or 'fixup:sha256:…'
            blobDigest TEXT,                       -- the compressed blob that it was unpacked from
            compressedBytes INTEGER,
            uncompressedBytes INTEGER NOT NULL,    -- of the tar
            diskBytes INTEGER NOT NULL,            -- st_blocks * 512; a hard-linked file counts once
            inodes INTEGER NOT NULL,
            createdAt TEXT NOT NULL DEFAULT \(now)
        ) STRICT;

        CREATE TABLE image (
            manifestDigest TEXT NOT NULL PRIMARY KEY,
            mediaType TEXT NOT NULL,
            configDigest TEXT NOT NULL,
            indexDigest TEXT,
            platform TEXT NOT NULL,
            fixup INTEGER REFERENCES layer (id),
            createdAt TEXT NOT NULL DEFAULT \(now)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX imageByConfig ON image (configDigest);
        CREATE INDEX imageByFixup ON image (fixup) WHERE fixup IS NOT NULL;

        -- From the lowest up, as the manifest lists them, repeated ones repeated.
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
            name TEXT NOT NULL PRIMARY KEY,        -- canonical
            image TEXT NOT NULL REFERENCES image (manifestDigest) ON DELETE CASCADE,
            resolvedDigest TEXT NOT NULL,          -- what the registry answered: an index or a manifest
            updatedAt TEXT NOT NULL DEFAULT \(now)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX referenceByImage ON reference (image);

        CREATE TABLE blob (
            digest TEXT NOT NULL PRIMARY KEY,
            sizeInBytes INTEGER NOT NULL,
            mediaType TEXT NOT NULL,
            createdAt TEXT NOT NULL DEFAULT \(now)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE imageBlob (
            image TEXT NOT NULL REFERENCES image (manifestDigest) ON DELETE CASCADE,
            blob TEXT NOT NULL REFERENCES blob (digest),
            PRIMARY KEY (image, blob)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX imageBlobByBlob ON imageBlob (blob);

        -- The image may be forgotten while its container lives: the layers are held by the container itself.
        CREATE TABLE container (
            id TEXT NOT NULL PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            image TEXT NOT NULL,
            layers TEXT NOT NULL,                  -- ids as a JSON array, uppermost first: one row, one statement on the way to a start
            record TEXT NOT NULL,                  -- JSON of the container service
            createdAt TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
        """
}
