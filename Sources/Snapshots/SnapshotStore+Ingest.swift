// SPDX-License-Identifier: Apache-2.0

internal import Linux
package import Metadata
package import OCI
internal import Synchronization
internal import SystemPackage

extension SnapshotStore {
    /// A new, empty directory to extract a layer into.
    package func beginIngest() throws(SnapshotError) -> Ingest {
        let id = lastID.add(1, ordering: .relaxed).newValue
        return try kernelStep(.beginIngest) { () throws(KernelError) in
            try Ingest(id: id, directories: directories, trash: trash, writeOut: writeOut, underWay: underWay)
        }
    }

    /// A layer that is stored, for a look. It may be removed in the next moment: pulls use `claim`.
    package func committed(_ diffID: DiffID) throws(SnapshotError) -> LayerRecord? { try committed(.layer(diffID)) }

    package func committed(_ key: LayerKey) throws(SnapshotError) -> LayerRecord? {
        try ifPresent(try metadataStep { () throws(MetadataError) in try metadata.layer(key) })
    }

    /// A layer that is stored, and stays at least until the lease ends. nil: it must be extracted.
    package func claim(_ diffID: DiffID, for lease: Lease) throws(SnapshotError) -> LayerRecord? { try claim(.layer(diffID), for: lease) }

    package func claim(_ key: LayerKey, for lease: Lease) throws(SnapshotError) -> LayerRecord? {
        try ifPresent(try metadataStep { () throws(MetadataError) in try metadata.claim(layer: key, for: lease) })
    }

    /// One whose directory somebody deleted counts as not stored: it is extracted again, and `commit` puts it into the old place.
    private func ifPresent(_ layer: LayerRecord?) throws(SnapshotError) -> LayerRecord? {
        guard let layer else { return nil }
        return try isPresent(layer) ? layer : nil
    }

    func isPresent(_ layer: LayerRecord) throws(SnapshotError) -> Bool {
        try kernelStep(.placeLayer) { () throws(KernelError) in try StoreDirectories.exists(directories.filesystem(layer.id)) }
    }

    /// Makes room, where the node may remove images for it, until the question is answered with yes (nil: as far as it sees fit).
    /// - Returns: whether that has changed anything.
    package typealias Relief = @Sendable (_ isEnough: (() -> Bool)?) -> Bool

    package func setRelief(_ body: @escaping Relief) { relief.withLock { $0 = body } }

    /// After an extraction that ran out of space, which nobody could foretell: whether it is worth another attempt.
    package func relieve() -> Bool { relief.withLock { $0 }?(nil) ?? false }

    /// Whether so much more fits and the reserve stays. What lies in the trash is deleted first where that could help, and images are removed
    /// where that is allowed.
    /// - Throws: `SnapshotError.notEnoughBytes`, `.notEnoughInodes`.
    package func checkSpace(bytes: UInt64, inodes: UInt64) throws(SnapshotError) {
        guard try shortage(bytes, inodes) != nil else { return }
        trash.drain()
        if let relief = relief.withLock({ $0 }), try shortage(bytes, inodes) != nil {
            _ = relief { do { return try self.shortage(bytes, inodes) == nil } catch { return false } }
        }
        switch try shortage(bytes, inodes) {
        case nil: return
        case .bytes(let free): throw .notEnoughBytes(needed: bytes, free: free, reserve: reserve.bytes, store: directories.root)
        case .inodes(let free): throw .notEnoughInodes(needed: inodes, free: free, reserve: reserve.inodes, store: directories.root)
        }
    }

    private func shortage(_ bytes: UInt64, _ inodes: UInt64) throws(SnapshotError) -> SpaceReserve.Shortage? {
        let statistics = try kernelStep(.checkSpace) { () throws(KernelError) in try filesystemStatistics(directories.root) }
        return reserve.shortage(statistics, bytes: bytes, inodes: inodes)
    }
}
