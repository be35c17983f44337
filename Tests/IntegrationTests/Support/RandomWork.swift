// SPDX-License-Identifier: Apache-2.0

import APITypes
import Client
import Foundation
import Synchronization
import SystemPackage
import TestSupport

/// What the clients of a random run do, and what went wrong. An answer is right where it is success, or a refusal that another client's
/// work explains; while the daemon is down anything is.
final class RandomWork: Sendable {
    private struct State {
        var started = 0
        var running = 3
        var containers: [String] = []
        var failures: [String] = []
        var counts: [String: Int] = [:]
        var refusals: [String: Int] = [:]
        /// Even while the daemon is up.
        var downs = 0
    }

    private let state = Mutex(State())
    private let socket: String
    private let images: RandomImages
    private let seed: UInt64
    private let count: Int

    init(socket: String, images: RandomImages, seed: UInt64, count: Int) {
        self.socket = socket
        self.images = images
        self.seed = seed
        self.count = count
    }

    var isRunning: Bool { state.withLock { $0.running > 0 } }
    var started: Int { state.withLock { $0.started } }
    var failures: [String] { state.withLock { $0.failures } }
    func beginDown() { state.withLock { $0.downs += 1 } }
    func endDown() { state.withLock { $0.downs += 1 } }

    var summary: String {
        let (counts, refusals, downs) = state.withLock { ($0.counts, $0.refusals, $0.downs) }
        func list(_ values: [String: Int]) -> String {
            values.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
        }
        return "done: \(list(counts)); refused: \(list(refusals)); kills: \(downs / 2)"
    }

    func run(_ worker: Int) {
        var random = SeededRandom(seed: seed &+ UInt64(worker) &* 0x9E37_79B9_7F4A_7C15)
        while state.withLock({ state in
            guard state.started < count, state.failures.count < 5 else { return false }
            state.started += 1
            return true
        }) {
            step(&random)
        }
        state.withLock { $0.running -= 1 }
    }

    private func step(_ random: inout SeededRandom) {
        let (name, body) = operation(&random)
        let before = state.withLock { $0.downs }
        do {
            try body()
            state.withLock { $0.counts[name, default: 0] += 1 }
        } catch {
            let client = error as? ClientError
            if let code = client?.problemCode, Self.refusals[name, default: []].contains(code) {
                return state.withLock { $0.refusals["\(name): \(code)", default: 0] += 1 }
            }
            // Its end may be met before it is noted.
            usleep(50_000)
            state.withLock { state in
                if state.downs == before && before % 2 == 0 { state.failures.append("\(name): \(client.map { "\($0)" } ?? "\(error)")") }
            }
            // A daemon that is down answers at once: the others' share is left to them.
            while state.withLock({ $0.downs % 2 == 1 }) { usleep(10_000) }
        }
    }

    /// What other clients' work explains.
    private static let refusals: [String: Set<String>] = [
        "create": ["image-not-found"], "run": ["image-not-found", "container-not-found", "conflict"],
        "show": ["image-not-found", "container-not-found", "conflict"], "start": ["container-not-found", "conflict"],
        "stop": ["container-not-found", "conflict"], "rm": ["container-not-found", "conflict"], "rmi": ["image-not-found", "in-use"],
        "pin": ["image-not-found"], "unpin": ["image-not-found"],
    ]

    private func operation(_ random: inout SeededRandom) -> (String, () throws -> Void) {
        let client = APIClient(socketPath: FilePath(socket))
        let index = Int.random(in: 0..<images.count, using: &random)
        let image = [images.pulled(index), images.loaded(index), images.id(index)].randomElement(using: &random) ?? ""
        let container = state.withLock { $0.containers.randomElement(using: &random) }
        let flag = Bool.random(using: &random)
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<20: return ("pull", { try self.pull(index, client) })
        case 20..<27: return ("load", { try self.load(index) })
        case 27..<37:
            return (
                "create",
                {
                    _ = try self.note(
                        client.request(.post, ["v1", "containers"], body: self.images.request(image), as: CreateContainerResponse.self))
                }
            )
        case 37..<47: return ("show", { try self.show(image, client) })
        case 47..<54: return ("run", { try self.runBriefly(image, flag, client) })
        case 54..<62:
            return (
                "start",
                {
                    try container.map {
                        _ = try client.request(.post, ["v1", "containers", $0, "start"], as: CreateContainerResponse.self)
                    }
                }
            )
        case 62..<67:
            return (
                "stop",
                {
                    try container.map {
                        _ = try client.request(
                            .post, ["v1", "containers", $0, "stop"], body: StopRequest(timeoutSeconds: 0), as: WaitResponse.self)
                    }
                }
            )
        case 67..<77:
            return (
                "rm",
                { try container.map { try client.request(.delete, ["v1", "containers", $0], query: [("force", flag ? "true" : nil)]) } }
            )
        case 77..<87:
            return (
                "rmi",
                {
                    _ = try client.request(
                        .delete, ["v1", "images"], query: [("reference", image), ("force", flag ? "true" : nil)],
                        as: RemoveImageResponse.self)
                }
            )
        case 87..<94:
            let seconds = [Int64(0), 0, 1, 10].randomElement(using: &random)
            let request = PruneRequest(
                unusedForSeconds: seconds, dangling: Int.random(in: 0..<4, using: &random) == 0,
                // One that has just ended is about to be read.
                containers: seconds == 10, dryRun: Int.random(in: 0..<4, using: &random) == 0)
            return ("prune", { _ = try client.request(.post, ["v1", "prune"], body: request, as: PruneResponse.self) })
        default:
            let verb = Int.random(in: 0..<3, using: &random) == 0 ? "pin" : "unpin"
            return (
                verb, { _ = try client.request(.post, ["v1", "images", verb], query: [("reference", image)], as: [ImageSummary].self) }
            )
        }
    }

    private func pull(_ index: Int, _ client: APIClient) throws {
        var last: PullEvent?
        try client.stream(
            .post, ["v1", "images", "pull"], body: PullRequest(reference: images.pulled(index)), of: PullEvent.self
        ) { last = $0 }
        if let problem = last?.problem { throw ClientError.problem(problem) }
        guard last?.event == .done else { throw ClientError.badAnswer("cut after \(last.map { "\($0)" } ?? "nothing")") }
    }

    private func load(_ index: Int) throws {
        let outcome = try command(
            [Node.bin + "/ctr-swift", "load", "-q", "-i", images.layout(index)], environment: ["CTR_SWIFT_SOCKET": socket])
        guard outcome.code == 0 else { throw Failure(outcome.errors) }
    }

    private func show(_ image: String, _ client: APIClient) throws {
        let id = try client.request(.get, ["v1", "images", "inspect"], query: [("reference", image)], as: ImageDetail.self).summary.id
        let shown = try images.show(image, client)
        if shown != images.expected(id) { throw Failure("\(image) shows \(shown), not \(images.expected(id) ?? "anything known")") }
    }

    /// One that goes by itself, or one that stays and runs.
    private func runBriefly(_ image: String, _ removes: Bool, _ client: APIClient) throws {
        var request = images.request(image, removes ? "true" : "exec /bin/busybox sleep 1000")
        request.autoRemove = removes
        let made = try client.request(
            .post, ["v1", "containers"], query: [("start", "true")], body: request, as: CreateContainerResponse.self)
        if !removes { note(made) }
    }

    private func note(_ made: CreateContainerResponse) {
        state.withLock { state in
            state.containers.append(made.id)
            // Older ones are for prunes with --containers, and for the end.
            if state.containers.count > 12 { state.containers.removeFirst() }
        }
    }
}
