// SPDX-License-Identifier: Apache-2.0

internal import NIOCore
internal import Synchronization

/// The open connections: so that slow ones can be closed, idle ones at the end, and their number kept below the limit.
final class ConnectionTable: Sendable {
    private struct State {
        var open: [ObjectIdentifier: Connection] = [:]
        var isClosing = false
        /// The accepting loop, while there is no room.
        var waiting: CheckedContinuation<Void, Never>?
    }

    private let limit: Int
    private let state = Mutex(State())

    init(limit: Int) { self.limit = limit }

    var count: Int { state.withLock { $0.open.count } }

    func add(_ connection: Connection) {
        let isClosing = state.withLock { state in
            state.open[ObjectIdentifier(connection)] = connection
            return state.isClosing
        }
        if isClosing { Self.quiesce(connection) }
    }

    func remove(_ connection: Connection) {
        let waiting = state.withLock { state in
            state.open[ObjectIdentifier(connection)] = nil
            let waiting = state.waiting
            state.waiting = nil
            return waiting
        }
        waiting?.resume()
    }

    /// Returns when there is room for another connection. Only one task may wait here: the accepting loop.
    func waitForRoom() async {
        while count >= limit {
            await withCheckedContinuation { continuation in
                let now = state.withLock { state in
                    if state.open.count < limit { return true }
                    state.waiting = continuation
                    return false
                }
                if now { continuation.resume() }
            }
        }
    }

    /// Closes those that kept the server waiting for too long.
    func closeOverdue(_ now: NIODeadline) {
        for connection in all where connection.isOverdue(now) { connection.channel.close(promise: nil) }
    }

    /// Closes idle connections now and the others after the answer that they wait for.
    func quiesceAll() {
        state.withLock { $0.isClosing = true }
        for connection in all { Self.quiesce(connection) }
    }

    private var all: [Connection] { state.withLock { Array($0.open.values) } }

    private static func quiesce(_ connection: Connection) {
        connection.channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
    }
}
