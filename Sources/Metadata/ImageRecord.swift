// SPDX-License-Identifier: Apache-2.0

package import OCI

/// An image of one platform, whole: its layers are committed and its documents stored.
package struct ImageRecord: Hashable, Sendable {
    package struct Layer: Hashable, Sendable {
        package var diffID: DiffID
        /// The blob as this image's manifest names it: the same diff ID may be compressed otherwise elsewhere.
        package var blobDigest: Digest?
        package var compressedBytes: Int64?

        package init(diffID: DiffID, blobDigest: Digest? = nil, compressedBytes: Int64? = nil) {
            self.diffID = diffID
            self.blobDigest = blobDigest
            self.compressedBytes = compressedBytes
        }
    }

    package var manifestDigest: Digest
    /// Of the manifest.
    package var mediaType: String
    /// What Docker calls the image ID.
    package var configDigest: Digest
    /// The index that it was chosen from.
    package var indexDigest: Digest?
    package var platform: String
    /// From the lowest up, as the manifest lists them, repeated ones repeated.
    package var layers: [Layer]
    /// The chain ID of the whole stack, where the stack needs a fix-up.
    package var fixup: ChainID?
    /// When it was stored, RFC 3339, UTC. Set by the store.
    package var createdAt: String
    /// By a pull or a load, or by a container that was created, started or ended. Set by the store.
    package var lastUsedAt = ""
    /// No prune takes it. Set by `MetadataStore.set(pinned:images:)`.
    package var isPinned = false

    package init(
        manifestDigest: Digest, mediaType: String, configDigest: Digest, indexDigest: Digest? = nil, platform: String, layers: [Layer],
        fixup: ChainID? = nil, createdAt: String = ""
    ) {
        self.manifestDigest = manifestDigest
        self.mediaType = mediaType
        self.configDigest = configDigest
        self.indexDigest = indexDigest
        self.platform = platform
        self.layers = layers
        self.fixup = fixup
        self.createdAt = createdAt
    }

    package var diffIDs: [DiffID] { layers.map(\.diffID) }

    /// Every document and layer that the database must know before the image.
    package var layerKeys: Set<LayerKey> { Set(layers.map { .layer($0.diffID) } + (fixup.map { [.fixup($0)] } ?? [])) }
}

/// A name that points at an image.
package struct ReferenceRecord: Hashable, Sendable {
    /// Canonical, with a tag or with a digest: "docker.io/library/busybox:1".
    package var name: String
    package var manifestDigest: Digest
    /// What the registry answered when it was asked for the name: an index or a manifest.
    package var resolvedDigest: Digest
    /// Set by the store.
    package var updatedAt: String

    package init(name: String, manifestDigest: Digest, resolvedDigest: Digest, updatedAt: String = "") {
        self.name = name
        self.manifestDigest = manifestDigest
        self.resolvedDigest = resolvedDigest
        self.updatedAt = updatedAt
    }
}

/// A file below `content/blobs/`.
package struct BlobRecord: Hashable, Sendable {
    package var digest: Digest
    package var sizeInBytes: Int64
    package var mediaType: String

    package init(digest: Digest, sizeInBytes: Int64, mediaType: String) {
        self.digest = digest
        self.sizeInBytes = sizeInBytes
        self.mediaType = mediaType
    }
}
