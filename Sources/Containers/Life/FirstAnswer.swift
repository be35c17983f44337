// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// The first of several answers counts, also where it comes before it is waited for. For one who waits.
final class FirstAnswer<Answer: Sendable>: Sendable {
    private struct State {
        var first: Answer?
        var waiter: CheckedContinuation<Answer, Never>?
    }
    private let state = Mutex(State())

    func give(_ answer: Answer) {
        let waiter = state.withLock { state -> CheckedContinuation<Answer, Never>? in
            guard state.first == nil else { return nil }
            state.first = answer
            return state.waiter.take()
        }
        waiter?.resume(returning: answer)
    }

    func wait() async -> Answer {
        await withCheckedContinuation { waiter in
            let first = state.withLock { state in
                if state.first == nil { state.waiter = waiter }
                return state.first
            }
            if let first { waiter.resume(returning: first) }
        }
    }
}
