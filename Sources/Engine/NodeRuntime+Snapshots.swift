// SPDX-License-Identifier: Apache-2.0

public import APITypes
internal import Containers
internal import Images
internal import Linux
internal import Metadata
internal import OCI
internal import Snapshots
internal import SystemPackage

extension NodeRuntime {
    /// Layers, fix-ups and uppers.
    /// - Parameter fresh: measure every upper now, however long it takes; else half a second is enough: see `SnapshotSummary.stale`.
    public func snapshots(fresh: Bool = true) async throws(EngineError) -> [SnapshotSummary] {
        let (usage, _) = try await storeUsage(fresh: fresh)
        return usage.lowers.map(SnapshotSummary.init) + usage.uppers.map(SnapshotSummary.init)
    }

    /// The same with sums, with what each image has for itself, and what the lowers would take if each container had a copy of its own.
    public func snapshotUsage(fresh: Bool = true) async throws(EngineError) -> SnapshotUsage {
        let (usage, images) = try await storeUsage(fresh: fresh)
        let names = try await imageNames()
        let shares = LayerShares(usage.lowers)
        return SnapshotUsage(
            snapshots: usage.lowers.map(SnapshotSummary.init) + usage.uppers.map(SnapshotSummary.init),
            lowerBytes: usage.lowers.reduce(0) { $0 + $1.usage.bytes }, lowerInodes: usage.lowers.reduce(0) { $0 + $1.usage.inodes },
            upperBytes: usage.uppers.reduce(0) { $0 + $1.usage.bytes }, upperInodes: usage.uppers.reduce(0) { $0 + $1.usage.inodes },
            unsharedBytes: usage.lowers.reduce(0) { $0 + $1.unsharedBytes }, freeBytes: Int64(clamping: usage.free.freeBytes),
            freeInodes: Int64(clamping: usage.free.freeInodes), exclusiveBytes: shares.unique.bytes, sharedBytes: shares.shared.bytes,
            images: images.map { ImageShare(shares.share(of: $0.manifestDigest), $0, names, usage.lowers) })
    }

    private func storeUsage(fresh: Bool) async throws(EngineError) -> (StoreUsage, [ImageRecord]) {
        try await storeWork { store throws(SnapshotError) in
            let usage = try store.usage(within: fresh ? nil : 500)
            do throws(MetadataError) { return (usage, try store.metadata.images()) } catch { throw .metadata(error) }
        }
    }

    /// Work on the store that blocks.
    func storeWork<Value: Sendable>(
        _ body: @escaping @Sendable (SnapshotStore) throws(SnapshotError) -> Value
    ) async throws(EngineError) -> Value {
        let store = snapshotStore
        do throws(SnapshotError) {
            return try await pool.run { () throws(SnapshotError) in try body(store) }
        } catch {
            throw EngineError(error)
        }
    }

    /// Tags in familiar form, by manifest digest.
    func imageNames() async throws(EngineError) -> [String: [String]] {
        let store = metadata
        do throws(MetadataError) {
            return try await pool.run { () throws(MetadataError) in
                let references = try store.references()
                var names: [String: [String]] = [:]
                for image in try store.images() {
                    let own = references.filter { $0.names(image) }
                    let parsed = own.compactMap { try? ImageReference(parsing: $0.name) }
                    let tags = parsed.filter { $0.digest == nil }
                    names[image.manifestDigest.description] = (tags.isEmpty ? parsed : tags).map(\.familiar)
                }
                return names
            }
        } catch {
            throw EngineError(.internal, "\(error)", remedy: error.remedy)
        }
    }
}

extension SnapshotSummary {
    fileprivate init(_ upper: UpperUsage) {
        self.init(
            kind: .upper, key: upper.container, path: upper.path.string, sizeInBytes: upper.usage.bytes, inodes: upper.usage.inodes,
            compressedSizeInBytes: nil, createdAt: upper.createdAt, images: [], containers: [upper.container],
            measuredAt: upper.reading.measuredAt, stale: upper.reading.isStale ? true : nil)
    }
}
