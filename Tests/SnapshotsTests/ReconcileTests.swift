// SPDX-License-Identifier: Apache-2.0

import Linux
import Metadata
import OCI
import Snapshots
import Synchronization
import SystemPackage
import TestSupport
import Testing

@Suite(.asRoot) struct ReconcileTests {
    private func reconcile(_ node: Node, known: Set<String> = []) throws -> StoreFindings {
        try node.snapshots.reconcile { () throws(SnapshotError) in
            do throws(MetadataError) { return known.union(try node.metadata.containers().map(\.id)) } catch { throw .metadata(error) }
        }
    }

    @Test("at work: what nothing knows goes to the trash; what is being unpacked or made stays, and what is recorded")
    func orphans() throws {
        try withDirectory { root in
            let node = try Node(root)
            try node.pull("a", ["x"])
            let ingest = try node.snapshots.beginIngest()
            try Files.write(ingest.filesystem.appending("name"), "half")
            let stack = try node.snapshots.stack(of: image("a", []).manifestDigest)
            for id in ["recorded", "being made", "left"] { try node.snapshots.createUpper(container: id, mode: .directory, over: stack) }
            try node.metadata.insert(
                container: ContainerRecord(
                    id: "recorded", name: "r", manifestDigest: "", layerIDs: stack.layerIDs, json: Array("{}".utf8),
                    createdAt: "2026-01-01T00:00:00Z"))
            for path in ["layers/zz", "layers/not base 36", "ingest/7x"] { try makeDirectory(root.appending(path), mode: 0o755) }
            try Files.write(root.appending("ingest/spool-1-1"), "of the content store")
            let found = try reconcile(node, known: ["being made"])
            #expect(found.missing == [])
            #expect(
                Set(found.orphans)
                    == Set(["layers/zz", "layers/not base 36", "ingest/7x", "containers/left"].map { root.pushing(FilePath($0)) }))
            #expect(try node.names("containers") == ["being made", "recorded"])
            #expect(try node.names("ingest").count == 2)
            #expect(try Files.read(ingest.filesystem.appending("name")) == "half")
            #expect(try reconcile(node, known: ["being made"]) == StoreFindings())
        }
    }

    @Test("what is missing is told each time, and stays recorded; a pull brings it back")
    func missing() throws {
        try withDirectory { root in
            let node = try Node(root)
            try node.pull("a", ["x", "y"])
            let lost = try #require(try node.snapshots.committed(diffID("x")))
            try removeTree(node.snapshots.directories.layer(lost.id))
            for _ in 0..<2 {
                #expect(try reconcile(node).missing == [node.snapshots.directories.layer(lost.id)])
                #expect(try node.metadata.layer(id: lost.id) != nil)
            }
            try node.pull("a", ["x", "y"])
            #expect(try reconcile(node) == StoreFindings())
            try node.expectConsistent("brought back", layers: ["x", "y"])
        }
    }

    @Test("at no step of a commit or a removal does it take anything that is whole, or about to be")
    func everyStep() throws {
        try withDirectory { root in
            let store = Mutex<SnapshotStore?>(nil)
            let steps = Mutex<Set<StoreStep>>([])
            let failpoint = Failpoint { step throws(SnapshotError) in
                // The rows of a removal go on the writer's queue, where nobody else may wait for it.
                guard step != .layersForgotten, step != .layersDiscarded, let snapshots = store.withLock({ $0 }) else { return }
                let found = try snapshots.reconcile { () throws(SnapshotError) in [] }
                steps.withLock { _ = $0.insert(step) }
                if found != StoreFindings() { throw .invalidContainerID("\(step): \(found)") }
            }
            let node = try Node(root, failpoint: failpoint)
            store.withLock { $0 = node.snapshots }
            try node.pull("a", ["x", "y"], fixup: "f")
            try node.pull("b", ["y", "z"])
            #expect(steps.withLock { $0 } == [.layersDescribed, .layersSynced, .layerPlaced, .directoriesSynced, .imageRecorded])
            store.withLock { $0 = nil }
            try node.remove("a")
            try node.expectConsistent("after all", layers: ["y", "z"])
        }
    }

    @Test("against pulls, removals and containers at the same time nothing is lost and nothing is left")
    func meanwhile() throws {
        try withDirectory { root in
            let node = try Node(root)
            let isDone = Atomic(false)
            let failures = Mutex<[String]>([])
            let working = Threads()
            for worker in 0..<3 {
                try working.run {
                    do {
                        for round in 0..<60 {
                            // The name stands for a digest: it decides about the layers.
                            let number = round % 4
                            let name = "image \(worker) \(number)"
                            let layers = ["shared", "x \(worker) \(number)", "y \(number % 3)"]
                            try node.pull(name, layers)
                            for layer in layers {
                                let record = try node.snapshots.committed(diffID(layer))
                                if record == nil { failures.withLock { $0.append("\(name) lost \(layer)") } }
                            }
                            if round % 2 == 1 { try node.remove(name) }
                        }
                    } catch {
                        failures.withLock { $0.append("\(error)") }
                    }
                }
            }
            let reconciling = Threads()
            try reconciling.run {
                while !isDone.load(ordering: .relaxed) {
                    do {
                        let found = try self.reconcile(node)
                        if found != StoreFindings() { failures.withLock { $0.append("\(found)") } }
                    } catch {
                        failures.withLock { $0.append("\(error)") }
                    }
                }
            }
            working.wait()
            isDone.store(true, ordering: .relaxed)
            reconciling.wait()
            #expect(failures.withLock { $0 } == [])
            try node.expectConsistent("after all", layers: held(node))
        }
    }

    private func held(_ node: Node) throws -> Set<String> {
        let all = ["shared"] + (0..<3).flatMap { worker in (0..<4).map { "x \(worker) \($0)" } } + (0..<3).map { "y \($0)" }
        let used = Set(try node.metadata.images().flatMap(\.diffIDs))
        return Set(all.filter { used.contains(diffID($0)) })
    }
}

/// Threads, and their end.
private final class Threads: Sendable {
    private let running = Atomic(0)

    func run(_ body: @escaping @Sendable () -> Void) throws {
        running.add(1, ordering: .relaxed)
        try startThread(name: "test") {
            body()
            self.running.subtract(1, ordering: .releasing)
        }
    }

    func wait() { while running.load(ordering: .acquiring) > 0 { usleepTenth() } }
}
