// SPDX-License-Identifier: Apache-2.0

extension Schema {
    /// What uppers took when they were last measured, and how quota knows them.
    static let usage = """
        -- 'walked': by the last walk, for lists. 'told': what somebody was last told in detail, from where growth is counted.
        CREATE TABLE upperUsage (
            container TEXT NOT NULL REFERENCES container (id) ON DELETE CASCADE,
            kind TEXT NOT NULL,
            bytes INTEGER NOT NULL,
            inodes INTEGER NOT NULL,
            measuredAt TEXT NOT NULL,
            PRIMARY KEY (container, kind)
        ) STRICT, WITHOUT ROWID;

        -- The number under which a filesystem with project quota counts a container's files. None is given twice: the trash still has
        -- files of removed ones. Roots that share a filesystem begin at different places.
        CREATE TABLE project (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            container TEXT NOT NULL UNIQUE         -- recorded before the container is
        ) STRICT;
        INSERT INTO sqlite_sequence (name, seq) VALUES ('project', ((random() & 0x6FFF) + 0x1000) * 0x10000);
        """
}
