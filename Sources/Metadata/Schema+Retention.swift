// SPDX-License-Identifier: Apache-2.0

extension Schema {
    /// Which images may go, and which of them first.
    ///
    /// A container's use of its image is noted by triggers, in the statement that writes the container's row anyway: a run costs no write more.
    static let retention = """
        ALTER TABLE image ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0;
        -- By a pull, or by a container's start or end. A constant is all that a new column may default to.
        ALTER TABLE image ADD COLUMN lastUsedAt TEXT NOT NULL DEFAULT '';
        UPDATE image SET lastUsedAt = createdAt;
        CREATE TRIGGER imageUsedByCreate AFTER INSERT ON container BEGIN
            UPDATE image SET lastUsedAt = \(now) WHERE manifestDigest = NEW.image;
        END;
        -- The record is written when the container has ended.
        CREATE TRIGGER imageUsedByEnd AFTER UPDATE OF record ON container BEGIN
            UPDATE image SET lastUsedAt = \(now) WHERE manifestDigest = NEW.image;
        END;
        -- One that is removed by its end has no end recorded. To remove one that ended long ago is no use of its image.
        -- A record that can't be read must not keep anyone from removing it.
        CREATE TRIGGER imageUsedByRemoval AFTER DELETE ON container
        WHEN CASE WHEN json_valid(OLD.record) THEN json_extract(OLD.record, '$.exit') IS NULL ELSE 1 END BEGIN
            UPDATE image SET lastUsedAt = \(now) WHERE manifestDigest = OLD.image;
        END;
        """
}
