// SPDX-License-Identifier: Apache-2.0

internal import Linux

/// When a node removes images by itself, and how far it goes: percent of the root's filesystem in use, as df(1) counts them, of bytes and
/// of inodes.
public struct WaterMarks: Sendable, Hashable {
    /// Above it images go. 1...100.
    public var highPercent: Int
    /// Until this. Below the high one.
    public var lowPercent: Int
    /// An image that was used within these seconds stays: what has just been pulled is about to be run.
    public var minimumAgeSeconds: Int64

    public init(highPercent: Int, lowPercent: Int, minimumAgeSeconds: Int64 = 120) {
        self.highPercent = highPercent
        self.lowPercent = lowPercent
        self.minimumAgeSeconds = minimumAgeSeconds
    }

    var isValid: Bool { (1...100).contains(highPercent) && (0..<highPercent).contains(lowPercent) && minimumAgeSeconds >= 0 }
}

/// How full a filesystem is.
struct Fullness: Sendable, Hashable {
    var usedBytes: UInt64
    /// To unprivileged users: what root keeps for itself counts neither as used nor as free, as with df.
    var allBytes: UInt64
    var usedInodes: UInt64
    /// 0 where inodes are made as they are needed.
    var allInodes: UInt64

    init(usedBytes: UInt64, allBytes: UInt64, usedInodes: UInt64, allInodes: UInt64) {
        self.usedBytes = usedBytes
        self.allBytes = allBytes
        self.usedInodes = usedInodes
        self.allInodes = allInodes
    }

    init(_ statistics: FilesystemStatistics) {
        usedBytes = statistics.usedBytes
        allBytes = statistics.usedBytes + statistics.freeBytes
        usedInodes = statistics.totalInodes - min(statistics.freeInodes, statistics.totalInodes)
        allInodes = statistics.totalInodes
    }

    func exceeds(percent: Int) -> Bool {
        Self.exceeds(usedBytes, of: allBytes, percent) || Self.exceeds(usedInodes, of: allInodes, percent)
    }

    private static func exceeds(_ used: UInt64, of all: UInt64, _ percent: Int) -> Bool {
        UInt128(used) * 100 > UInt128(all) * UInt128(percent)
    }

    /// What it is to be once the kernel has counted what was deleted; XFS does so a little later.
    func without(_ freed: TreeUsage) -> Fullness {
        var rest = self
        rest.usedBytes -= min(usedBytes, UInt64(clamping: freed.bytes))
        rest.usedInodes -= min(usedInodes, UInt64(clamping: freed.inodes))
        return rest
    }

    /// In whole percent, rounded up, for people.
    var percents: (bytes: Int, inodes: Int) { (Self.percent(usedBytes, of: allBytes), Self.percent(usedInodes, of: allInodes)) }

    private static func percent(_ used: UInt64, of all: UInt64) -> Int {
        all == 0 ? 0 : Int((UInt128(used) * 100 + UInt128(all) - 1) / UInt128(all))
    }
}
