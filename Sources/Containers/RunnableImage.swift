// SPDX-License-Identifier: Apache-2.0

package import OCI

/// What a container needs to know of its image; the engine finds it.
package struct RunnableImage: Sendable {
    /// What the reference pointed at: an index or a manifest.
    package var resolvedDigest: Digest
    package var manifestDigest: Digest
    package var config: ImageConfig
    /// The manifests of images that the container mounts beside this one, by what the request calls them.
    package var mounted: [String: Digest] = [:]

    package init(resolvedDigest: Digest, manifestDigest: Digest, config: ImageConfig) {
        self.resolvedDigest = resolvedDigest
        self.manifestDigest = manifestDigest
        self.config = config
    }
}
