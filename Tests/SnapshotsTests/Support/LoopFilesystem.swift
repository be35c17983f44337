// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import SystemPackage

/// A small real filesystem in a file, mounted by a loop device; unmounted and gone with the body.
struct LoopFilesystem {
    let image: FilePath
    let mountPoint: FilePath

    /// - Parameter options: of mkfs.ext4.
    static func with<Value>(megabytes: Int, options: String = "", _ body: (LoopFilesystem) throws -> Value) throws -> Value {
        try withDirectory { directory in
            let filesystem = LoopFilesystem(image: directory.appending("image"), mountPoint: directory.appending("mounted"))
            try shell("truncate -s \(megabytes)M \(filesystem.image) && mkfs.ext4 -q -m 0 -b 4096 \(options) \(filesystem.image)")
            try makeDirectory(filesystem.mountPoint, mode: 0o755)
            try filesystem.mount()
            // Not -l: an unmount that is refused would be a leak to find.
            defer { try? shell("umount \(filesystem.mountPoint)") }
            return try body(filesystem)
        }
    }

    var root: FilePath { mountPoint.appending("root") }

    func mount() throws { try shell("mount -o loop \(image) \(mountPoint)") }

    func remount() throws {
        try shell("umount \(mountPoint)")
        try mount()
    }

    /// As a power cut: nothing is written any more, the journal's unwritten part included. Source: EXT4_IOC_SHUTDOWN, NOLOGFLUSH.
    func cutPower() throws {
        let directory = try openFile(mountPoint, O_RDONLY | O_DIRECTORY)
        var flags: UInt32 = 2
        let request: UInt = 0x8004_587D  // _IOR('X', 125, __u32)
        let result = ioctl(directory.raw, request, &flags)
        if result != 0 { throw KernelError(call: "ioctl(2)", object: "EXT4_IOC_SHUTDOWN", errno: Errno(rawValue: errno)) }
    }
}
