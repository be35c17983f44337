// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux
package import SystemPackage

/// A real filesystem in a file, mounted by a loop device, or one in memory; unmounted and gone with the body.
package struct LoopFilesystem: Sendable {
    package enum Kind: String, Sendable, CaseIterable { case ext4, xfs, tmpfs }

    package let kind: Kind
    package let image: FilePath
    package let mountPoint: FilePath
    private let options: String
    private let mountOptions: String

    /// - Parameters:
    ///   - megabytes: xfs takes 300 or more.
    ///   - options: of mkfs; of the mount for a tmpfs.
    ///   - mountOptions: of the mount of a disk, such as "prjquota".
    ///   - place: where the image lies; nil is below /var/tmp.
    package static func with<Value>(
        _ kind: Kind = .ext4, megabytes: Int, options: String = "", mountOptions: String = "", in place: FilePath? = nil,
        _ body: (LoopFilesystem) throws -> Value
    ) throws -> Value {
        let directory = FilePath("/var/tmp/ctr-swift-disk-\(UInt64.random(in: 0 ... .max))")
        try makeDirectory(directory, mode: 0o700)
        defer { try? removeTree(directory) }
        let filesystem = LoopFilesystem(
            kind: kind, image: (place ?? directory).appending("image"), mountPoint: directory.appending("mounted"),
            options: kind == .tmpfs ? "size=\(megabytes)M,\(options.isEmpty ? "mode=0755" : options)" : "",
            mountOptions: (["loop"] + (mountOptions.isEmpty ? [] : [mountOptions])).joined(separator: ","))
        try makeDirectory(filesystem.mountPoint, mode: 0o755)
        switch kind {
        case .ext4: try line("truncate -s \(megabytes)M \(filesystem.image) && mkfs.ext4 -q -m 0 -b 4096 \(options) \(filesystem.image)")
        case .xfs: try line("truncate -s \(megabytes)M \(filesystem.image) && mkfs.xfs -q \(options) \(filesystem.image)")
        case .tmpfs: break
        }
        try filesystem.mount()
        // Not -l: an unmount that is refused would be a leak to find.
        defer { try? filesystem.unmount() }
        return try body(filesystem)
    }

    package var root: FilePath { mountPoint.appending("root") }

    package func mount() throws {
        switch kind {
        case .ext4, .xfs: try Self.line("mount -o \(mountOptions) \(image) \(mountPoint)")
        case .tmpfs: try Self.line("mount -t tmpfs -o \(options) none \(mountPoint)")
        }
    }

    /// A container that starts at this moment has a copy of the mount for a few milliseconds: only when the loop device is free, the
    /// filesystem has ended, and a later mount reads what is on the disk.
    package func unmount() throws {
        try unmountSoon()
        if kind == .tmpfs { return }
        try eventually("the loop device of \(image) is free") { try command(["losetup", "-j", image.string]).output.isEmpty }
    }

    /// What this process has just closed another thread's child may have a moment longer, until it comes to its exec. A leak would stay.
    private func unmountSoon() throws {
        for _ in 0..<6000 {
            if (try? Self.line("umount \(mountPoint)")) != nil { return }
            usleep(10_000)
        }
        try Self.line("umount \(mountPoint)")
    }

    package func remount() throws {
        try unmount()
        try mount()
    }

    /// Where the writes of everything that is no container's have a limit. Source: Documentation/admin-guide/cgroup-v1/blkio-controller.rst.
    static let writeThrottle = "/sys/fs/cgroup/blkio/blkio.throttle.write_bps_device"

    /// While the body runs, the disk takes no more than so much.
    package func withSlowWrites<Value>(bytesPerSecond: Int, _ body: () throws -> Value) throws -> Value {
        let number = try command(["findmnt", "-nro", "MAJ:MIN", mountPoint.string]).output.filter { !$0.isWhitespace }
        func limit(_ bytes: Int) throws {
            let throttle = try openFile(FilePath(Self.writeThrottle), O_WRONLY)
            try Array("\(number) \(bytes)".utf8).span.withUnsafeBytes { try writeAll(throttle, $0, object: Self.writeThrottle) }
        }
        try limit(bytesPerSecond)
        let result = Result { try body() }
        try limit(0)
        return try result.get()
    }

    /// As a power cut: nothing is written any more, the journal's unwritten part included.
    /// Source: EXT4_IOC_SHUTDOWN and XFS_IOC_GOINGDOWN are the same request, and so are their flags: NOLOGFLUSH.
    package func cutPower() throws {
        let directory = try openFile(mountPoint, O_RDONLY | O_DIRECTORY)
        var flags: UInt32 = 2
        let request: UInt = 0x8004_587D  // _IOR('X', 125, __u32)
        let result = ioctl(directory.raw, request, &flags)
        if result != 0 { throw KernelError(call: "ioctl(2)", object: "shutdown of \(kind)", errno: lastErrno()) }
    }

    private static func line(_ text: String) throws {
        let outcome = try command(["/bin/sh", "-c", text])
        if outcome.code != 0 { throw Failure("\(text): \(outcome)") }
    }
}
