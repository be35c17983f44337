// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// What fstatat(2) tells of one object; links are not followed.
package struct FileStatus: Sendable, Hashable {
    package enum Kind: Sendable, Hashable { case regular, directory, symlink, characterDevice, blockDevice, fifo, socket }

    package var kind: Kind
    /// The twelve permission bits.
    package var permissions: UInt32
    package var uid: UInt32
    package var gid: UInt32
    package var size: Int64
    package var links: UInt64
    package var device: UInt64
    package var inode: UInt64
    package var special: UInt64
    /// Units of 512 bytes.
    package var blocks: Int64
    package var modified: FileTime
    /// Of the object's own attributes, its name's last change included.
    package var changed: FileTime

    init(_ raw: stat) {
        kind =
            switch raw.st_mode & S_IFMT {
            case S_IFDIR: .directory
            case S_IFLNK: .symlink
            case S_IFCHR: .characterDevice
            case S_IFBLK: .blockDevice
            case S_IFIFO: .fifo
            case S_IFSOCK: .socket
            default: .regular
            }
        permissions = UInt32(raw.st_mode & 0o7777)
        uid = raw.st_uid
        gid = raw.st_gid
        size = Int64(raw.st_size)
        links = UInt64(raw.st_nlink)
        device = UInt64(raw.st_dev)
        inode = UInt64(raw.st_ino)
        special = UInt64(raw.st_rdev)
        blocks = Int64(raw.st_blocks)
        modified = FileTime(seconds: Int64(raw.st_mtim.tv_sec), nanoseconds: Int64(raw.st_mtim.tv_nsec))
        changed = FileTime(seconds: Int64(raw.st_ctim.tv_sec), nanoseconds: Int64(raw.st_ctim.tv_nsec))
    }

    /// overlayfs's mark of a deleted name: a character device 0:0. Source: overlayfs.rst, "whiteouts and opaque directories".
    package var isWhiteout: Bool { kind == .characterDevice && special == 0 }
}

/// Seconds and nanoseconds since 1970.
package struct FileTime: Sendable, Hashable {
    package var seconds: Int64
    package var nanoseconds: Int64
    package init(seconds: Int64, nanoseconds: Int64 = 0) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }
}
