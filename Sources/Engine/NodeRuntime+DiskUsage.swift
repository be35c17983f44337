// SPDX-License-Identifier: Apache-2.0

public import APITypes
internal import Containers
internal import Linux
internal import Metadata
internal import OCI
internal import Snapshots
internal import SystemPackage

extension NodeRuntime {
    /// How long measuring may take for a list that nobody shall wait for.
    static let measuringMilliseconds: UInt64 = 20

    /// What the root takes. Uppers are not waited for: see `DiskUsage.Part.stale`.
    /// - Parameters:
    ///   - fresh: measure everything now, however long it takes.
    ///   - verbose: with a row for each image, layer and upper.
    public func diskUsage(verbose: Bool, fresh: Bool) async throws(EngineError) -> DiskUsage {
        let all = containers.all.sorted { ($0.memo.createdAt, $0.id.text) < ($1.memo.createdAt, $1.id.text) }
        let facts = try await diskFacts(all.map(\.id.text), within: fresh ? nil : Self.measuringMilliseconds)
        var usage = DiskUsage(facts, all, configuration)
        if verbose {
            let names = try await imageNames()
            let shares = LayerShares(facts.lowers)
            usage.imageRows = facts.images.map { ImageShare(shares.share(of: $0.manifestDigest), $0, names, facts.lowers) }
            usage.snapshotRows = facts.lowers.map(SnapshotSummary.init) + zip(all, facts.disk.uppers).map(SnapshotSummary.init)
        }
        return usage
    }

    private func diskFacts(_ ids: [String], within milliseconds: UInt64?) async throws(EngineError) -> DiskFacts {
        try await storeWork { store throws(SnapshotError) in
            let images: [ImageRecord]
            let blobs: Int
            do throws(MetadataError) {
                images = try store.metadata.images()
                blobs = try store.metadata.blobs().count
            } catch {
                throw .metadata(error)
            }
            return DiskFacts(
                disk: try store.disk(containers: ids, within: milliseconds), lowers: try store.lowerUsage(), images: images,
                blobCount: blobs)
        }
    }
}

private struct DiskFacts: Sendable {
    var disk: StoreDisk
    var lowers: [LowerUsage]
    var images: [ImageRecord]
    var blobCount: Int
}

extension DiskUsage {
    fileprivate init(_ facts: DiskFacts, _ containers: [Container], _ configuration: NodeConfiguration) {
        let disk = facts.disk
        let shares = LayerShares(facts.lowers)
        let layers = shares.unique + shares.shared
        let stored = Set(facts.images.map(\.manifestDigest))
        let active = stored.intersection(containers.map(\.memo.manifestDigest))
        let reclaimable = shares.reclaimable(keeping: active)
        let uppers = UsageReading.sum(disk.uppers)
        let records = UsageReading.sum([disk.layerFiles, disk.rest])
        let total = [uppers, disk.containerFiles, disk.content, disk.trash, disk.ingest, records].reduce(layers + shares.detached) {
            $0 + $1.usage
        }
        self.init(
            root: configuration.root, filesystem: disk.free.typeName,
            images: Images(
                count: facts.images.count, active: active.count, sizeInBytes: layers.bytes, inodes: layers.inodes,
                reclaimableBytes: reclaimable.bytes, reclaimableInodes: reclaimable.inodes),
            layers: Layers(
                count: facts.lowers.count, uniqueBytes: shares.unique.bytes, sharedBytes: shares.shared.bytes,
                detached: Part(count: shares.detachedCount, sizeInBytes: shares.detached.bytes, inodes: shares.detached.inodes)),
            uppers: Uppers(containers, disk), containerFiles: Part(containers.count, disk.containerFiles),
            blobs: Part(facts.blobCount, disk.content), trash: Part(disk.trashCount, disk.trash),
            underWay: Part(0, disk.ingest), records: Part(facts.lowers.count, records), totalBytes: total.bytes, totalInodes: total.inodes,
            freeBytes: Int64(clamping: disk.free.freeBytes), freeInodes: Int64(clamping: disk.free.freeInodes),
            reserveBytes: configuration.reserveBytes, reserveInodes: configuration.reserveInodes)
    }
}

extension DiskUsage.Part {
    fileprivate init(_ count: Int, _ reading: UsageReading) {
        self.init(
            count: count, sizeInBytes: reading.usage.bytes, inodes: reading.usage.inodes, measuredAt: reading.measuredAt,
            stale: reading.isStale ? true : nil)
    }
}

extension DiskUsage.Uppers {
    fileprivate init(_ containers: [Container], _ disk: StoreDisk) {
        let live = containers.map(\.life.isLive)
        let ended = zip(live, disk.uppers).filter { !$0.0 }.map(\.1)
        let reclaimable = UsageReading.sum(ended).usage
        self.init(
            method: disk.hasQuota ? .quota : .walk, running: live.count { $0 }, reclaimableBytes: reclaimable.bytes,
            reclaimableInodes: reclaimable.inodes, staleCount: disk.uppers.count { $0.isStale },
            part: DiskUsage.Part(containers.count, UsageReading.sum(disk.uppers)))
    }
}

extension ImageShare {
    init(_ share: LayerShares.Share, _ image: ImageRecord, _ names: [String: [String]], _ lowers: [LowerUsage]) {
        let digest = image.manifestDigest.description
        // The same layer may be compressed otherwise elsewhere: of this image's own blobs, where they are known.
        let blobs = Dictionary(image.layers.map { ($0.diffID, $0.compressedBytes) }) { first, _ in first }
        let containers = lowers.filter { $0.images.contains(image.manifestDigest) }.flatMap(\.containers)
        self.init(
            manifestDigest: digest, references: names[digest] ?? [],
            compressedBytes: blobs.values.allSatisfy { $0 != nil } ? blobs.values.reduce(0) { $0 + ($1 ?? 0) } : share.compressedBytes,
            sizeInBytes: share.size.bytes, exclusiveBytes: share.exclusive.bytes, sharedBytes: share.shared.bytes,
            sharedWith: share.sharedWith.map(\.description), containers: Set(containers).sorted())
    }
}

extension SnapshotSummary {
    init(_ container: Container, _ reading: UsageReading) {
        self.init(
            kind: .upper, key: container.id.text, path: container.paths.directory.appending("upper").string,
            sizeInBytes: reading.usage.bytes, inodes: reading.usage.inodes, compressedSizeInBytes: nil,
            createdAt: container.memo.createdAt, images: [], containers: [container.id.text], measuredAt: reading.measuredAt,
            stale: reading.isStale ? true : nil)
    }

    init(_ lower: LowerUsage) {
        let kind: Kind = if case .fixup = lower.layer.key { .fixup } else { .layer }
        self.init(
            kind: kind, key: lower.layer.key.digestText, path: lower.path.string, sizeInBytes: lower.layer.size.diskBytes,
            inodes: lower.layer.size.inodes, compressedSizeInBytes: lower.layer.size.compressedBytes, createdAt: lower.layer.createdAt,
            images: lower.images.map(\.description), containers: lower.containers,
            uncompressedSizeInBytes: kind == .layer ? lower.layer.size.uncompressedBytes : nil)
    }
}
