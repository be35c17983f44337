// SPDX-License-Identifier: Apache-2.0

import APITypes
import Images
import Layers
import Metadata
import OCI
import Registry
import RegistryFixtures
import Snapshots
import Synchronization
import Testing

/// R-30, L-57: pulls at the same time share their work, and nothing else.
@Suite(.asRoot, .serialized, .timeLimit(.minutes(20))) struct JoinTests {
    /// Large enough for progress before its end.
    private let layer = MadeTar.layer("a", String(repeating: "0123456789abcdef", count: 40_000))

    /// What a registry answers that holds up the middle of `layer` until the gate opens.
    private func heldUp(_ image: MadeImage, _ gate: Gate, then end: Answer.Step? = nil) -> ScriptedRegistry.Script {
        let layer = layer
        return { request in
            guard request.path.hasSuffix(digest(of: layer).hex) else { return image.answer(request) }
            let middle = layer.count / 2
            return Answer(steps: [
                Answer.head(200, [("Content-Length", "\(layer.count)")]), .send(Array(layer[..<middle])), .wait { await gate.pass() },
                end ?? .send(Array(layer[middle...])),
            ])
        }
    }

    /// A pull that is under way.
    private struct Caller {
        let events = Events()
        let task: Task<ImageRecord, any Error>

        init(_ node: ImageNode, _ name: String) {
            let events = events
            task = Task { try await node.pull(name, events: events) }
        }
    }

    @Test("twenty pulls of one image fetch and unpack each blob once, and all hear how far it is")
    func oneImage() async throws {
        let image = MadeImage(layers: [layer, MadeTar.layer("b", "small")])
        let gate = Gate()
        try await ScriptedRegistry.serve(heldUp(image, gate)) { registry in
            try await ImageNode.with { node in
                let callers = (0..<20).map { _ in Caller(node, "\(registry.host)/team/app:1") }
                // The gate opens when everybody has heard of progress: who would not be told, would wait for ever.
                for caller in callers { await caller.events.wait(for: .pulling) }
                gate.open()
                for caller in callers {
                    let record = try await caller.task.value
                    #expect(record.manifestDigest == image.manifestDigest)
                    let statuses = caller.events.statuses(of: layer)
                    #expect(statuses.first == .waiting && statuses.last == .extracted)
                    #expect(caller.events.statuses(of: image.layers[1]).last != .waiting)
                }
                for blob in image.layers + [image.config] {
                    #expect(registry.requests("/v2/team/app/blobs/\(digest(of: blob))").count == 1)
                }
                #expect(try node.names("layers").count == 2)
                #expect(try node.names("ingest") == [])
                #expect(try node.read(layer, "a").utf8.count == 640_000)
            }
        }
    }

    @Test("two images that share a layer fetch it once, also where it comes from two registries")
    func sharedLayer() async throws {
        let images = [MadeImage(layers: [layer, MadeTar.layer("b", "1")]), MadeImage(layers: [MadeTar.layer("b", "2"), layer])]
        let gate = Gate()
        try await ScriptedRegistry.serve(heldUp(images[0], gate)) { one in
            try await ScriptedRegistry.serve(heldUp(images[1], gate)) { other in
                try await ImageNode.with { node in
                    let callers = [one, other].map { Caller(node, "\($0.host)/team/app:1") }
                    for caller in callers { await caller.events.wait(for: .pulling) }
                    gate.open()
                    for (caller, image) in zip(callers, images) {
                        let record = try await caller.task.value
                        #expect(record.manifestDigest == image.manifestDigest)
                    }
                    let path = "/v2/team/app/blobs/\(digest(of: layer))"
                    #expect(one.requests(path).count + other.requests(path).count == 1)
                    #expect(try node.names("layers").count == 3)
                    #expect(try node.names("ingest") == [])
                }
            }
        }
    }

    @Test("a layer that is unpacked for an image that still waits for another one is not fetched again")
    func unpackedAndWaiting() async throws {
        let shared = MadeTar.layer("b", "shared")
        let images = [MadeImage(layers: [shared, layer]), MadeImage(layers: [shared])]
        let gate = Gate()
        let slow = heldUp(images[0], gate)
        try await ScriptedRegistry.serve({ $0.path.contains("/slow/") ? slow($0) : images[1].answer($0) }) { registry in
            try await ImageNode.with { node in
                let first = Caller(node, "\(registry.host)/slow/app:1")
                await first.events.wait(for: .extracted)
                try await node.pull("\(registry.host)/quick/app:1")
                gate.open()
                _ = try await first.task.value
                #expect(registry.requests.filter { $0.path.hasSuffix(digest(of: shared).hex) }.count == 1)
                #expect(try node.images.images().count == 2)
                #expect(try node.names("layers").count == 2)
            }
        }
    }

    @Test("who is cancelled leaves the others alone, the one that began included", arguments: [0, 1, 2])
    func oneCancelled(cancelled: Int) async throws {
        let image = MadeImage(layers: [layer])
        let gate = Gate()
        try await ScriptedRegistry.serve(heldUp(image, gate)) { registry in
            try await ImageNode.with { node in
                var callers: [Caller] = []
                for _ in 0..<3 {
                    let caller = Caller(node, "\(registry.host)/team/app:1")
                    await caller.events.wait(for: .pulling)
                    callers.append(caller)
                }
                callers[cancelled].task.cancel()
                // Before the gate opens: it does not wait for the others.
                let error = await failure { try await callers[cancelled].task.value }
                guard case .cancelled = error else { return unexpected(error) }
                gate.open()
                for (number, caller) in callers.enumerated() where number != cancelled {
                    let record = try await caller.task.value
                    #expect(record.manifestDigest == image.manifestDigest)
                }
                #expect(registry.requests("/v2/team/app/blobs/\(digest(of: layer))").count == 1)
            }
        }
    }

    @Test("when all are cancelled nothing is left, and the next pull begins anew")
    func allCancelled() async throws {
        let image = MadeImage(layers: [MadeTar.layer("b", "quick"), layer])
        try await ScriptedRegistry.serve(heldUp(image, Gate())) { registry in
            try await ImageNode.with(ImageConfiguration(keepBlobs: true)) { node in
                let callers = (0..<3).map { _ in Caller(node, "\(registry.host)/team/app:1") }
                for caller in callers { await caller.events.wait(for: .pulling) }
                for caller in callers { caller.task.cancel() }
                for caller in callers {
                    let error = await failure { try await caller.task.value }
                    guard case .cancelled = error else { return unexpected(error) }
                }
                try node.expectNothing()
                registry.answer { image.answer($0) }
                let record = try await node.pull("\(registry.host)/team/app:1")
                #expect(record.manifestDigest == image.manifestDigest)
            }
        }
    }

    @Test("a failure reaches all, and is not remembered")
    func failureReachesAll() async throws {
        let image = MadeImage(layers: [layer])
        let gate = Gate()
        let lie = Answer.Step.send([UInt8](repeating: 7, count: layer.count - layer.count / 2))
        try await ScriptedRegistry.serve(heldUp(image, gate, then: lie)) { registry in
            try await ImageNode.with { node in
                let callers = (0..<5).map { _ in Caller(node, "\(registry.host)/team/app:1") }
                for caller in callers { await caller.events.wait(for: .pulling) }
                gate.open()
                for caller in callers {
                    let error = await failure { try await caller.task.value }
                    guard case .layer(let digest, .wrongDigest) = error else {
                        return unexpected(error)
                    }
                    #expect(digest == RegistryFixtures.digest(of: layer))
                }
                #expect(registry.requests("/v2/team/app/blobs/\(digest(of: layer))").count == 1)
                try node.expectNothing()
                registry.answer { image.answer($0) }
                try await node.pull("\(registry.host)/team/app:1")
            }
        }
    }

    @Test("what another registry fails at is fetched from one's own")
    func otherRegistryFails() async throws {
        let image = MadeImage(layers: [layer])
        let gate = Gate()
        let lie = Answer.Step.send([UInt8](repeating: 7, count: layer.count - layer.count / 2))
        try await ScriptedRegistry.serve(heldUp(image, gate, then: lie)) { bad in
            try await ScriptedRegistry.serve({ image.answer($0) }) { good in
                try await ImageNode.with { node in
                    let first = Caller(node, "\(bad.host)/team/app:1")
                    await first.events.wait(for: .pulling)
                    let second = Caller(node, "\(good.host)/team/app:1")
                    await second.events.wait(for: .pulling)
                    gate.open()
                    let error = await failure { try await first.task.value }
                    #expect(error != nil)
                    let record = try await second.task.value
                    #expect(record.manifestDigest == image.manifestDigest)
                    #expect(try node.images.references().map(\.name) == ["\(good.host)/team/app:1"])
                    #expect(try node.read(layer, "a").utf8.count == 640_000)
                }
            }
        }
    }

    @Test("a commit that fails takes nothing from an image that shares its layer")
    func failedCommit() async throws {
        let images = [MadeImage(layers: [layer, MadeTar.layer("b", "1")]), MadeImage(layers: [layer, MadeTar.layer("b", "2")])]
        let failed = Mutex(false)
        // The first commit to come ends in the middle.
        let failpoint = Failpoint { step throws(SnapshotError) in
            guard step == .layerPlaced else { return }
            let isFirst = failed.withLock { failed in
                defer { failed = true }
                return !failed
            }
            if isFirst { throw .noSuchImage(digest(of: [])) }
        }
        let gate = Gate()
        let held = images.map { heldUp($0, gate) }
        try await ScriptedRegistry.serve({ $0.path.contains("/0/") ? held[0]($0) : held[1]($0) }) { registry in
            try await ImageNode.with(failpoint: failpoint) { node in
                let callers = (0...1).map { Caller(node, "\(registry.host)/\($0)/app:1") }
                for caller in callers { await caller.events.wait(for: .pulling) }
                gate.open()
                var done: [ImageRecord] = []
                for caller in callers {
                    if let image = try? await caller.task.value { done.append(image) }
                }
                #expect(done.count == 1, "one commit failed, and the other image came to be")
                let stored = try node.images.images()
                #expect(stored.map(\.manifestDigest) == done.map(\.manifestDigest))
                #expect(try node.names("layers").count == 2)
                #expect(try node.names("ingest") == [])
                #expect(try node.read(layer, "a").utf8.count == 640_000)
            }
        }
    }
}
