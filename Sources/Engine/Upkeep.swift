// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import Synchronization

/// What a node does without being asked: it reconciles (hourly), and collects images where water marks are set (after pulls, and every
/// few minutes). Ends with the node.
final class Upkeep: Sendable {
    private let tasks = Mutex<[Task<Void, Never>]>([])
    private let pulled: AsyncStream<Void>.Continuation
    private let pulls: AsyncStream<Void>

    static let collectionInterval = Duration.seconds(300)

    init() { (pulls, pulled) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1)) }

    /// An image has come: the filesystem is looked at soon.
    func notePull() { pulled.yield() }

    func start(_ node: NodeRuntime) {
        let reconciling = Task { [weak node, logger = node.logger] in
            while let interval = node?.configuration.reconcileSeconds, interval > 0 {
                do { try await Task.sleep(for: .seconds(interval)) } catch { return }
                do throws(EngineError) { try await node?.reconcile() } catch { logger.error("\(error.message)") }
            }
        }
        tasks.withLock { $0.append(reconciling) }
        guard node.collector != nil else { return }
        let ticking = Task { [pulled] in
            while true {
                pulled.yield()
                do { try await Task.sleep(for: Self.collectionInterval) } catch { return }
            }
        }
        let collecting = Task { [weak node, pulls] in
            for await _ in pulls { await node?.collectGarbage() }
        }
        tasks.withLock { $0 += [ticking, collecting] }
    }

    /// Returns when what was under way has come to an end.
    func stop() async {
        pulled.finish()
        let running = tasks.withLock { tasks in
            defer { tasks = [] }
            return tasks
        }
        for task in running { task.cancel() }
        for task in running { await task.value }
    }
}
