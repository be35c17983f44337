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
}

/// Walks a tree without following links or crossing into other filesystems. A tree that changes meanwhile is counted as it is met.
package func treeUsage(_ path: FilePath) throws(KernelError) -> TreeUsage {
    let top = try openFile(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    let own = try top.status()
    var usage = TreeUsage(bytes: own.blocks * 512, inodes: 1)
    var linked: Set<UInt64> = []
    var pending: [[EntryName]] = [[]]
    while let place = pending.popLast() {
        guard let directory = try descend(top, place) else { continue }
        for (name, _) in try directory.entries(of: path.string) {
            guard let status = try directory.status(name), status.device == own.device else { continue }
            if status.kind != .directory, status.links > 1, !linked.insert(status.inode).inserted { continue }
            usage.bytes += status.blocks * 512
            usage.inodes += 1
            if status.kind == .directory { pending.append(place + [name]) }
        }
    }
    return usage
}

private func descend(_ top: borrowing OwnedFD, _ place: [EntryName]) throws(KernelError) -> OwnedFD? {
    do throws(KernelError) {
        var current = try top.duplicate()
        // In parts that the kernel takes as a path: one open for each level of each directory would make deep trees quadratic.
        for start in stride(from: 0, to: place.count, by: 15) {
            let part = place[start...].prefix(15).joined(separator: [UInt8(ascii: "/")])
            current = try current.open(Array(part), O_RDONLY | O_DIRECTORY)
        }
        return current
    } catch  where error.errno == .noSuchFileOrDirectory || error.errno == .notDirectory {
        return nil
    }
}
