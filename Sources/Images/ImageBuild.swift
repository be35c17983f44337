// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import ContentStore
internal import Layers
internal import Metadata
internal import OCI
internal import Snapshots

internal import struct Crypto.SHA256

/// One layer of an image that is being made: its descriptor, and how to begin to read it.
struct PendingLayer: Sendable {
    var digest: Digest
    var size: Int64?
    var diffID: DiffID
    var mediaType: MediaType?
    /// Begins the stream; called only where the layer is not stored yet.
    var open: @Sendable () throws(LayerError) -> any LayerSource
}

/// A document to be kept.
struct PendingBlob: Sendable {
    var digest: Digest
    var bytes: [UInt8]
    var mediaType: String
}

/// From documents and layer streams to a committed image: what a pull and a load have in common.
struct ImageBuild: Sendable {
    let service: ImageService
    let image: ImageRecord
    let layers: [PendingLayer]
    let blobs: [PendingBlob]
    let references: [ReferenceRecord]
    let progress: @Sendable (PullEvent) -> Void

    /// Everything is committed, or nothing is left.
    func run() async throws -> ImageRecord {
        let lease = service.metadata.lease()
        defer { lease.release() }
        let missing = try await onThread { try self.missingLayers(lease) }
        try await onThread { try self.checkSpace(missing) }
        let extracted = try await extractAll(missing)
        var event = PullEvent(.committing)
        event.digest = image.manifestDigest.description
        progress(event)
        return try await onThread { try self.commit(extracted, lease) }
    }

    /// Each once, however often the manifest lists it.
    private func missingLayers(_ lease: Lease) throws -> [PendingLayer] {
        var seen: Set<DiffID> = []
        return try layers.filter { layer in
            guard seen.insert(layer.diffID).inserted else { return false }
            guard try service.snapshots.claim(layer.diffID, for: lease) == nil else {
                report(layer, .exists)
                return false
            }
            report(layer, .waiting)
            return true
        }
    }

    /// Nobody knows before how large a layer unpacks; what is stored is the least it takes.
    private func checkSpace(_ layers: [PendingLayer]) throws {
        let bytes = layers.reduce(UInt64(0)) { $0 + UInt64(clamping: $1.size ?? 0) }
        try service.snapshots.checkSpace(bytes: bytes, inodes: UInt64(layers.count * 4))
    }

    private struct Extracted: Sendable {
        var ingest: Ingest
        var facts: LayerFacts
    }

    /// A few at a time; the first failure cancels the others, and their directories go.
    private func extractAll(_ layers: [PendingLayer]) async throws -> [DiffID: Extracted] {
        try await withThrowingTaskGroup(of: Extracted.self) { group in
            var waiting = layers[...]
            var done: [DiffID: Extracted] = [:]
            for _ in 0..<service.configuration.width {
                guard let next = waiting.popFirst() else { break }
                group.addTask { try await self.extract(next) }
            }
            while let extracted = try await group.next() {
                done[extracted.facts.diffID] = extracted
                if let next = waiting.popFirst() { group.addTask { try await self.extract(next) } }
            }
            return done
        }
    }

    private func extract(_ layer: PendingLayer) async throws -> Extracted {
        let ingest = try await onThread { try self.service.snapshots.beginIngest() }
        let cancelled = CancelFlag()
        do {
            let facts = try await withTaskCancellationHandler {
                try await onThread { () throws -> LayerFacts in try self.extractNow(layer, ingest, cancelled) }
            } onCancel: {
                cancelled.set()
            }
            report(layer, .extracted, current: layer.size, total: layer.size)
            return Extracted(ingest: ingest, facts: facts)
        } catch {
            ingest.abandon()
            throw error
        }
    }

    private func extractNow(_ layer: PendingLayer, _ ingest: Ingest, _ cancelled: CancelFlag) throws -> LayerFacts {
        let meter = ProgressMeter(step: max(1 << 20, (layer.size ?? 0) / 100))
        do throws(LayerError) {
            let source = try layer.open()
            cancelled.onSet { source.cancel() }
            return try LayerExtractor.extract(
                from: source,
                expecting: LayerExpectation(digest: layer.digest, size: layer.size, diffID: layer.diffID, mediaType: layer.mediaType),
                into: ingest.filesystem,
                limits: ExtractionLimits(reserveBytes: service.snapshots.reserve.bytes, reserveInodes: service.snapshots.reserve.inodes),
                isCancelled: { cancelled.isSet },
                progress: { bytes in
                    if meter.isDue(bytes) { self.report(layer, .pulling, current: bytes, total: layer.size) }
                })
        } catch {
            throw cancelled.isSet ? CancellationError() as any Error : ImageError.layer(digest: layer.digest, error)
        }
    }

    // MARK: Commit

    private func commit(_ extracted: [DiffID: Extracted], _ lease: Lease) throws -> ImageRecord {
        var image = image
        var new = try extracted.values.sorted { $0.ingest.id < $1.ingest.id }.map { layer in
            try NewLayer(ingest: layer.ingest, facts: layer.facts)
        }
        if let fixup = try fixup(extracted, lease) {
            image.fixup = fixup.chainID
            if let layer = fixup.layer { new.append(layer) }
        }
        for blob in blobs { try service.content.put(blob.bytes, as: blob.digest, mediaType: blob.mediaType, for: lease) }
        try service.snapshots.commit(image, layers: new, references: references, blobs: blobs.map(\.digest))
        return image
    }

    private struct Fixup {
        var chainID: ChainID
        /// nil where another pull has made it already.
        var layer: NewLayer?
    }

    private func fixup(_ extracted: [DiffID: Extracted], _ lease: Lease) throws -> Fixup? {
        let stack = try layers.map { layer in try stacked(layer, extracted[layer.diffID]) }
        guard let chainID = ChainID.of(layers.map(\.diffID), sha256: { Array(SHA256.hash(data: $0)) }) else { return nil }
        if try service.snapshots.claim(.fixup(chainID), for: lease) != nil { return Fixup(chainID: chainID, layer: nil) }
        let ingest = try service.snapshots.beginIngest()
        do {
            guard try FixupBuilder.build(stack: stack, into: ingest.filesystem) else {
                ingest.abandon()
                return nil
            }
            return Fixup(chainID: chainID, layer: try NewLayer(ingest: ingest, fixup: chainID))
        } catch {
            ingest.abandon()
            throw (error as? LayerError).map { ImageError.layer(digest: chainID.digest, $0) } ?? error
        }
    }

    private func stacked(_ layer: PendingLayer, _ extracted: Extracted?) throws -> StackedLayer {
        if let extracted { return StackedLayer(facts: extracted.facts, directory: extracted.ingest.filesystem) }
        guard let record = try service.snapshots.committed(layer.diffID) else { throw ImageError.archive("layer \(layer.diffID) is gone") }
        return StackedLayer(facts: try service.snapshots.facts(of: record), directory: service.snapshots.filesystem(of: record))
    }

    private func report(_ layer: PendingLayer, _ status: PullEvent.LayerStatus, current: Int64? = nil, total: Int64? = nil) {
        var event = PullEvent(.layer)
        event.digest = layer.digest.description
        event.diffID = layer.diffID.description
        event.status = status
        event.current = current
        event.total = total
        progress(event)
    }
}
