// SPDX-License-Identifier: Apache-2.0

/// `GET /v1/containers/{id}/files`: one object of a container.
public struct PathStatus: Codable, Sendable, Hashable {
    public enum Kind: String, Codable, Sendable, Hashable, CaseIterable { case file, directory, symlink, other }
    /// The last component of the path; "." of the root.
    public var name: String
    public var kind: Kind
    /// The twelve permission bits.
    public var mode: UInt32
    public var sizeInBytes: Int64
    public var modifiedAt: String
    public var linkTarget: String?
    public init(name: String, kind: Kind, mode: UInt32, sizeInBytes: Int64, modifiedAt: String, linkTarget: String? = nil) {
        self.name = name
        self.kind = kind
        self.mode = mode
        self.sizeInBytes = sizeInBytes
        self.modifiedAt = modifiedAt
        self.linkTarget = linkTarget
    }
}

/// `GET /v1/containers/{id}/changes`: one difference of a container's root to its image.
public struct FileChange: Codable, Sendable, Hashable {
    public enum Kind: String, Codable, Sendable, Hashable, CaseIterable { case added, changed, deleted }
    public var kind: Kind
    /// Absolute.
    public var path: String
    /// The bytes, where they are not UTF-8.
    public var pathBase64: String?
    public init(kind: Kind, path: PathText) {
        self.kind = kind
        self.path = path.text
        pathBase64 = path.base64
    }
}
