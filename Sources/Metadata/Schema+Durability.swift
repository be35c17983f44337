// SPDX-License-Identifier: Apache-2.0

extension Schema {
    /// What `fsck` compares the store with, and what a crash may have touched.
    static let durability = """
        -- Of the layer's listing (`files`) and of its layer.json; NULL: an older version stored it.
        ALTER TABLE layer ADD COLUMN listingDigest TEXT;
        ALTER TABLE layer ADD COLUMN listingEntries INTEGER;
        ALTER TABLE layer ADD COLUMN factsChecksum INTEGER;
        -- What a check found first; NULL: nothing. No container is made of it before it is repaired.
        ALTER TABLE layer ADD COLUMN damage TEXT;
        -- 1: the filesystem was synced again after the layer was committed.
        ALTER TABLE layer ADD COLUMN settled INTEGER NOT NULL DEFAULT 0;

        -- A repaired layer's other tree, below replaced/: the new one before the exchange, the old one after it.
        -- It stays until no container runs that may have it mounted.
        CREATE TABLE replacedTree (
            id INTEGER PRIMARY KEY,                -- the directory's name is this number in base 36
            layer INTEGER NOT NULL,
            inode INTEGER NOT NULL,                -- of the new tree's directory: where it is tells whether the exchange was made
            listingDigest TEXT,
            listingEntries INTEGER,
            factsChecksum INTEGER,
            diskBytes INTEGER NOT NULL,
            inodes INTEGER NOT NULL,
            holders TEXT                           -- container ids as a JSON array; NULL: not asked yet
        ) STRICT;

        -- One row: who has this root open, or had it last.
        CREATE TABLE session (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            bootID TEXT NOT NULL,
            clean INTEGER NOT NULL
        ) STRICT;
        """
}
