// SPDX-License-Identifier: Apache-2.0

package import ShimProtocol
internal import Synchronization

/// One message that a shim owes, which may be long in coming: waited for without a thread.
package final class ShimAnswer: Sendable {
    package enum Outcome: Sendable {
        case message(ShimMessage)
        /// The connection ended, or what came is no message.
        case closed
        case late
    }
    private struct State {
        var outcome: Outcome?
        var waiter: CheckedContinuation<Outcome, Never>?
    }
    private let state = Mutex(State())

    package init() {}

    /// The first one counts.
    func give(_ outcome: Outcome) {
        let waiter = state.withLock { state -> CheckedContinuation<Outcome, Never>? in
            guard state.outcome == nil else { return nil }
            state.outcome = outcome
            return state.waiter.take()
        }
        waiter?.resume(returning: outcome)
    }

    /// For one caller.
    /// - Parameter limit: nil waits without end.
    package func wait(within limit: Duration? = nil) async -> Outcome {
        let timer = limit.map { limit in
            Task {
                do { try await Task.sleep(for: limit) } catch { return }
                give(.late)
            }
        }
        defer { timer?.cancel() }
        return await withCheckedContinuation { continuation in
            let known = state.withLock { state -> Outcome? in
                if state.outcome == nil { state.waiter = continuation }
                return state.outcome
            }
            if let known { continuation.resume(returning: known) }
        }
    }
}
