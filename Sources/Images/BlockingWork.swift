// SPDX-License-Identifier: Apache-2.0

internal import Linux
internal import Synchronization

/// Runs work that blocks on a thread of its own: an extraction takes seconds, and the cooperative pool has a thread a core.
func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        do throws(KernelError) {
            try startThread(name: "image-work") { continuation.resume(with: Result(catching: body)) }
        } catch {
            continuation.resume(throwing: error)
        }
    }
}

/// Carries a cancellation from a task to a thread.
final class CancelFlag: Sendable {
    private struct State {
        var isSet = false
        var handler: (@Sendable () -> Void)?
    }
    private let state = Mutex(State())

    var isSet: Bool { state.withLock { $0.isSet } }

    func set() {
        let handler = state.withLock { state in
            state.isSet = true
            return state.handler
        }
        handler?()
    }

    /// Called at once where it was set before.
    func onSet(_ handler: @escaping @Sendable () -> Void) {
        let isSet = state.withLock { state in
            state.handler = handler
            return state.isSet
        }
        if isSet { handler() }
    }
}

/// Not every buffer is worth an event.
final class ProgressMeter: Sendable {
    private let step: Int64
    private let next = Mutex<Int64>(0)

    init(step: Int64) { self.step = step }

    func isDue(_ value: Int64) -> Bool {
        next.withLock { next in
            guard value >= next else { return false }
            next = value + step
            return true
        }
    }
}
