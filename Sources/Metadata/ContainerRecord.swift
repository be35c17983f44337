// SPDX-License-Identifier: Apache-2.0

/// A container that was created and not removed.
package struct ContainerRecord: Hashable, Sendable {
    package var id: String
    package var name: String
    package var manifestDigest: String
    /// Of its stack, uppermost first, the fix-up included, and then those of the images that it mounts: they stay as long as the container does,
    /// also without their image.
    package var layerIDs: [Int64]
    /// Manifest digests of images that it mounts beside its own; for `insert`.
    package var mountedImages: [String] = []
    /// What the container service keeps about it, as JSON text.
    package var json: [UInt8]
    /// RFC 3339, UTC.
    package var createdAt: String

    package init(id: String, name: String, manifestDigest: String, layerIDs: [Int64], json: [UInt8], createdAt: String) {
        self.id = id
        self.name = name
        self.manifestDigest = manifestDigest
        self.layerIDs = layerIDs
        self.json = json
        self.createdAt = createdAt
    }
}
