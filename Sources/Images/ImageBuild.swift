// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import ContentStore
internal import Layers
internal import Linux
internal import Metadata
internal import OCI
internal import Snapshots
internal import Synchronization

internal import struct Crypto.SHA256

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

    /// A layer that was shared with another image, whose commit failed and took it along.
    private struct SpoiledLayer: Error {}
    private static let mostAttempts = 3

    /// Everything is committed, or nothing is left.
    func run() async throws -> ImageRecord {
        var attempt = 1
        var free: FilesystemStatistics?
        while true {
            do { return try await runOnce(&free) } catch is SpoiledLayer where attempt < Self.mostAttempts {
                attempt += 1
            } catch let error where attempt < Self.mostAttempts && ImageError(error).isOutOfSpace {
                // What it had unpacked is in the trash by now, which goes first of all.
                guard let found = free, try await onThread({ try service.snapshots.relieve(since: found) }) else { throw error }
                attempt += 1
            }
        }
    }

    /// - Parameter free: what is free when the layers come.
    private func runOnce(_ free: inout FilesystemStatistics?) async throws -> ImageRecord {
        let lease = service.metadata.lease()
        defer { lease.release() }
        let missing = try await onThread { try self.missingLayers(lease) }
        free = try await onThread { try self.checkSpace(missing) }
        let joined = JoinedLayers()
        let result: Result<ImageRecord, any Error>
        do {
            let fetched = try await fetchAll(missing, joined)
            var event = PullEvent(.committing)
            event.digest = image.manifestDigest.description
            progress(event)
            result = .success(try await onThread { try self.commit(fetched, lease) })
        } catch {
            result = .failure(error)
        }
        // After the commit: who comes before it finds the layers here, who comes after it in the store.
        await joined.leaveAll()
        return try result.get()
    }

    /// Each once, however often the manifest lists it.
    private func missingLayers(_ lease: Lease) throws -> [PendingLayer] {
        var seen: Set<DiffID> = []
        return try layers.filter { layer in
            if service.configuration.keepBlobs { _ = try service.metadata.claim(blob: layer.digest, for: lease) }
            guard seen.insert(layer.diffID).inserted else { return false }
            guard try service.snapshots.claim(layer.diffID, for: lease) == nil else {
                progress(layer.event(.exists))
                return false
            }
            progress(layer.event(.waiting))
            return true
        }
    }

    /// Nobody knows before how large a layer unpacks; what is stored is the least it takes.
    private func checkSpace(_ layers: [PendingLayer]) throws -> FilesystemStatistics {
        let stored = layers.reduce(UInt64(0)) { sum, layer in
            let (total, isTooMuch) = sum.addingReportingOverflow(UInt64(clamping: layer.size ?? 0))
            return isTooMuch ? .max : total
        }
        let (both, isTooMuch) = stored.multipliedReportingOverflow(by: service.configuration.keepBlobs ? 2 : 1)
        return try service.snapshots.checkSpace(bytes: isTooMuch ? .max : both, inodes: UInt64(layers.count * 4))
    }

    // MARK: Layers

    /// A few at a time; the first failure ends the waiting for the others.
    private func fetchAll(_ layers: [PendingLayer], _ joined: JoinedLayers) async throws -> [DiffID: FetchedLayer] {
        try await withThrowingTaskGroup(of: (DiffID, FetchedLayer).self) { group in
            var waiting = layers[...]
            var done: [DiffID: FetchedLayer] = [:]
            for _ in 0..<service.configuration.width {
                guard let next = waiting.popFirst() else { break }
                group.addTask { (next.diffID, try await fetch(next, joined)) }
            }
            while let (diffID, fetched) = try await group.next() {
                done[diffID] = fetched
                if let next = waiting.popFirst() { group.addTask { (next.diffID, try await fetch(next, joined)) } }
            }
            return done
        }
    }

    private func fetch(_ layer: PendingLayer, _ joined: JoinedLayers) async throws -> FetchedLayer {
        let shared = join(layer, LayerWorkKey(layer), joined)
        let fetched: FetchedLayer
        do { fetched = try await shared.value() } catch {
            guard shared.owner != layer.source, !Task.isCancelled else { throw error }
            // What another registry can't give, this one may.
            fetched = try await join(layer, LayerWorkKey(layer, source: layer.source), joined).value()
        }
        switch fetched {
        case .stored: progress(layer.event(.exists))
        case .unpacked: progress(layer.event(.extracted, current: layer.size))
        }
        return fetched
    }

    private func join(_ layer: PendingLayer, _ key: LayerWorkKey, _ joined: JoinedLayers) -> Membership<FetchedLayer> {
        let service = service
        let membership = service.layerWork.join(key, for: layer.source, listener: progress) { tell in
            try await LayerExtraction(service: service, layer: layer, tell: tell).run()
        }
        joined.add(membership)
        return membership
    }

    /// What this build takes part in, until it has ended.
    private final class JoinedLayers: Sendable {
        private let memberships = Mutex<[Membership<FetchedLayer>]>([])

        func add(_ membership: Membership<FetchedLayer>) { memberships.withLock { $0.append(membership) } }

        func leaveAll() async {
            for membership in memberships.withLock({ $0 }) { await membership.leave() }
        }
    }

    // MARK: Commit

    /// One at a time: what two images share is placed by the first, and found by the second. They would wait for the same disk anyway.
    private func commit(_ fetched: [DiffID: FetchedLayer], _ lease: Lease) throws -> ImageRecord {
        try service.commitTurn.withLock { _ in try commitNow(fetched, lease) }
    }

    private func commitNow(_ fetched: [DiffID: FetchedLayer], _ lease: Lease) throws -> ImageRecord {
        var image = image
        let unpacked = try stillNew(fetched, lease)
        var new = try unpacked.values.sorted { $0.ingest.id < $1.ingest.id }.map { try NewLayer(ingest: $0.ingest, facts: $0.facts) }
        if let fixup = try fixup(unpacked, lease) {
            image.fixup = fixup.chainID
            if let layer = fixup.layer { new.append(layer) }
        }
        for blob in blobs { try service.content.put(blob.bytes, as: blob.digest, mediaType: blob.mediaType, for: lease) }
        try service.snapshots.commit(image, layers: new, references: references, blobs: blobs.map(\.digest) + keptBlobs())
        return image
    }

    private struct Unpacked {
        var ingest: Ingest
        var facts: LayerFacts
    }

    /// Without what another image has brought into the store meanwhile.
    private func stillNew(_ fetched: [DiffID: FetchedLayer], _ lease: Lease) throws -> [DiffID: Unpacked] {
        var new: [DiffID: Unpacked] = [:]
        for (diffID, layer) in fetched where try service.snapshots.claim(diffID, for: lease) == nil {
            guard case .unpacked(let ingest, let facts, _) = layer, ingest.isOpen else { throw SpoiledLayer() }
            new[diffID] = Unpacked(ingest: ingest, facts: facts)
        }
        return new
    }

    private func keptBlobs() throws -> [Digest] {
        guard service.configuration.keepBlobs else { return [] }
        return try Set(layers.map(\.digest)).filter { try service.content.contains($0) }
    }

    private struct Fixup {
        var chainID: ChainID
        /// nil where another pull has made it already.
        var layer: NewLayer?
    }

    private func fixup(_ unpacked: [DiffID: Unpacked], _ lease: Lease) throws -> Fixup? {
        let stack = try layers.map { layer in try stacked(layer, unpacked[layer.diffID]) }
        guard let chainID = ChainID.of(layers.map(\.diffID), sha256: { Array(SHA256.hash(data: $0)) }) else { return nil }
        if try service.snapshots.claim(.fixup(chainID), for: lease) != nil { return Fixup(chainID: chainID, layer: nil) }
        let ingest = try service.snapshots.beginIngest()
        do {
            guard try FixupBuilder.build(stack: stack, into: ingest.filesystem, limits: service.limits) else {
                ingest.abandon()
                return nil
            }
            StoreStep.fixupBuilt.reach()
            return Fixup(chainID: chainID, layer: try NewLayer(ingest: ingest, fixup: chainID))
        } catch {
            ingest.abandon()
            throw (error as? LayerError).map { ImageError.layer(digest: chainID.digest, $0) } ?? error
        }
    }

    private func stacked(_ layer: PendingLayer, _ unpacked: Unpacked?) throws -> StackedLayer {
        if let unpacked { return StackedLayer(facts: unpacked.facts, directory: unpacked.ingest.filesystem) }
        guard let record = try service.snapshots.committed(layer.diffID) else { throw ImageError.archive("layer \(layer.diffID) is gone") }
        return StackedLayer(facts: try service.snapshots.facts(of: record), directory: service.snapshots.filesystem(of: record))
    }
}
