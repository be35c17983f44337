// SPDX-License-Identifier: Apache-2.0

internal import JSON
package import Layers
internal import Linux
package import Metadata
internal import OCI
internal import Snapshots
internal import Synchronization

internal import struct Crypto.SHA256

extension ImageService {
    /// What of an image's layers its tree does not show. Counted from the stored layers when it is first asked for, whatever version
    /// stored them, and remembered with the image: its layers never change.
    ///
    /// One image at a time: the count has a note for each file in memory.
    package func waste(of image: ImageRecord) async throws(ImageError) -> StackWaste {
        do {
            if let known = try await onThread({ try self.rememberedWaste(of: image) }) { return known }
            return try await onThread { try self.wasteTurn.withLock { _ in try self.countWaste(of: image) } }
        } catch {
            throw ImageError(error)
        }
    }

    /// A report in another form than today's counts as none.
    private func rememberedWaste(of image: ImageRecord) throws(MetadataError) -> StackWaste? {
        guard let report = try metadata.waste(of: image.manifestDigest) else { return nil }
        return try? JSON.decode(StackWaste.self, from: report)
    }

    private func countWaste(of image: ImageRecord) throws -> StackWaste {
        // Somebody may have counted while this one waited.
        if let known = try rememberedWaste(of: image) { return known }
        let lease = metadata.lease()
        defer { lease.release() }
        let stack = try stack(image, lease)
        let waste: StackWaste
        do throws(LayerError) { waste = try StackWaste.measure(stack) } catch {
            let chainID = ChainID.of(image.diffIDs, sha256: { Array(SHA256.hash(data: $0)) })
            throw ImageError.layer(digest: chainID?.digest ?? image.manifestDigest, error)
        }
        try metadata.set(waste: try JSON.encode(waste), of: image.manifestDigest)
        return waste
    }

    /// From the lowest up; claimed, so that no removal takes a layer away meanwhile.
    private func stack(_ image: ImageRecord, _ lease: Lease) throws -> [StackedLayer] {
        var known: [DiffID: StackedLayer] = [:]
        return try image.diffIDs.map { diffID in
            if let layer = known[diffID] { return layer }
            guard let record = try snapshots.claim(diffID, for: lease) else { throw MetadataError.layersMissing([.layer(diffID)]) }
            let layer = StackedLayer(facts: try snapshots.facts(of: record), directory: snapshots.filesystem(of: record))
            known[diffID] = layer
            return layer
        }
    }

    /// The size of what an image's stack needs on top; nil where it needs nothing.
    package func fixupSize(of image: ImageRecord) throws(ImageError) -> LayerSize? {
        guard let chainID = image.fixup else { return nil }
        do throws(MetadataError) { return try metadata.layer(.fixup(chainID))?.size } catch { throw .metadata(error) }
    }
}
