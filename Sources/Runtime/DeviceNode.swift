// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import SystemPackage

/// One device node, FIFO included, of the container's /dev.
struct DeviceNode {
    /// Beneath the root, without a leading slash.
    var path: FilePath
    /// Type and permission bits.
    var mode: UInt32
    var number: UInt64
    var uid: UInt32 = 0
    var gid: UInt32 = 0

    /// Every container has these. Source: runtime-spec config-linux.md, "Default Devices".
    static let standard: [DeviceNode] = [
        ("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0),
    ].map { name, major, minor in
        DeviceNode(path: FilePath("dev/\(name)"), mode: S_IFCHR | 0o666, number: ctr_makedev(UInt32(major), UInt32(minor)))
    }
}
