// SPDX-License-Identifier: Apache-2.0

extension Schema {
    /// What uppers took when they were last measured.
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
        """
}
