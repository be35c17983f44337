// SPDX-License-Identifier: Apache-2.0

import APITypes
import Engine
import Linux
import RegistryFixtures
import SystemPackage
import TestSupport
import Testing

@Suite(.asRoot, .serialized) struct WaterMarkTests {
    /// An image of `megabytes`, in few files or in many.
    private func image(_ name: String, megabytes: Int = 0, files: Int = 1) -> MadeImage {
        var tar = MadeTar()
        tar.add("etc/name", Array(name.utf8))
        for index in 0..<files { tar.add("data/\(index)", [UInt8](repeating: 7, count: (megabytes << 20) / files)) }
        return MadeImage(layers: [tar.bytes])
    }

    private func marks(_ high: Int, _ low: Int) -> (inout NodeConfiguration) -> Void {
        { $0.waterMarks = WaterMarks(highPercent: high, lowPercent: low, minimumAgeSeconds: 0) }
    }

    private func percent(_ node: TestNode) throws -> (bytes: Double, inodes: Double) {
        let disk = try filesystemStatistics(node.root)
        return (
            100 * Double(disk.usedBytes) / Double(disk.usedBytes + disk.freeBytes),
            100 * Double(disk.totalInodes - disk.freeInodes) / Double(disk.totalInodes)
        )
    }

    @Test(
        "above the high mark the longest unused go until the low one, and each is told; pinned ones and those of containers stay",
        arguments: [false, true])
    func order(ofInodes: Bool) async throws {
        try await TestNode.with(disk: 64, inodes: ofInodes ? 512 : nil, marks(55, 35)) { node in
            let stream = node.runtime.events()
            let events = Task { await stream.reduce(into: [Event]()) { $0.append($1) } }
            var images: [ImageSummary] = []
            for index in 0..<4 {
                images.append(
                    try await node.pull(ofInodes ? image("\(index)", files: 55) : image("\(index)", megabytes: 7, files: 2), "app\(index)"))
                if index == 0 { _ = try await node.runtime.pinImage(images[0].id, pinned: true) }
                if index == 1 { _ = try await node.create(images[1]) }
            }
            for index in 4..<7 {
                images.append(
                    try await node.pull(ofInodes ? image("\(index)", files: 55) : image("\(index)", megabytes: 7, files: 2), "app\(index)"))
                await node.runtime.collectGarbage()
            }
            let left = try await node.runtime.images().map(\.id)
            #expect(left.contains(images[0].id) && left.contains(images[1].id))
            let gone = images.filter { !left.contains($0.id) }.map(\.id)
            #expect(gone.count >= 2)
            #expect(gone == Array(images[2..<2 + gone.count].map(\.id)), "the longest unused first")
            let (bytes, inodes) = try percent(node)
            #expect(bytes <= 55 && inodes <= 55)
            await node.runtime.stop()
            let told = await events.value.filter { $0.action == "delete" && $0.attributes["reason"] == "gc" }
            #expect(told.map(\.id) == images.filter { !left.contains($0.id) }.map(\.manifestDigest))
            #expect(told.allSatisfy { Int64($0.attributes["freedBytes"] ?? "") ?? 0 > 0 })
            #expect(node.lines.all.contains { $0.contains("removed unused images for space") })
        }
    }

    @Test("where the low mark can't be reached it is said once, and nothing that must stay goes")
    func stuck() async throws {
        try await TestNode.with(disk: 64, marks(10, 5)) { node in
            let pinned = try await node.pull(image("pinned", megabytes: 10), "app")
            // Another collection may have come before the pin.
            _ = try? await node.runtime.pinImage(pinned.id, pinned: true)
            for _ in 0..<3 { await node.runtime.collectGarbage() }
            #expect(node.lines.all.filter { $0.contains("stays above its low water mark") }.count == 1)
        }
    }

    @Test("what was used just now stays, however full it is")
    func fresh() async throws {
        try await TestNode.with(disk: 64, { $0.waterMarks = WaterMarks(highPercent: 10, lowPercent: 5) }) { node in
            try await node.pull(image("fresh", megabytes: 10), "app")
            await node.runtime.collectGarbage()
            #expect(try await node.runtime.images().count == 1)
        }
    }

    @Test("a pull that is short of space gets it from unused images, where marks are set; else it is refused", arguments: [true, false])
    func pullFrees(withMarks: Bool) async throws {
        // High enough that nothing goes by itself.
        let set = marks(100, 99)
        try await TestNode.with(disk: 64, { if withMarks { set(&$0) } }) { node in
            for index in 0..<4 { try await node.pull(image("\(index)", megabytes: 12), "app\(index)") }
            let large = image("large", megabytes: 24)
            if withMarks {
                try await node.pull(large, "large")
                let left = try await node.runtime.images()
                #expect(left.contains { $0.references.contains { $0.contains("/large:") } })
                #expect(left.count < 5)
            } else {
                await #expect(throws: EngineError.self) { try await node.pull(large, "large") }
                #expect(try await node.runtime.images().count == 4)
            }
            #expect(try node.names("ingest") == [])
        }
    }

    @Test("what nobody could foretell: a layer that unpacks to more than is free gets it, too")
    func unpackFrees() async throws {
        try await TestNode.with(disk: 64, marks(100, 60)) { node in
            for index in 0..<3 { try await node.pull(image("\(index)", megabytes: 14), "app\(index)") }
            var tar = MadeTar()
            for index in 0..<24 { tar.add("data/\(index)", [UInt8](repeating: UInt8(index + 1), count: 1 << 20)) }
            let packed = try command(["gzip", "-c"], input: tar.bytes).bytes
            #expect(packed.count < 1 << 20)
            let large = MadeImage(
                layers: [packed], diffIDs: [digest(of: tar.bytes)], layerType: "application/vnd.oci.image.layer.v1.tar+gzip")
            try await node.pull(large, "large")
            #expect(try await node.runtime.images().count < 4)
            #expect(try node.names("ingest") == [])
        }
    }

    @Test("marks that can't be kept are refused at the start", arguments: [(0, 0), (101, 50), (50, 50), (50, 60)])
    func invalid(high: Int, low: Int) async throws {
        await #expect(throws: EngineError.self) { try await TestNode.with(marks(high, low)) { _ in } }
    }
}
