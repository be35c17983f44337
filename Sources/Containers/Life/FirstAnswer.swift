// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// The first of several answers counts, also where it comes before it is waited for.
final class FirstAnswer<Answer: Sendable>: Sendable {
    private struct State {
        var first: Answer?
        var waiters: [CheckedContinuation<Answer, Never>] = []
    }
    private let state = Mutex(State())

    func give(_ answer: Answer) {
        let waiters = state.withLock { state -> [CheckedContinuation<Answer, Never>] in
            guard state.first == nil else { return [] }
            state.first = answer
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume(returning: answer) }
    }

    /// - Parameter late: the answer where none has come within the time.
    func wait(within limit: Duration, late: Answer) async -> Answer {
        let timer = Task {
            do { try await Task.sleep(for: limit) } catch { return }
            give(late)
        }
        defer { timer.cancel() }
        return await wait()
    }

    func wait() async -> Answer {
        await withCheckedContinuation { waiter in
            let first = state.withLock { state in
                if state.first == nil { state.waiters.append(waiter) }
                return state.first
            }
            if let first { waiter.resume(returning: first) }
        }
    }
}
