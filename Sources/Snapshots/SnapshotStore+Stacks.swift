// SPDX-License-Identifier: Apache-2.0

internal import Linux
package import Metadata
package import OCI
package import SystemPackage

extension SnapshotStore {
    /// How an image's layers stack. Remembered: a run asks each time.
    /// - Throws: `SnapshotError.noSuchImage`.
    package func stack(of manifestDigest: Digest) throws(SnapshotError) -> LayerStack {
        if let known = stacks.stack(manifestDigest) { return known }
        let generation = stacks.generation
        guard let image = try metadataStep({ () throws(MetadataError) in try metadata.image(manifestDigest: manifestDigest) }) else {
            throw .noSuchImage(manifestDigest)
        }
        let layers = try metadataStep { () throws(MetadataError) in
            try Self.keys(of: image).map { key throws(MetadataError) in
                guard let layer = try metadata.layer(key) else { throw .layersMissing([key]) }
                return layer
            }
        }
        let stack = LayerStack(store: directories.layers, layers: layers)
        stacks.insert(stack, for: manifestDigest, generation: generation)
        return stack
    }

    /// The stack of a container, also when its image is not stored any more.
    /// - Parameter layerIDs: as its record holds them.
    package func stack(layerIDs: [Int64]) throws(SnapshotError) -> LayerStack {
        LayerStack(store: directories.layers, layers: try metadataStep { () throws(MetadataError) in try metadata.layers(ids: layerIDs) })
    }

    /// From the uppermost down, the fix-up first, repeated layers once.
    private static func keys(of image: ImageRecord) -> [LayerKey] {
        var seen: Set<DiffID> = []
        let unique = image.diffIDs.reversed().filter { seen.insert($0).inserted }
        return (image.fixup.map { [.fixup($0)] } ?? []) + unique.map(LayerKey.layer)
    }

    /// The directory that a stored layer's files are in.
    package func filesystem(of layer: LayerRecord) -> FilePath { directories.filesystem(layer.id) }

    /// The bytes of a stored layer's `layer.json`.
    package func factsBytes(of layer: LayerRecord) throws(SnapshotError) -> [UInt8] {
        try kernelStep(.readFacts) { () throws(KernelError) in try readFile(directories.facts(layer.id), limit: 1 << 30) }
    }
}
