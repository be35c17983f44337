// SPDX-License-Identifier: Apache-2.0

extension Schema {
    /// What of an image's layers its tree does not show: counted once, kept as long as the image.
    static let waste = """
        CREATE TABLE imageWaste (
            image TEXT NOT NULL PRIMARY KEY REFERENCES image (manifestDigest) ON DELETE CASCADE,
            report TEXT NOT NULL                   -- JSON of the image service
        ) STRICT, WITHOUT ROWID;
        """
}
