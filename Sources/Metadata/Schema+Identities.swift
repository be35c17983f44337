// SPDX-License-Identifier: Apache-2.0

extension Schema {
    /// Which of the node's ids each container with a user namespace of its own has.
    static let identities = """
        -- Recorded before the container is, and gone with its row, in the same statement: at no moment does a container run on ids that are free.
        CREATE TABLE IF NOT EXISTS idRange (
            number INTEGER PRIMARY KEY AUTOINCREMENT,  -- the highest is the newest: a freed range rests until the others were given
            container TEXT NOT NULL UNIQUE,
            first INTEGER NOT NULL,
            size INTEGER NOT NULL
        ) STRICT;
        CREATE TRIGGER IF NOT EXISTS idRangeFreed AFTER DELETE ON container BEGIN
            DELETE FROM idRange WHERE container = OLD.id;
        END;
        """
}
