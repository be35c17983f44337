// SPDX-License-Identifier: Apache-2.0

public import APITypes
internal import Containers
internal import Linux
internal import Metadata
internal import OCI
internal import Snapshots
internal import SystemPackage

extension NodeRuntime {
    /// Layers, fix-ups and uppers; uppers are measured now.
    public func snapshots() async throws(EngineError) -> [SnapshotSummary] { try await usage().map(Self.rows) }

    /// The same with sums, and what the lowers would take if each container had a copy of its own.
    public func snapshotUsage() async throws(EngineError) -> SnapshotUsage {
        try await usage().map { usage in
            SnapshotUsage(
                snapshots: Self.rows(usage), lowerBytes: usage.lowers.reduce(0) { $0 + $1.layer.size.diskBytes },
                lowerInodes: usage.lowers.reduce(0) { $0 + $1.layer.size.inodes },
                upperBytes: usage.uppers.reduce(0) { $0 + $1.usage.bytes },
                upperInodes: usage.uppers.reduce(0) { $0 + $1.usage.inodes },
                unsharedBytes: usage.lowers.reduce(0) { $0 + $1.unsharedBytes },
                freeBytes: Int64(clamping: usage.free.freeBytes), freeInodes: Int64(clamping: usage.free.freeInodes))
        }
    }

    private struct Measured: Sendable {
        var usage: StoreUsage
        func map<Value>(_ body: (StoreUsage) -> Value) -> Value { body(usage) }
    }

    private func usage() async throws(EngineError) -> Measured {
        let store = snapshotStore
        do throws(SnapshotError) {
            return Measured(usage: try await pool.run { () throws(SnapshotError) in try store.usage() })
        } catch {
            throw EngineError(error)
        }
    }

    private static func rows(_ usage: StoreUsage) -> [SnapshotSummary] {
        let lowers = usage.lowers.map { lower in
            let (kind, key): (SnapshotSummary.Kind, String) =
                switch lower.layer.key {
                case .layer(let diffID): (.layer, diffID.description)
                case .fixup(let chainID): (.fixup, chainID.description)
                }
            return SnapshotSummary(
                kind: kind, key: key, path: lower.path.string, sizeInBytes: lower.layer.size.diskBytes, inodes: lower.layer.size.inodes,
                compressedSizeInBytes: lower.layer.size.compressedBytes, createdAt: lower.layer.createdAt,
                images: lower.images.map(\.description), containers: lower.containers)
        }
        let uppers = usage.uppers.map { upper in
            SnapshotSummary(
                kind: .upper, key: upper.container, path: upper.path.string, sizeInBytes: upper.usage.bytes, inodes: upper.usage.inodes,
                compressedSizeInBytes: nil, createdAt: upper.createdAt, images: [], containers: [upper.container])
        }
        return lowers + uppers
    }
}
