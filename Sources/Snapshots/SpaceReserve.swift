// SPDX-License-Identifier: Apache-2.0

internal import Linux

/// What pulls leave free on the root's filesystem, so that containers, logs and the database go on.
package struct SpaceReserve: Sendable, Hashable {
    package var bytes: UInt64
    package var inodes: UInt64

    package init(bytes: UInt64 = 256 << 20, inodes: UInt64 = 10_000) {
        self.bytes = bytes
        self.inodes = inodes
    }

    enum Shortage: Hashable {
        case bytes(free: UInt64)
        case inodes(free: UInt64)
    }

    /// What is missing for `bytes` and `inodes` more; nil where they fit and the reserve stays.
    func shortage(_ statistics: FilesystemStatistics, bytes needed: UInt64, inodes neededInodes: UInt64) -> Shortage? {
        if exceeds(needed, bytes, free: statistics.freeBytes) { return .bytes(free: statistics.freeBytes) }
        // 0 in all: the filesystem makes inodes as it needs them.
        if statistics.totalInodes > 0, exceeds(neededInodes, inodes, free: statistics.freeInodes) {
            return .inodes(free: statistics.freeInodes)
        }
        return nil
    }

    /// Whether there is so much more beyond the reserve that what did not fit may: an eighth. A few blocks come and go all the time.
    func hasGrown(_ now: FilesystemStatistics, since before: FilesystemStatistics) -> Bool {
        func hasGrown(_ free: KeyPath<FilesystemStatistics, UInt64>, beyond reserve: UInt64) -> Bool {
            let (room, earlier) = (now[keyPath: free], before[keyPath: free])
            return room > max(earlier, reserve) && room - earlier > (earlier - min(earlier, reserve)) / 8
        }
        return hasGrown(\.freeBytes, beyond: bytes) || before.totalInodes > 0 && hasGrown(\.freeInodes, beyond: inodes)
    }

    private func exceeds(_ needed: UInt64, _ reserve: UInt64, free: UInt64) -> Bool {
        let (sum, overflow) = needed.addingReportingOverflow(reserve)
        return overflow || sum > free
    }
}
