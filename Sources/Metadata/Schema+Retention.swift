// SPDX-License-Identifier: Apache-2.0

extension Schema {
    /// Which images may go, and which of them first.
    static let retention = """
        ALTER TABLE image ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0;
        -- By a pull, or by a container's start or end. A constant is all that a new column may default to.
        ALTER TABLE image ADD COLUMN lastUsedAt TEXT NOT NULL DEFAULT '';
        UPDATE image SET lastUsedAt = createdAt;
        """
}
