// SPDX-License-Identifier: Apache-2.0

import Foundation
import Linux
import TestSupport
import Testing

/// The daemon itself may not have the memory that its work needs.
@Suite(.asRoot) struct MemoryLimitTests {
    /// A group of the memory controller, of v1 or v2, that has a limit from now on.
    private final class Group {
        private let parent: String
        private let path: String
        private let isUnified: Bool

        init(mebibytes: Int) throws {
            let layout = try CgroupLayout.detect()
            let hierarchy = try #require(layout.hierarchies.first { $0.controllers.contains("memory") })
            (parent, isUnified) = (hierarchy.mountPoint, hierarchy.isUnified)
            path = parent + "/ctr-swift-test-\(UInt32.random(in: 0 ... .max))"
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            try write("\(mebibytes << 20)", path + (isUnified ? "/memory.max" : "/memory.limit_in_bytes"))
        }

        func take(_ pid: Int32) throws { try write("\(pid)", path + "/cgroup.procs") }
        func giveBack(_ pid: Int32) throws { try write("\(pid)", parent + "/cgroup.procs") }

        /// Whether more was wanted than the limit allows.
        func wasMet() throws -> Bool {
            let text = try String(contentsOfFile: path + (isUnified ? "/memory.events" : "/memory.failcnt"), encoding: .utf8)
            let count = isUnified ? text.split(separator: "\n").first { $0.hasPrefix("max ") }?.dropFirst(4) : text[...]
            return count?.trimmingCharacters(in: .whitespacesAndNewlines) != "0"
        }

        func remove() { rmdir(path) }

        private func write(_ text: String, _ file: String) throws {
            guard let descriptor = FileHandle(forWritingAtPath: file) else { throw Failure("no \(file)") }
            try descriptor.write(contentsOf: Data(text.utf8))
        }
    }

    @Test(
        "a daemon that gets no more memory ends at worst; the next one finds a whole store, and does the same work (F-37)",
        arguments: [2, 64])
    func limited(mebibytes: Int) throws {
        let image = try Registry.withFixtures().byDigest("test/python-app")
        try withNode { (node: Node) throws in
            let group = try Group(mebibytes: mebibytes)
            defer { group.remove() }
            try group.take(node.daemon.pid)
            let pulled = try node.ctr("pull", image)
            if mebibytes == 64 { #expect(pulled.code == 0, "\(pulled)") } else { #expect(try group.wasMet()) }
            for _ in 0..<200 where pulled.code != 0 && node.daemon.isRunning { usleep(10_000) }
            if node.daemon.isRunning {
                try group.giveBack(node.daemon.pid)
            } else {
                #expect(try node.daemon.finish().code == 128 + SIGKILL)
                try node.start()
            }
            try node.good("fsck", "--full")
            try node.good("pull", image)
            try node.good("fsck", "--full")
            #expect(try node.ctr("run", "--rm", image, "7").code == 7)
        }
    }
}
