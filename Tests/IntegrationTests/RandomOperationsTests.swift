// SPDX-License-Identifier: Apache-2.0

import APITypes
import Client
import Foundation
import Linux
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// Three clients do at random what clients do, while the node reconciles every second and is killed now and then; afterwards nothing is left
/// that should not be, and everything that is recorded is whole.
@Suite(.asRoot, .serialized) struct RandomOperationsTests {
    private static func number(_ name: String) -> UInt64? { ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) } }

    @Test("random operations with kills leave no orphan, and every image that is recorded runs")
    func operations() throws {
        let count = Int(Self.number("CTR_SWIFT_RANDOM_OPERATIONS") ?? 300)
        let seed = Self.number("CTR_SWIFT_RANDOM_SEED") ?? UInt64.random(in: 0 ... .max)
        print("\(count) random operations with CTR_SWIFT_RANDOM_SEED=\(seed)")
        let registry = try Registry()
        defer { registry.stop() }
        let images = try RandomImages(in: registry)
        try withNode(configuration: "reconcile-interval = \"1s\"\n") { node in
            let work = RandomWork(socket: node.socket, images: images, seed: seed, count: count)
            for worker in 0..<3 { try startThread(name: "client") { work.run(worker) } }
            var next = max(50, count / 30)
            while work.isRunning {
                usleep(20_000)
                guard work.started >= next, next < count else { continue }
                next += max(50, count / 30)
                work.beginDown()
                try node.killDaemon()
                try node.start()
                work.endDown()
            }
            #expect(work.failures == [], "with CTR_SWIFT_RANDOM_SEED=\(seed)")
            print(work.summary)
            try node.killDaemon()
            try node.start()
            try expectWhole(node, images)
            try expectNothing(node)
            #expect(!node.daemonLog.contains("recorded, and not there"), "\(node.daemonLog.suffix(4000))")
        }
    }

    /// Every image runs and shows what its layers hold; the sums are those of the directories.
    private func expectWhole(_ node: Node, _ images: RandomImages) throws {
        let client = APIClient(socketPath: FilePath(node.socket))
        for container in try client.request(.get, ["v1", "containers"], query: [("all", "true")], as: [ContainerSummary].self) {
            try client.request(.delete, ["v1", "containers", container.id], query: [("force", "true")])
        }
        let usage = try client.request(.get, ["v1", "snapshots", "usage"], as: SnapshotUsage.self)
        let layers = try FileManager.default.contentsOfDirectory(atPath: node.root + "/layers")
        #expect(usage.snapshots.count == layers.count, "a directory a row")
        #expect(Set(usage.snapshots.map(\.path)) == Set(layers.map { "\(node.root)/layers/\($0)/fs" }))
        let directories = layers.map { "\(node.root)/layers/\($0)/fs" }
        func du(_ flag: String) throws -> Int64? {
            if directories.isEmpty { return 0 }
            return try command(["du", "-s", "-c", flag] + directories).lines.last.flatMap { Int64($0.prefix { $0.isNumber }) }
        }
        #expect(try du("--inodes") == usage.lowerInodes)
        #expect(try du("-B1") == usage.lowerBytes)
        for image in try client.request(.get, ["v1", "images"], as: [ImageSummary].self) {
            let shown = try images.show(image.id, client)
            #expect(shown == images.expected(image.id), "\(image)")
        }
    }

    private func expectNothing(_ node: Node) throws {
        let client = APIClient(socketPath: FilePath(node.socket))
        for image in try client.request(.get, ["v1", "images"], as: [ImageSummary].self) where image.pinned {
            _ = try client.request(.post, ["v1", "images", "unpin"], query: [("reference", image.id)], as: [ImageSummary].self)
        }
        _ = try client.request(.post, ["v1", "prune"], body: PruneRequest(containers: true), as: PruneResponse.self)
        #expect(try client.request(.get, ["v1", "images"], as: [ImageSummary].self) == [])
        #expect(try client.request(.get, ["v1", "snapshots"], as: [SnapshotSummary].self) == [])
        for _ in 0..<1000 where try FileManager.default.contentsOfDirectory(atPath: node.root + "/trash") != [] { usleep(10_000) }
        for directory in ["layers", "containers", "ingest", "trash", "content/blobs/sha256"] {
            #expect(try FileManager.default.contentsOfDirectory(atPath: node.root + "/" + directory) == [], "\(directory)")
        }
    }
}
