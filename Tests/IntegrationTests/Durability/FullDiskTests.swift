// SPDX-License-Identifier: Apache-2.0

import Foundation
import Linux
import SystemPackage
import TestSupport
import Testing

/// Bytes and inodes run out in the middle of an extraction, on filesystems of their own. (A quota can't be had on this kernel; what the
/// kernel says of one is said in `FaultTests`.)
@Suite(.asRoot, .busybox) struct FullDiskTests {
    struct Disk: CustomStringConvertible, Sendable {
        var kind: LoopFilesystem.Kind
        var options = ""
        var reserveBytes = 0
        var reserveInodes = 0
        /// What does not fit: "large" or "many".
        var image: String

        var description: String { "\(image) on \(kind) \(options), reserve \(reserveBytes) bytes, \(reserveInodes) inodes" }
        var configuration: String { "reserve-bytes = \(reserveBytes)\nreserve-inodes = \(reserveInodes)\n" }
    }

    static let disks = [
        Disk(kind: .ext4, image: "large"), Disk(kind: .ext4, reserveBytes: 6 << 20, image: "large"), Disk(kind: .xfs, image: "large"),
        Disk(kind: .tmpfs, reserveBytes: 6 << 20, image: "large"),
        Disk(kind: .ext4, options: "-N 1500", image: "many"), Disk(kind: .ext4, options: "-N 1500", reserveInodes: 400, image: "many"),
        Disk(kind: .tmpfs, options: "nr_inodes=1500", image: "many"),
    ]

    @Test(
        "what does not fit is refused with need and have, leaves nothing, and spares the reserve; removal works on a full disk",
        arguments: disks)
    func full(_ disk: Disk) throws {
        let grounds = try CrashGrounds.made()
        try LoopFilesystem.with(disk.kind, megabytes: disk.kind == .xfs ? 300 : 80, options: disk.options) { filesystem in
            let node = try Node(configuration: disk.configuration, root: filesystem.root.string)
            defer { node.daemon.signal(SIGKILL) }
            try node.good("pull", grounds.reference(.old))
            try node.good("create", "--name", "c", grounds.reference(.old), "/bin/busybox", "true")
            let filler = filesystem.mountPoint.string + "/filler"
            if disk.image == "large" {
                let free = try filesystemStatistics(filesystem.mountPoint).freeBytes
                try CrashGrounds.good("fallocate", "-l", "\(free - (14 << 20))", filler)
            }

            try refuse(disk, node, filesystem, grounds)

            // Down to the last block.
            try fill(filler)
            #expect(try node.ctr("pull", grounds.reference(.new)).code == 1)
            try node.stopDaemon()
            try node.start()
            try node.good("rm", "c")
            try node.good("rmi", grounds.reference(.old))
            try node.settle()
            #expect(try Census.take(node.root, layers: [:], "after the removals").isEmpty)

            try FileManager.default.removeItem(atPath: filler)
            try? FileManager.default.removeItem(atPath: filler + ".rest")
            let fits = disk.image == "large" ? "large" : "new"
            try node.good("run", "--rm", grounds.reference(fits), "/bin/busybox", "true")
            if fits == "new" { try node.expectWhole() }
            try node.good("rmi", grounds.reference(fits))
            try node.leave()
        }
    }

    private func refuse(_ disk: Disk, _ node: Node, _ filesystem: LoopFilesystem, _ grounds: CrashGrounds) throws {
        let client = try node.started("pull", grounds.reference(disk.image))
        var least = try filesystemStatistics(filesystem.mountPoint)
        while client.isRunning {
            let now = try filesystemStatistics(filesystem.mountPoint)
            least.freeBytes = min(least.freeBytes, now.freeBytes)
            least.freeInodes = min(least.freeInodes, now.freeInodes)
            usleep(1000)
        }
        let outcome = try client.finish()
        #expect(outcome.code == 1)
        let unit = disk.image == "large" ? "bytes" : "inode"
        #expect(outcome.errors.contains(unit) && outcome.errors.contains("needed") && outcome.errors.contains("free"), "\(outcome.errors)")
        #expect(outcome.errors.contains("rmi"), "the remedy: \(outcome.errors)")
        // One step of what it allows itself.
        #expect(least.freeBytes >= UInt64(disk.reserveBytes / 8 * 7) && least.freeInodes >= UInt64(disk.reserveInodes / 8 * 7))
        try node.settle()
        #expect(try Census.take(node.root, layers: grounds.layers, "after the refusal") == [CrashImage.old.id])
        try node.expectWhole()
    }

    /// In pieces that get smaller. Where inodes ran out they still are there: a root needs some for its own.
    private func fill(_ path: String) throws {
        for size in ["1M", "64k", "4k", "1k"] {
            try command(["/bin/sh", "-c", "dd if=/dev/zero bs=\(size) >> \(path).rest 2>/dev/null; sync -f \(path).rest"])
        }
        try CrashGrounds.good("touch", path)
    }
}
