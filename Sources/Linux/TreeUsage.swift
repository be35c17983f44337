// SPDX-License-Identifier: Apache-2.0

internal import Glibc
package import SystemPackage

/// What a directory and everything below it take on disk.
package struct TreeUsage: Sendable, Hashable {
    /// Blocks x 512; a hard-linked file counts once.
    package var bytes: Int64
    package var inodes: Int64
    package init(bytes: Int64 = 0, inodes: Int64 = 0) {
        self.bytes = bytes
        self.inodes = inodes
    }

    package static func + (left: TreeUsage, right: TreeUsage) -> TreeUsage {
        TreeUsage(bytes: left.bytes + right.bytes, inodes: left.inodes + right.inodes)
    }

    package static func += (sum: inout TreeUsage, other: TreeUsage) { sum = sum + other }

    package static func - (left: TreeUsage, right: TreeUsage) -> TreeUsage {
        TreeUsage(bytes: left.bytes - right.bytes, inodes: left.inodes - right.inodes)
    }
}

/// Walks a tree without following links or crossing into other filesystems. A tree that changes meanwhile is counted as it is met.
package func treeUsage(_ path: FilePath) throws(KernelError) -> TreeUsage { try treeUsage(path) { _ in true } ?? TreeUsage() }

/// The same, in steps.
/// - Parameters:
///   - skip: whether a name in a directory (by the names that lead there) is left out, with everything below it.
///   - pace: asked now and then with how many entries were met since it was last asked; it may sleep. false ends the walk.
/// - Returns: nil where the walk was ended.
package func treeUsage(
    _ path: FilePath, skip: (_ place: [EntryName], _ name: EntryName) -> Bool = { _, _ in false }, pace: (Int) -> Bool
) throws(KernelError) -> TreeUsage? {
    let top = try openFile(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    let own = try top.status()
    var usage = TreeUsage(bytes: own.blocks * 512, inodes: 1)
    var linked: Set<UInt64> = []
    var pending: [[EntryName]] = [[]]
    var met = 0
    var isEnded = false
    while let place = pending.popLast() {
        do throws(KernelError) {
            let directory = try top.openBeneath(place, O_RDONLY | O_DIRECTORY)
            met += 1
            try directory.visitEntries(of: path.string) { name, _ throws(KernelError) in
                met += 1
                if met >= 256 {
                    isEnded = !pace(met)
                    met = 0
                    if isEnded { return false }
                }
                guard !skip(place, name), let status = try directory.status(name), status.device == own.device else { return true }
                if status.kind != .directory, status.links > 1, !linked.insert(status.inode).inserted { return true }
                usage.bytes += status.blocks * 512
                usage.inodes += 1
                if status.kind == .directory { pending.append(place + [name]) }
                return true
            }
        } catch  where error.meansVanished && !place.isEmpty {
            // Removed, or replaced, since its name was read.
        }
        if isEnded { return nil }
    }
    return usage
}
