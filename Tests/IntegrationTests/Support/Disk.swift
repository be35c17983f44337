// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport

/// A small ext4 on a loop device.
struct Disk {
    let mount: String

    /// - Parameters:
    ///   - size: as truncate(1) takes it.
    ///   - options: of mkfs.ext4.
    static func with<Value>(_ size: String, _ options: String..., body: (Disk) throws -> Value) throws -> Value {
        let directory = "/tmp/ctr-swift-disk-\(UInt32.random(in: 0...UInt32.max))"
        let disk = Disk(mount: directory + "/mount")
        try FileManager.default.createDirectory(atPath: disk.mount, withIntermediateDirectories: true)
        defer {
            _ = try? command(["umount", disk.mount])
            try? FileManager.default.removeItem(atPath: directory)
        }
        try command(["truncate", "-s", size, directory + "/disk"])
        for words in [["mkfs.ext4", "-q"] + options + [directory + "/disk"], ["mount", "-o", "loop", directory + "/disk", disk.mount]] {
            let outcome = try command(words)
            guard outcome.code == 0 else { throw Failure("\(words): \(outcome.errors)") }
        }
        return try body(disk)
    }
}
