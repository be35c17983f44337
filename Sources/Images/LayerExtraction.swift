// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import ContentStore
internal import Layers
internal import Metadata
internal import OCI
internal import Registry
internal import Snapshots

/// One layer of an image that is being made: its descriptor, and how to begin to read it.
struct PendingLayer: Sendable {
    var digest: Digest
    var size: Int64?
    var diffID: DiffID
    var mediaType: MediaType?
    /// Who gives it: a registry and repository, an archive.
    var source: String
    /// Begins the stream; called only where the layer is not stored yet.
    /// - Parameter tell: hears of connections that broke.
    var open: @Sendable (_ tell: @escaping @Sendable (PullEvent) -> Void) throws(LayerError) -> any LayerSource

    func event(_ status: PullEvent.LayerStatus, current: Int64? = nil) -> PullEvent {
        var event = PullEvent(.layer)
        event.digest = digest.description
        event.diffID = diffID.description
        event.status = status
        event.current = current
        event.total = current == nil ? nil : size
        return event
    }
}

/// What must be the same for two pulls to share the work on a layer. The same diff ID with another blob is another work: nobody
/// depends on what somebody else's manifest says.
struct LayerWorkKey: Hashable, Sendable {
    var digest: Digest
    var size: Int64?
    var diffID: DiffID
    var mediaType: MediaType?
    /// nil takes the layer from anywhere.
    var source: String?

    init(_ layer: PendingLayer, source: String? = nil) {
        digest = layer.digest
        size = layer.size
        diffID = layer.diffID
        mediaType = layer.mediaType
        self.source = source
    }
}

/// A layer that an image waits for.
enum FetchedLayer: Sendable {
    /// It is in the store: another image has brought it meanwhile.
    case stored
    /// It is unpacked, and no image's yet. The lease holds its kept blob.
    case unpacked(Ingest, LayerFacts, Lease)

    func dispose() {
        guard case .unpacked(let ingest, _, let lease) = self else { return }
        ingest.abandon()
        lease.release()
    }
}

/// Fetches and unpacks one layer, for all who wait for it.
struct LayerExtraction: Sendable {
    let service: ImageService
    let layer: PendingLayer
    let tell: @Sendable (PullEvent) -> Void

    func run() async throws -> FetchedLayer {
        if try await onThread({ try service.snapshots.committed(layer.diffID) }) != nil { return .stored }
        let ingest = try await onThread { try service.snapshots.beginIngest() }
        let lease = service.metadata.lease()
        let cancelled = CancelFlag()
        do {
            let facts = try await withTaskCancellationHandler {
                try await onThread { try extract(into: ingest, lease, cancelled) }
            } onCancel: {
                cancelled.set()
            }
            return .unpacked(ingest, facts, lease)
        } catch {
            ingest.abandon()
            lease.release()
            throw error
        }
    }

    private func extract(into ingest: Ingest, _ lease: Lease, _ cancelled: CancelFlag) throws -> LayerFacts {
        let meter = ProgressMeter(step: max(1 << 20, (layer.size ?? 0) / 100))
        let writer = try keptBlob(lease)
        do {
            let base = try layer.open(tell)
            let source: any LayerSource = writer.map { KeepingSource(base: base, writer: $0) } ?? base
            cancelled.onSet { source.cancel() }
            let facts: LayerFacts
            do throws(LayerError) {
                facts = try LayerExtractor.extract(
                    from: source,
                    expecting: LayerExpectation(digest: layer.digest, size: layer.size, diffID: layer.diffID, mediaType: layer.mediaType),
                    into: ingest.filesystem, listing: ingest.listing,
                    limits: service.limits,
                    isCancelled: {
                        StoreStep.entryExtracted.reach()
                        return cancelled.isSet
                    },
                    progress: { bytes in if meter.isDue(bytes) { tell(layer.event(.pulling, current: bytes)) } })
            } catch {
                throw explain(error, base)
            }
            StoreStep.layerExtracted.reach()
            try writer?.finish()
            return facts
        } catch {
            writer?.abandon()
            if cancelled.isSet { throw CancellationError() }
            throw error
        }
    }

    /// What the registry said, where it is the cause.
    private func explain(_ error: LayerError, _ source: any LayerSource) -> ImageError {
        if case .source = error, let failure = (source as? RegistryLayer)?.failure { return .registry(failure) }
        return .layer(digest: layer.digest, error)
    }

    /// nil where the blob is not to be kept, or is kept already.
    private func keptBlob(_ lease: Lease) throws -> BlobWriter? {
        guard service.configuration.keepBlobs, try !service.content.contains(layer.digest) else { return nil }
        return try service.content.beginBlob(
            layer.digest, size: layer.size, mediaType: (layer.mediaType ?? .ociLayer).rawValue, for: lease)
    }
}
