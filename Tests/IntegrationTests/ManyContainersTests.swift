// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// Many containers at once; `CTR_SWIFT_SLOW_TESTS=1` makes it 500.
@Suite(.asRoot, .busybox) struct ManyContainersTests {
    /// More than an unprivileged user may have keyrings: each container has one (/proc/sys/kernel/keys/maxkeys is 200).
    private static let count = ProcessInfo.processInfo.environment["CTR_SWIFT_SLOW_TESTS"] == nil ? 30 : 500

    @Test("many are up at once, of one unprivileged user, are all gone after a storm of rm -f, and the daemon is as before (F-18, X-28)")
    func storm() throws {
        let image = try Registry.withFixtures().byDigest("test/busybox")
        try withNode { (node: Node) throws in
            func runAll(_ arguments: (Int) -> [String]) throws {
                for first in stride(from: 0, to: Self.count, by: 10) {
                    let clients = try (first..<min(first + 10, Self.count)).map { try node.started(arguments($0)) }
                    for client in clients {
                        let outcome = try client.finish()
                        #expect(outcome.code == 0, "\(outcome)")
                    }
                }
            }
            func descriptors() throws -> [String] {
                let directory = "/proc/\(node.daemon.pid)/fd"
                return try FileManager.default.contentsOfDirectory(atPath: directory).compactMap { name in
                    (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(directory)/\(name)")).map { "\(name): \($0)" }
                }
            }
            func storm() throws {
                try runAll { ["run", "-d", "--user", "1000", "--name", "c\($0)", image, "sleep", "1000"] }
                #expect(try node.good("ps", "-q").split(separator: "\n").count == Self.count)
                let tree = try #require(try node.json("ps") as? [[String: Any]])
                #expect(tree.allSatisfy { container in (container["pid"] as? Int).map { kill(pid_t($0), 0) == 0 } ?? false })
                try runAll { ["rm", "-f", "c\($0)"] }
                #expect(try node.good("ps", "-aq") == "")
            }
            // The first one opens what stays open: connections to the database, event loops.
            try storm()
            let before = try descriptors()
            try storm()
            // Connections of the last clients are closed a moment later.
            for _ in 0..<500 where try descriptors().count >= before.count + Self.count / 2 { usleep(10_000) }
            let after = try descriptors()
            // Readers of the database and the like may be opened late; what each container left would be more.
            #expect(after.count < before.count + Self.count / 2, "\(after)\nbefore: \(before)")
        }
    }
}
