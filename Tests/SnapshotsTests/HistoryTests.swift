// SPDX-License-Identifier: Apache-2.0

import Glibc
import Metadata
import OCI
import Snapshots
import Synchronization
import SystemPackage
import TestSupport
import Testing

@Suite struct HistoryTests {
    @Test("after any history of pulls, runs, removals and restarts the store is what a model says", arguments: [1, 2, 3] as [UInt64])
    func model(seed: UInt64) throws {
        try withDirectory { root in
            var generator = SeededRandom(seed: seed)
            var images: [Int: [String]] = [:]
            var containers: [String: [String]] = [:]
            var node: Node? = try Node(root)
            for step in 0..<150 {
                let choice = Int.random(in: 0..<10, using: &generator)
                if choice == 9 {
                    node = nil
                    node = try Node(root)
                }
                let current = try #require(node)
                switch choice {
                case 0...3:
                    let number = Int.random(in: 0..<6, using: &generator)
                    // A manifest digest stands for one list of layers.
                    let layers = (0...number % 4).map { "layer \((number * 5 + $0 * 3) % 9)" }
                    try current.pull("\(number)", layers)
                    images[number] = layers
                case 4...5:
                    guard let number = images.keys.sorted().randomElement(using: &generator) else { continue }
                    let stack = try current.snapshots.stack(of: image("\(number)", []).manifestDigest)
                    let id = "c\(step)"
                    try current.snapshots.createUpper(container: id, mode: .directory, over: stack)
                    try current.metadata.insert(
                        container: ContainerRecord(
                            id: id, name: id, manifestDigest: "", layerIDs: stack.layerIDs, json: [], createdAt: "2026-01-01T00:00:00Z"))
                    containers[id] = images[number]
                case 6:
                    guard let number = images.keys.sorted().randomElement(using: &generator) else { continue }
                    try current.remove("\(number)")
                    images[number] = nil
                case 7...8:
                    guard let id = containers.keys.sorted().randomElement(using: &generator) else { continue }
                    try current.metadata.delete(container: id)
                    try current.snapshots.removeContainer(id)
                    _ = try current.snapshots.removeUnreferencedLayers()
                    containers[id] = nil
                default: break
                }
            }
            let last = try #require(node)
            _ = try last.snapshots.removeUnreferencedLayers()
            try last.expectConsistent("seed \(seed)", layers: Set(images.values.joined()).union(containers.values.joined()))
            #expect(try last.names("containers") == containers.keys.sorted(), "seed \(seed)")
            for (number, layers) in images {
                let stack = try last.snapshots.stack(of: image("\(number)", []).manifestDigest)
                #expect(Set(stack.diffIDs) == Set(layers.map(diffID)), "seed \(seed)")
            }
        }
    }

    @Test("removals against pulls and runs at the same time: nothing in use goes, all the rest does")
    func concurrent() async throws {
        let directory = try withDirectory { $0 }
        try shell("mkdir -m 700 \(directory)")
        defer { try? shell("rm -rf \(directory)") }
        let node = try Node(directory)
        node.snapshots.sweepInBackground()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for worker in 0..<3 {
                group.addTask {
                    for round in 0..<60 {
                        // All share one layer that comes and goes.
                        let name = "\(worker) \(round)"
                        try node.pull(name, ["shared", "own \(worker)"])
                        let stack = try node.snapshots.stack(of: image(name, []).manifestDigest)
                        try node.snapshots.createUpper(container: "c\(worker)x\(round)", mode: .directory, over: stack)
                        try node.metadata.insert(
                            container: ContainerRecord(
                                id: "c\(worker)x\(round)", name: name, manifestDigest: "", layerIDs: stack.layerIDs, json: [],
                                createdAt: "2026-01-01T00:00:00Z"))
                        try node.remove(name)
                        for lower in stack.lowerdirs {
                            #expect(Files.exists(stack.store.appending(lower.components).appending("name")), "in use by a container")
                        }
                        try node.metadata.delete(container: "c\(worker)x\(round)")
                        try node.snapshots.removeContainer("c\(worker)x\(round)")
                    }
                }
            }
            group.addTask {
                for _ in 0..<200 {
                    _ = try node.snapshots.removeUnreferencedLayers()
                    usleep(1000)
                }
            }
            try await group.waitForAll()
        }
        _ = try node.snapshots.removeUnreferencedLayers()
        try node.expectConsistent("at the end", layers: [])
        #expect(try node.names("containers") == [])
    }
}
