// SPDX-License-Identifier: Apache-2.0

import APITypes
import OCI
import RegistryFixtures
import Synchronization

/// What a pull tells, and a way to wait for some of it.
final class Events: Sendable {
    private struct State {
        var events: [PullEvent] = []
        var waiting: [(PullEvent.LayerStatus, CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())

    func note(_ event: PullEvent) {
        let woken = state.withLock { state in
            state.events.append(event)
            let woken = state.waiting.filter { $0.0 == event.status }
            state.waiting.removeAll { $0.0 == event.status }
            return woken
        }
        for (_, continuation) in woken { continuation.resume() }
    }

    var all: [PullEvent] { state.withLock { $0.events } }

    /// Of the layers, in the order that they came.
    func statuses(of layer: [UInt8]) -> [PullEvent.LayerStatus] {
        all.filter { $0.digest == digest(of: layer).description }.compactMap(\.status)
    }

    /// Returns when some layer has come so far.
    func wait(for status: PullEvent.LayerStatus) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.events.contains(where: { $0.status == status }) { return true }
                state.waiting.append((status, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }
}

/// Holds something up until it is opened.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    func pass() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiting.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }
}
