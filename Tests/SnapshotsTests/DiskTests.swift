// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import Metadata
import OCI
import Snapshots
import SystemPackage
import TestSupport
import Testing

@Suite struct DiskTests {
    @Test("the parts are together what du says of the root")
    func sum() throws {
        try withDirectory { root in
            let node = try Node(root)
            try node.install("a", lower: "head -c 300000 /dev/zero > big; ln big link", upper: "mkdir -p x/y; echo y > x/y/z")
            try node.pull("b", ["x"])
            try shell("mkdir \(root)/containers/c/log && head -c 20000 /dev/zero > \(root)/containers/c/log/container.log")
            try shell("mkdir -p \(root)/content/blobs/sha256 && echo blob > \(root)/content/blobs/sha256/b")
            try shell("cd \(root)/containers/c/upper && mkdir -p d/e && head -c 70000 /dev/zero > d/e/one && ln d/e/one two")
            try node.snapshots.createUpper(container: "gone", mode: .directory, over: nil)
            try node.snapshots.removeContainer("gone")
            let ingest = try node.snapshots.beginIngest()
            try Files.write(ingest.filesystem.appending("half"), String(repeating: "x", count: 9000))

            let disk = try node.snapshots.disk(containers: ["c"], within: nil)
            // The layers' rows are made up here: their trees are measured.
            let layers = try node.metadata.layers().map { try treeUsage(node.snapshots.filesystem(of: $0)) }
            let parts = disk.uppers + [disk.containerFiles, disk.layerFiles, disk.content, disk.trash, disk.ingest, disk.rest]
            #expect(try UsageReading.sum(parts).usage + layers.reduce(TreeUsage(), +) == Du.of(root))
            #expect(disk.uppers.map(\.usage) == [try Du.of(root.pushing("containers/c/upper"))])
            #expect(disk.trashCount == 1 && !parts.contains { $0.isStale })
            ingest.abandon()
        }
    }

    @Test("an upper that there is no time for is told as it was, then walked in the background, and remembered over a restart")
    func stale() throws {
        try withDirectory { root in
            do {
                let node = try Node(root)
                try node.install("a", lower: "echo x > f", upper: "echo y > g")
                try Files.write(root.pushing("containers/c/upper/file"), String(repeating: "x", count: 5000))
                let first = try node.snapshots.disk(containers: ["c"], within: 0).uppers
                #expect(first.map(\.usage) == [TreeUsage()] && first.map(\.measuredAt) == [nil] && first.allSatisfy { $0.isStale })
                node.snapshots.finishMeasuring()
                let second = try #require(node.snapshots.disk(containers: ["c"], within: 0).uppers.first)
                #expect(second.usage == TreeUsage(bytes: 12_288, inodes: 2) && second.isStale && second.measuredAt != nil)
                node.snapshots.finishMeasuring()
            }
            let node = try Node(root)
            #expect(try node.snapshots.disk(containers: ["c"], within: 0).uppers.first?.usage.bytes == 12_288)
            let now = try #require(node.snapshots.upperReadings(of: ["c"], within: nil).first)
            #expect(now.usage.bytes == 12_288 && !now.isStale)
        }
    }

    @Test("where the filesystem has project quota a limit holds and nothing is walked; where it has none, a limit is refused", .asRoot)
    func quota() throws {
        try withDirectory { directory in
            let (image, mounted) = (directory.appending("image"), directory.appending("mounted"))
            try shell("truncate -s 64M \(image) && mkfs.ext4 -q -O quota,project \(image) && mkdir \(mounted)")
            // A kernel without quota formats does not mount it.
            try shell(
                "mount -o loop,prjquota \(image) \(mounted) 2>/dev/null || (mkfs.ext4 -qF \(image) && mount -o loop \(image) \(mounted))")
            try makeDirectory(mounted.appending("root"), mode: 0o700)
            defer { try? shell("umount \(mounted)") }
            let node = try Node(mounted.appending("root"))
            let limits = ProjectQuota.Limits(bytes: 1 << 20, inodes: 20)
            guard node.snapshots.quota.support == .enforced else {
                let refused = #expect(throws: SnapshotError.self) {
                    try node.snapshots.createUpper(container: "c", mode: .directory, over: nil, limits: limits)
                }
                #expect(refused?.remedy?.contains("prjquota") == true)
                #expect(try node.names("containers") == [])
                return
            }
            let upper = try node.snapshots.createUpper(container: "c", mode: .directory, over: nil, limits: limits).upper
            // Root may pass limits by a capability that no overlay has: overlayfs drops it.
            func fails(_ line: String) throws -> Bool {
                try command(["setpriv", "--bounding-set", "-sys_resource", "sh", "-c", "cd \(upper) && \(line)"]).code != 0
            }
            #expect(try !fails("head -c 500000 /dev/zero > fits"))
            #expect(try fails("head -c 2000000 /dev/zero > large"))
            #expect(try fails("for n in $(seq 30); do touch $n || exit 1; done"))
            let reading = try #require(node.snapshots.upperReadings(of: ["c"], within: 0).first)
            #expect(!reading.isStale && reading.usage.inodes <= 20 && reading.usage.bytes <= 1 << 20)
            try node.snapshots.removeContainer("c")
            try node.snapshots.createUpper(container: "c", mode: .directory, over: nil)
            #expect(try node.snapshots.upperReadings(of: ["c"], within: 0).first?.usage.inodes == 2)
        }
    }

    @Test("no limit needs no quota, and one in memory has its own")
    func noLimit() throws {
        try withDirectory { root in
            let node = try Node(root)
            try node.snapshots.createUpper(container: "c", mode: .directory, over: nil, limits: ProjectQuota.Limits())
            try node.snapshots.createUpper(container: "d", mode: .tmpfs, over: nil, limits: ProjectQuota.Limits(bytes: 1 << 20))
            #expect(try node.names("containers") == ["c", "d"])
        }
    }

    @Test("the remedy names what the filesystem wants", arguments: ["ext4", "xfs", "btrfs"])
    func remedies(filesystem: String) {
        let error = SnapshotError.noProjectQuota(filesystem: filesystem, support: .none(nil), store: "/root")
        let wanted = ["ext4": "mkfs.ext4 -O quota,project", "xfs": "-o prjquota", "btrfs": "ext4 or xfs"]
        #expect(error.remedy?.contains(wanted[filesystem] ?? "?") == true)
        #expect("\(error)".contains("the \(filesystem) of \"/root\""))
    }

    @Test("a project's number is never given twice, also after it was forgotten and over a restart")
    func projectNumbers() throws {
        try withDirectory { root in
            var given: [UInt32] = []
            for _ in 0..<3 {
                let node = try Node(root)
                for name in ["a", "b", "a"] { given.append(try node.metadata.newProject(of: name)) }
                #expect(try node.metadata.projects().count == 2)
                #expect(try node.metadata.deleteProject(of: "a") == given.last)
                #expect(try node.metadata.deleteProject(of: "b") != nil)
                #expect(try node.metadata.deleteProject(of: "b") == nil)
            }
            #expect(Set(given).count == 9 && given == given.sorted() && given.allSatisfy { $0 > 0x1000_0000 })
        }
    }
}
