// SPDX-License-Identifier: Apache-2.0

package import Linux
internal import Logging
internal import Synchronization

/// Room on the root's filesystem.
extension SnapshotStore {
    /// Makes room, where the node may remove images for it, until the question is answered with yes (nil: as far as it sees fit).
    /// - Returns: whether that has changed anything.
    package typealias Relief = @Sendable (_ isEnough: (() -> Bool)?) -> Bool

    package func setRelief(_ body: @escaping Relief) { relief.withLock { $0 = body } }

    /// Deletes what lies in the trash, and waits for it.
    package func emptyTrash() { trash.drain() }

    /// Deletes what lies in the trash. Where that is not enough, it waits for what the kernel still has of it: who syncs a filesystem, whoever
    /// it is, holds each file until it is written, and the blocks of one that is deleted meanwhile are free only then. On a slow disk that takes
    /// seconds; a sync of one's own comes behind those that are under way.
    package func emptyTrash<Failure>(until isEnough: () throws(Failure) -> Bool) throws(Failure) {
        emptyTrash()
        if try isEnough() { return }
        do throws(KernelError) { try syncFilesystem(directories.root) } catch {
            logger.warning("what was deleted may not be free yet", metadata: ["path": "\(directories.root)", "error": "\(error)"])
        }
    }

    /// Whether so much more fits and the reserve stays. What lies in the trash is deleted first where that could help, and images are removed
    /// where that is allowed.
    /// - Returns: what is free.
    /// - Throws: `SnapshotError.notEnoughBytes`, `.notEnoughInodes`.
    @discardableResult
    package func checkSpace(bytes: UInt64, inodes: UInt64) throws(SnapshotError) -> FilesystemStatistics {
        let found = try statistics()
        guard let shortage = reserve.shortage(found, bytes: bytes, inodes: inodes) else { return found }
        // For what would not fit on an empty disk either, nothing is given up.
        if reserve.shortage(found.asEmpty, bytes: bytes, inodes: inodes) != nil { throw error(shortage, bytes, inodes) }
        let fits = { () throws(SnapshotError) in self.reserve.shortage(try self.statistics(), bytes: bytes, inodes: inodes) == nil }
        try emptyTrash(until: fits)
        if let relief = relief.withLock({ $0 }), try !fits() {
            _ = relief { do { return try fits() } catch { return false } }
        }
        let now = try statistics()
        if let shortage = reserve.shortage(now, bytes: bytes, inodes: inodes) { throw error(shortage, bytes, inodes) }
        return now
    }

    private func error(_ shortage: SpaceReserve.Shortage, _ bytes: UInt64, _ inodes: UInt64) -> SnapshotError {
        switch shortage {
        case .bytes(let free): .notEnoughBytes(needed: bytes, free: free, reserve: reserve.bytes, store: directories.root)
        case .inodes(let free): .notEnoughInodes(needed: inodes, free: free, reserve: reserve.inodes, store: directories.root)
        }
    }

    /// After an extraction that ran out of space, which nobody could foretell: whether it is worth another attempt.
    /// - Parameter found: what was free when it began. What others had deleted may have come free only since.
    package func relieve(since found: FilesystemStatistics) throws(SnapshotError) -> Bool {
        let isWorthIt = { () throws(SnapshotError) in self.reserve.hasGrown(try self.statistics(), since: found) }
        try emptyTrash(until: isWorthIt)
        return try isWorthIt() || relief.withLock { $0 }?(nil) ?? false
    }

    private func statistics() throws(SnapshotError) -> FilesystemStatistics {
        try kernelStep(.checkSpace) { () throws(KernelError) in try filesystemStatistics(directories.root) }
    }
}

extension FilesystemStatistics {
    /// As if nothing lay on it.
    fileprivate var asEmpty: FilesystemStatistics {
        var empty = self
        (empty.usedBytes, empty.freeBytes, empty.freeInodes) = (0, totalBytes, totalInodes)
        return empty
    }
}
