// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
package import SystemPackage

/// What statfs(2) tells of the filesystem that holds a path.
package struct FilesystemStatistics: Sendable, Hashable {
    package var totalBytes: UInt64
    package var usedBytes: UInt64
    /// What unprivileged users may still take: ext4's root reserve is not ours to fill.
    package var freeBytes: UInt64
    /// 0 where the filesystem makes inodes as it needs them (btrfs).
    package var totalInodes: UInt64
    package var freeInodes: UInt64
    /// "ext4", "xfs", "tmpfs", or the magic number.
    package var typeName: String
}

package func filesystemStatistics(_ path: FilePath) throws(KernelError) -> FilesystemStatistics {
    var raw = statfs()
    try withCPath(path) { pointer throws(KernelError) in _ = try kernel("statfs(2)", path.string) { statfs(pointer, &raw) } }
    let block = UInt64(clamping: raw.f_frsize > 0 ? raw.f_frsize : raw.f_bsize)
    return FilesystemStatistics(
        totalBytes: UInt64(raw.f_blocks).multipliedClamping(by: block),
        usedBytes: UInt64(raw.f_blocks - min(raw.f_bfree, raw.f_blocks)).multipliedClamping(by: block),
        freeBytes: UInt64(raw.f_bavail).multipliedClamping(by: block),
        totalInodes: UInt64(raw.f_files), freeInodes: UInt64(raw.f_ffree),
        typeName: name(magic: UInt64(UInt32(truncatingIfNeeded: raw.f_type))))
}

/// Source: <linux/magic.h>.
private func name(magic: UInt64) -> String {
    switch magic {
    case 0xEF53: "ext4"
    case 0x5846_5342: "xfs"
    case 0x9123_683E: "btrfs"
    case 0x0102_1994: "tmpfs"
    case 0x794C_7630: "overlay"
    case 0x2FC1_2FC1: "zfs"
    case 0x6969: "nfs"
    case 0xF2F5_2010: "f2fs"
    default: "0x" + String(magic, radix: 16)
    }
}

extension UInt64 {
    fileprivate func multipliedClamping(by other: UInt64) -> UInt64 {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        return overflow ? .max : product
    }
}

/// Writes everything of the filesystem that holds a path to stable storage. Source: syncfs(2); since 5.8 it tells write errors.
package func syncFilesystem(_ path: FilePath) throws(KernelError) {
    try openFile(path, O_RDONLY | O_DIRECTORY).syncFilesystem(path.string)
}

/// Gives a host path to a group, root staying its owner.
package func changeGroup(of path: FilePath, to group: UInt32) throws(KernelError) {
    try withCPath(path) { pointer throws(KernelError) in _ = try kernel("chown(2)", path.string) { lchown(pointer, uid_t.max, group) } }
}
