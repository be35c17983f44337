// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// L-47: layers that are a thousand times larger than they look, and layers of nothing but files, against a whole daemon on a small disk.
///
/// `CTR_SWIFT_HEAVY_TESTS=1`: 10 GiB of zeros and a million files, on 2 GiB.
@Suite(.asRoot, .serialized) struct BombTests {
    /// What the daemon may have needed at most. A note for each file of the layer that is being unpacked is in it.
    private static let memoryLimit = 256 << 20

    private static let reserve = "reserve-bytes = 8388608\nreserve-inodes = 1000\n"

    private func withNode(on disk: Disk, _ body: (Node) throws -> Void) throws {
        let node = try Node(configuration: Self.reserve, root: disk.mount + "/root")
        let result = Result { try body(node) }
        if case .failure = result { print(node.daemonLog.suffix(4000)) }
        let left = Result { try node.leave() }
        try result.get()
        try left.get()
    }

    private func withZeros(_ body: (HeldRegistry, Node) throws -> Void) throws {
        try HeldRegistry.with("bomb", isHeavy ? "10240" : "1024") { registry in
            try Disk.with(isHeavy ? "2G" : "256M") { disk in try withNode(on: disk) { node in try body(registry, node) } }
        }
    }

    /// Every call answers, whatever else is going on. The limit is there to find a hang.
    private func expectAnswers(_ node: Node) throws {
        for words in [["version"], ["info"], ["ps", "-a"], ["images"], ["snapshot", "usage"]] {
            let outcome = try node.started(words).finish(seconds: 60)
            #expect(outcome.code == 0, "\(words): \(outcome.errors)")
        }
    }

    private func expectNothing(_ node: Node) throws {
        #expect(try node.good("images", "-q") == "")
        #expect(try node.good("snapshot", "ls", "--format", "{{.key}}") == "")
        for place in ["layers", "ingest", "content/blobs/sha256"] {
            #expect(try FileManager.default.contentsOfDirectory(atPath: node.root + "/" + place) == [], "\(place)")
        }
    }

    /// A small image can be had, so all that the large one took is free again.
    private func expectWorks(_ node: Node, sameDaemon pid: Int32) throws {
        #expect(node.daemon.isRunning && node.daemon.pid == pid)
        // What was begun is deleted in the background.
        try node.settle()
        let small = try Registry.withFixtures().byDigest("test/busybox")
        #expect(try node.good("run", "--rm", small, "echo", "still works") == "still works\n")
        try node.good("rmi", small)
        #expect(try node.peakMemory() < Self.memoryLimit)
    }

    @Test("a bomb of zeros ends with the space, and leaves nothing; meanwhile the daemon answers")
    func zeros() throws {
        try withZeros { registry, node in
            let pid = node.daemon.pid
            try registry.hold()
            let pull = try node.started("pull", "\(registry.host)/bomb:1")
            try eventually("the first part is unpacked") { try node.ingestedBytes() > 16 << 20 }
            try expectAnswers(node)
            #expect(pull.isRunning)
            try registry.release()
            while pull.isRunning { try expectAnswers(node) }
            let outcome = try pull.finish()
            #expect(outcome.code == 1)
            #expect(outcome.errors.contains("space") || outcome.errors.contains("bytes"), "\(outcome.errors)")
            try expectNothing(node)
            try expectWorks(node, sameDaemon: pid)
        }
    }

    @Test("a bomb's pull is cancelled while it waits and while it unpacks, and gives its space back", arguments: [true, false])
    func cancelled(waits: Bool) throws {
        try withZeros { registry, node in
            let pid = node.daemon.pid
            if waits { try registry.hold() }
            let pull = try node.started("pull", "\(registry.host)/bomb:1")
            try eventually("a part is unpacked") { try node.ingestedBytes() > 16 << 20 || !pull.isRunning }
            pull.signal(SIGINT)
            let code = try pull.finish(seconds: 60).code
            // Who unpacks may have met the end of the space before.
            #expect(code == 130 || !waits && code == 1)
            try eventually("nothing is left") { try node.ingestedBytes() == 0 && node.trash().isEmpty }
            try expectNothing(node)
            try expectWorks(node, sameDaemon: pid)
        }
    }

    @Test("empty files end with the inodes, and leave nothing; meanwhile the daemon answers")
    func emptyFiles() throws {
        try HeldRegistry.with("empty", isHeavy ? "1000000" : "60000") { registry in
            try Disk.with(isHeavy ? "2G" : "256M", "-N", isHeavy ? "131072" : "20000") { disk in
                try withNode(on: disk) { node in
                    let pid = node.daemon.pid
                    try registry.hold()
                    let pull = try node.started("pull", "\(registry.host)/empty:1")
                    try eventually("the first files are there") { try node.ingestedFiles() > 100 }
                    try expectAnswers(node)
                    #expect(pull.isRunning)
                    try registry.release()
                    while pull.isRunning { try expectAnswers(node) }
                    let outcome = try pull.finish()
                    #expect(outcome.code == 1)
                    #expect(outcome.errors.contains("inodes"), "\(outcome.errors)")
                    try expectNothing(node)
                    try expectWorks(node, sameDaemon: pid)
                }
            }
        }
    }
}

extension Node {
    /// The largest that the daemon's resident memory has been.
    func peakMemory() throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(daemon.pid)/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
        return try #require(line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }) << 10
    }

    /// What lies below `ingest/` now.
    func ingestedBytes() throws -> Int {
        try Int(command(["du", "-s", "-B1", root + "/ingest"]).output.split(separator: "\t").first ?? "0").map { max(0, $0 - 4096) } ?? 0
    }

    func ingestedFiles() throws -> Int { try command(["find", root + "/ingest", "-type", "f"]).lines.count }

    func trash() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: root + "/trash") }
}
