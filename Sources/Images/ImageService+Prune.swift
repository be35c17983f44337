// SPDX-License-Identifier: Apache-2.0

internal import ContentStore
package import Linux
internal import Logging
package import Metadata
internal import OCI
internal import Snapshots

extension ImageService {
    /// What a prune took, or would take.
    package struct Pruned: Sendable {
        package struct Image: Sendable {
            package var record: ImageRecord
            /// As they are stored.
            package var names: [String]
            package var freed: TreeUsage
        }

        /// The longest unused first.
        package var images: [Image] = []
        package var layers: [LayerRecord] = []
        package var blobs: [BlobRecord] = []
        /// On disk: layers with all that belongs to them, and blobs.
        package var freed = TreeUsage()
    }

    /// Forgets images by `selection`, and what only they had. The layers' directories are in the trash on return.
    package func prune(_ selection: PruneSelection) throws(ImageError) -> Pruned {
        do {
            // Measured before they go: the trash may be quicker. What came to be free between the two is counted as it was at its commit.
            let expected = try usages(of: metadata.predict(selection))
            var failed: KernelError?
            let rows = try metadata.prune(selection) { rows in
                snapshots.discard(rows.layers)
                failed = content.unlink(rows.blobs)
            }
            if !rows.steps.isEmpty { snapshots.forgetStacks() }
            if let failed { logger.error("blobs of pruned images are left for the next start", metadata: ["error": "\(failed)"]) }
            return Self.sum(rows, expected)
        } catch {
            throw ImageError(error)
        }
    }

    /// What `prune` would take now, measured.
    package func predictPrune(_ selection: PruneSelection) throws(ImageError) -> Pruned {
        do {
            let rows = try metadata.predict(selection)
            return Self.sum(rows, try usages(of: rows))
        } catch {
            throw ImageError(error)
        }
    }

    /// Pins every image that the text names, or unpins them.
    package func pin(_ text: String, _ pinned: Bool) throws(ImageError) -> [ImageRecord] {
        do {
            let found = try named(text).images
            try metadata.set(pinned: pinned, images: found.map(\.manifestDigest))
            return try found.compactMap { try metadata.image(manifestDigest: $0.manifestDigest) }
        } catch {
            throw ImageError(error)
        }
    }

    private struct Usages {
        var layers: [Int64: TreeUsage] = [:]
        var blobs: [Digest: TreeUsage] = [:]
    }

    private func usages(of rows: PrunedRows) throws -> Usages {
        var usages = Usages()
        for layer in rows.layers { usages.layers[layer.id] = try snapshots.measure(layer) }
        for blob in rows.blobs { usages.blobs[blob.digest] = try content.measure(blob) }
        return usages
    }

    private static func sum(_ rows: PrunedRows, _ usages: Usages) -> Pruned {
        var pruned = Pruned(layers: rows.layers, blobs: rows.blobs)
        for step in rows.steps {
            var freed = TreeUsage()
            for layer in step.layers {
                freed += usages.layers[layer.id] ?? TreeUsage(bytes: layer.size.diskBytes, inodes: layer.size.inodes)
            }
            for blob in step.blobs { freed += usages.blobs[blob.digest] ?? TreeUsage(bytes: blob.sizeInBytes, inodes: 1) }
            pruned.freed += freed
            if let image = step.image { pruned.images.append(Pruned.Image(record: image, names: step.names, freed: freed)) }
        }
        return pruned
    }
}
