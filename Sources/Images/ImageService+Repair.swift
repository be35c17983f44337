// SPDX-License-Identifier: Apache-2.0

package import APITypes
internal import ContentStore
internal import Layers
internal import Linux
internal import Metadata
internal import OCI
internal import Registry
internal import Snapshots
internal import Synchronization

internal import struct Crypto.SHA256

extension ImageService {
    /// Makes a layer's tree anew, and exchanges it under what runs: from its kept blob, else from the registries that references name;
    /// a fix-up from the layers of its stack.
    /// - Parameter runningHolders: containers that run, or are being started, with the layer of this id.
    package func repair(
        _ request: RepairRequest, runningHolders: @escaping @Sendable (Int64) -> [String], tell: @escaping @Sendable (RepairEvent) -> Void
    ) async throws(ImageError) -> RepairResult {
        do {
            guard let layer = try self.layer(named: request.layer) else { throw ImageError.noSuchLayer(request.layer) }
            let run = RepairRun(service: self, layer: layer, credentials: request.credentials ?? [:], holders: runningHolders, tell: tell)
            return try await run.run()
        } catch {
            throw ImageError(error)
        }
    }
}

private struct RepairRun: Sendable {
    let service: ImageService
    let layer: LayerRecord
    let credentials: [String: RegistryCredentials]
    let holders: @Sendable (Int64) -> [String]
    let tell: @Sendable (RepairEvent) -> Void

    /// Where the layer's blob may be had.
    private struct Source: Sendable {
        var name: String
        var digest: Digest
        var size: Int64?
        var open: @Sendable () throws -> any LayerSource
    }

    func run() async throws -> RepairResult {
        let lease = service.metadata.lease()
        defer { lease.release() }
        let key = layer.key
        let service = service
        guard try await onThread({ try service.metadata.claim(layer: key, for: lease) }) != nil else {
            throw ImageError.noSuchLayer(key.text)
        }
        if case .fixup(let chainID) = key {
            let name = "layers below"
            say(.trying, source: name)
            return try await onThread { try finish(try rebuild(chainID), from: name) }
        }
        return try await fetch()
    }

    /// From the first source that has the right bytes.
    private func fetch() async throws -> RepairResult {
        var failure: (any Error)?
        for source in try await onThread({ try sources() }) {
            say(.trying, source: source.name)
            do {
                let new = try await extract(source)
                return try await onThread { try finish(new, from: source.name) }
            } catch  where !(error is CancellationError) && !Task.isCancelled {
                // The nearest to the registry tells most.
                failure = error
            }
        }
        throw failure ?? ImageError.noSource(layer.key.text)
    }

    private func sources() throws -> [Source] {
        guard let diffID = layer.key.diffID else { return [] }
        let images = try service.metadata.images().filter { $0.diffIDs.contains(diffID) }
        var blobs: [(digest: Digest, size: Int64?)] = layer.size.blobDigest.map { [($0, layer.size.compressedBytes)] } ?? []
        for place in images.flatMap(\.layers) where place.diffID == diffID {
            guard let digest = place.blobDigest, !blobs.contains(where: { $0.digest == digest }) else { continue }
            blobs.append((digest, place.compressedBytes))
        }
        let content = service.content
        var sources = try blobs.filter { try content.contains($0.digest) }.map { blob in
            Source(name: "kept blob", digest: blob.digest, size: blob.size) {
                let file = try content.open(blob.digest)
                return try FileRange(file, ImageArchive.Member(offset: 0, size: UInt64(clamping: try file.status().size)))
            }
        }
        for image in images {
            guard let place = image.layers.first(where: { $0.diffID == diffID }), let digest = place.blobDigest else { continue }
            for record in try service.metadata.references() where record.names(image) {
                guard let reference = try? ImageReference(parsing: record.name) else { continue }
                sources.append(registrySource(reference, digest, place.compressedBytes ?? 0))
            }
        }
        return sources
    }

    private func registrySource(_ reference: ImageReference, _ digest: Digest, _ size: Int64) -> Source {
        let (registry, credentials) = (service.registry, credentials[reference.registry])
        return Source(name: reference.familiar, digest: digest, size: size) {
            RegistryLayer(
                source: registry.stream(
                    Descriptor(mediaType: .ociLayerGzip, digest: digest, size: size), of: reference, credentials: credentials
                ) {})
        }
    }

