// SPDX-License-Identifier: Apache-2.0

internal import Linux
internal import SystemPackage

/// A file that a fix-up copies, under whatever number of names.
struct CopiedFile: Hashable {
    var pass: Int
    var inode: UInt64
}

/// What a fix-up will take on disk: a hard link to a large file of a lower layer makes a copy of it, of which the layer's own size says nothing.
struct FixupCost {
    private(set) var bytes: UInt64 = 0
    private(set) var inodes: UInt64 = 0

    init(of plan: FixupNode, in set: LayerSet) throws(KernelError) {
        var files: Set<CopiedFile> = []
        var pending = [plan]
        while let node = pending.popLast() {
            pending += node.children.map(\.node)
            if case .copy(let origin, let pass) = node.kind, let name = origin.path.components.last,
                let status = try set.openParent(origin).status(name)
            {
                guard files.insert(CopiedFile(pass: pass, inode: status.inode)).inserted else { continue }
                bytes += UInt64(clamping: status.blocks) * 512
            }
            inodes += 1
        }
    }

    /// - Throws: `LayerError` where the reserve would be touched.
    func check(_ directory: FilePath, _ limits: ExtractionLimits) throws(LayerError) {
        let statistics: FilesystemStatistics
        do throws(KernelError) { statistics = try filesystemStatistics(directory) } catch { throw .kernel(entry: directory.string, error) }
        guard Self.fits(bytes, limits.reserveBytes, in: statistics.freeBytes) else {
            throw .notEnoughBytes(needed: bytes, free: statistics.freeBytes, reserve: limits.reserveBytes)
        }
        // Filesystems that make inodes as they need them have none to count.
        guard statistics.totalInodes == 0 || Self.fits(inodes, limits.reserveInodes, in: statistics.freeInodes) else {
            throw .notEnoughInodes(needed: inodes, free: statistics.freeInodes, reserve: limits.reserveInodes)
        }
    }

    private static func fits(_ needed: UInt64, _ reserve: UInt64, in free: UInt64) -> Bool {
        let (sum, overflow) = needed.addingReportingOverflow(reserve)
        return !overflow && sum <= free
    }
}
