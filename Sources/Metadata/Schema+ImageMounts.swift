// SPDX-License-Identifier: Apache-2.0

extension Schema {
    /// Images that a container has mounted beside its own. Their layers are among the container's.
    static let imageMounts = """
        CREATE TABLE IF NOT EXISTS imageMount (
            container TEXT NOT NULL REFERENCES container (id) ON DELETE CASCADE,
            image TEXT NOT NULL,                   -- it may be forgotten by force, as the container's own
            PRIMARY KEY (container, image)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS imageMountByImage ON imageMount (image);
        CREATE TRIGGER IF NOT EXISTS imageUsedByMount AFTER INSERT ON imageMount BEGIN
            UPDATE image SET lastUsedAt = \(now) WHERE manifestDigest = NEW.image;
        END;
        """
}