    private func extract(_ source: Source) async throws -> NewLayer {
        guard let diffID = layer.key.diffID else { throw ImageError.noSource(layer.key.text) }
        let ingest = try await onThread { try service.snapshots.beginIngest() }
        let cancelled = CancelFlag()
        do {
            return try await withTaskCancellationHandler {
                try await onThread { try extractNow(source, diffID, ingest, cancelled) }
            } onCancel: {
                cancelled.set()
            }
        } catch {
            ingest.abandon()
            if cancelled.isSet { throw CancellationError() }
            throw error
        }
    }

    private func extractNow(_ source: Source, _ diffID: DiffID, _ ingest: Ingest, _ cancelled: CancelFlag) throws -> NewLayer {
        try service.snapshots.checkSpace(bytes: UInt64(clamping: layer.size.diskBytes), inodes: UInt64(clamping: layer.size.inodes))
        let base = try source.open()
        cancelled.onSet { base.cancel() }
        let meter = ProgressMeter(step: max(1 << 20, (source.size ?? 0) / 100))
        let facts: LayerFacts
        do throws(LayerError) {
            // The bytes say how they are compressed; that they are the right ones is judged by both digests.
            facts = try LayerExtractor.extract(
                from: base, expecting: LayerExpectation(digest: source.digest, size: source.size, diffID: diffID, mediaType: nil),
                into: ingest.filesystem, listing: ingest.listing,
                limits: service.limits,
                isCancelled: { cancelled.isSet },
                progress: { bytes in if meter.isDue(bytes) { say(.pulling, current: bytes, total: source.size) } })
        } catch {
            if case .source = error, let failure = (base as? RegistryLayer)?.failure { throw ImageError.registry(failure) }
            throw ImageError.layer(digest: source.digest, error)
        }
        return try NewLayer(ingest: ingest, facts: facts)
    }

    private func rebuild(_ chainID: ChainID) throws -> NewLayer {
        let image = try service.metadata.images().first { $0.fixup == chainID }
        guard let image else { throw ImageError.noSource(layer.key.text) }
        let stack = try image.diffIDs.map { diffID in
            guard let record = try service.snapshots.committed(diffID) else { throw ImageError.archive("layer \(diffID) is gone") }
            if let finding = record.damage { throw SnapshotError.damagedLayer(record, finding: finding) }
            return StackedLayer(facts: try service.snapshots.facts(of: record), directory: service.snapshots.filesystem(of: record))
        }
        let ingest = try service.snapshots.beginIngest()
        do {
            guard try FixupBuilder.build(stack: stack, into: ingest.filesystem, limits: service.limits) else {
                throw ImageError.noSource(layer.key.text)
            }
            return try NewLayer(ingest: ingest, fixup: chainID)
        } catch {
            ingest.abandon()
            throw (error as? LayerError).map { ImageError.layer(digest: chainID.digest, $0) } ?? error
        }
    }

    /// Reads back what was written, and exchanges the trees. One at a time, and not beside a commit, which may put a lost directory back.
    private func finish(_ new: NewLayer, from source: String) throws -> RepairResult {
        do {
            say(.verifying)
            try verify(new)
        } catch {
            new.ingest.abandon()
            throw error
        }
        let kept = try service.commitTurn.withLock { _ in
            try service.snapshots.replace(layer, with: new) { holders(layer.id) }
        }
        return RepairResult(layer: layer.key.text, source: source, containers: kept)
    }

    private func verify(_ new: NewLayer) throws {
        let first = FirstFinding()
        var check = try TreeCheck(new.ingest.filesystem, full: true) { finding in first.finding = first.finding ?? finding }
        _ = try check.run(try LayerListing(new.ingest.listing))
        guard let finding = first.finding else { return }
        throw ImageError.archive(
            "the new tree is damaged, too: \"\(display(finding.path))\": expected \(finding.expected), found \(finding.found)")
    }

    private final class FirstFinding { var finding: TreeFinding? }

    private func say(_ kind: RepairEvent.Kind, source: String? = nil, current: Int64? = nil, total: Int64? = nil) {
        var event = RepairEvent(kind)
        event.source = source
        event.current = current
        event.total = total
        tell(event)
    }
}
