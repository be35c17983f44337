// SPDX-License-Identifier: Apache-2.0

internal import Glibc
package import Layers
internal import Linux
internal import Logging
package import Metadata
package import OCI
internal import SystemPackage

/// An extracted layer or a built fix-up, about to be committed.
package struct NewLayer: Sendable {
    package var ingest: Ingest
    package var key: LayerKey
    package var size: LayerSize
    /// What `layer.json` will hold.
    package var facts: [UInt8]
    /// Of the listing that was written into `Ingest.listing`.
    package var listing: ListingSummary?

    package init(ingest: Ingest, key: LayerKey, size: LayerSize, facts: [UInt8], listing: ListingSummary? = nil) {
        self.listing = listing
        self.ingest = ingest
        self.key = key
        self.size = size
        self.facts = facts
    }
}

extension NewLayer {
    var seal: LayerSeal {
        var checksum = Checksum64()
        checksum.update(facts)
        return LayerSeal(listingDigest: listing?.digest, listingEntries: listing?.entries, factsChecksum: checksum.value)
    }
}

extension SnapshotStore {
    /// Makes an image and its new layers exist, all or nothing, on stable storage on return:
    /// describe -> syncfs -> rename into `layers/` -> sync the directories -> one synced transaction.
    ///
    /// A layer that another pull committed meanwhile is joined: the copy goes to the trash. The ingests are used up, also after a failure.
    /// - Parameters:
    ///   - layers: those that were not stored yet, the fix-up included. Those that were must have been claimed.
    ///   - blobs: documents of the image, put into the content store under the same lease.
    /// - Throws: `SnapshotError`; the image is absent then.
    package func commit(
        _ image: ImageRecord, layers: [NewLayer], references: [ReferenceRecord], blobs: [Digest]
    ) throws(SnapshotError) {
        // From here on they are rows', or nobody's.
        defer { for layer in layers { underWay.end(layer.ingest.id) } }
        do throws(SnapshotError) {
            try prepare(layers)
        } catch {
            for layer in layers { layer.ingest.abandon() }
            throw error
        }
        let placed = try place(layers)
        let adopted: Set<Int64>
        do throws(SnapshotError) {
            adopted = try metadataStep { () throws(MetadataError) in
                try metadata.record(image, newLayers: placed, references: references, blobs: blobs)
            }
        } catch {
            takeBack(placed, after: error)
            StoreStep.recordRefused.reach()
            throw error
        }
        for row in placed where !adopted.contains(row.id) { trash.discardLogged(directories.layer(row.id)) }
        try reach(.imageRecorded)
    }

    /// From here on, the layers' content is on stable storage, below `ingest/`.
    private func prepare(_ layers: [NewLayer]) throws(SnapshotError) {
        for layer in layers { try describe(layer) }
        try reach(.layersDescribed)
        // The one that was opened first has seen every write error since.
        try kernelStep(.sync) { () throws(KernelError) in try layers.map(\.ingest).min { $0.id < $1.id }?.sync() }
        try reach(.layersSynced)
    }

    func describe(_ layer: NewLayer) throws(SnapshotError) {
        guard layer.ingest.isOpen else { throw .ingestEnded(layer.ingest.directory) }
        let path = layer.ingest.directory.appending(StoreDirectories.factsName)
        try kernelStep(.describeLayer) { () throws(KernelError) in
            let file = try openFile(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
            try layer.facts.span.withUnsafeBytes { bytes throws(KernelError) in try writeAll(file, bytes, object: path.string) }
            try file.close(of: path.string)
        }
    }

    /// - Returns: the rows of those that are new to the store.
    private func place(_ layers: [NewLayer]) throws(SnapshotError) -> [NewLayerRow] {
        var placed: [NewLayerRow] = []
        do throws(SnapshotError) {
            for layer in layers {
                if let row = try place(layer) { placed.append(row) }
                try reach(.layerPlaced)
            }
            if !layers.isEmpty {
                try kernelStep(.placeLayer) { () throws(KernelError) in
                    try syncDirectory(directories.layers)
                    try syncDirectory(directories.ingest)
                }
                try reach(.directoriesSynced)
            }
            return placed
        } catch {
            takeBack(placed, after: error)
            for layer in layers { layer.ingest.abandon() }
            throw error
        }
    }

    private func place(_ layer: NewLayer) throws(SnapshotError) -> NewLayerRow? {
        if let recorded = try metadataStep({ () throws(MetadataError) in try metadata.layer(layer.key) }) {
            if try isPresent(recorded) {
                layer.ingest.abandon()
            } else {
                try move(layer.ingest, to: directories.layer(recorded.id))
                try metadataStep { () throws(MetadataError) in try metadata.set(seal: layer.seal, ofLayer: recorded.id) }
                damage.note(nil, ofLayer: recorded.id)
            }
            return nil
        }
        try move(layer.ingest, to: directories.layer(layer.ingest.id))
        return NewLayerRow(id: layer.ingest.id, key: layer.key, size: layer.size, seal: layer.seal)
    }

    private func move(_ ingest: Ingest, to place: FilePath) throws(SnapshotError) {
        guard ingest.handOver() else { throw .ingestEnded(ingest.directory) }
        do throws(KernelError) { try renameFile(ingest.directory, to: place) } catch {
            trash.discardLogged(ingest.directory)
            // Somebody else has put it back at the same moment.
            if error.errno != .directoryNotEmpty && error.errno != .fileExists { throw .kernel(.placeLayer, error) }
        }
    }

    /// After a failure. A transaction whose sync failed is rolled back here, and yet all of it is in the log: the next start would find it
    /// done, so its layers have to be there. It knows; here nobody does.
    private func takeBack(_ placed: [NewLayerRow], after error: SnapshotError) {
        if case .metadata(let refusal) = error, refusal.mayBeDone {
            for row in placed {
                logger.error(
                    "left for the next start, which knows whether its image was recorded",
                    metadata: ["path": "\(directories.layer(row.id))"])
            }
            return
        }
        for row in placed {
            do throws(MetadataError) {
                if try metadata.layer(id: row.id) == nil { trash.discardLogged(directories.layer(row.id)) }
            } catch {
                logger.error(
                    "left for the next start to sweep", metadata: ["path": "\(directories.layer(row.id))", "error": "\(error)"])
            }
        }
    }
}
