// SPDX-License-Identifier: Apache-2.0

package import APITypes
internal import Synchronization

/// Who waits for a container's end, and for its removal. Each waiter is answered once; one whose task is cancelled is forgotten.
package final class ExitWaiters: Sendable {
    package enum Condition: Sendable, Hashable { case stopped, shimGone, removed }

    private struct State {
        var waiting: [UInt64: (condition: Condition, continuation: CheckedContinuation<ExitRecord?, Never>)] = [:]
        var next: UInt64 = 0
        /// Set by the removal, with the last record where there was one: nothing comes after it.
        var removed: ExitRecord??
    }

    private let state = Mutex(State())

    package init() {}

    /// - Parameter already: asked under the lock, so that an end between question and wait is not missed.
    /// - Returns: the record; nil where the task was cancelled, or the container went without having run.
    package func wait(for condition: Condition, already: @Sendable () -> ExitRecord?) async -> ExitRecord? {
        let id = state.withLock { state in
            state.next += 1
            return state.next
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer: ExitRecord?? = state.withLock { state in
                    if Task.isCancelled { return .some(nil) }
                    if let last = state.removed { return .some(last) }
                    if let record = already() { return .some(record) }
                    state.waiting[id] = (condition, continuation)
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            let waiter = state.withLock { $0.waiting.removeValue(forKey: id) }
            waiter?.continuation.resume(returning: nil)
        }
    }

    /// Answers everyone who waits for this condition; a removal answers all.
    package func signal(_ condition: Condition, _ record: ExitRecord?) {
        let due = state.withLock { state in
            if condition == .removed { state.removed = .some(record) }
            let ids = state.waiting.filter { condition == .removed || $0.value.condition == condition }.map(\.key)
            return ids.compactMap { state.waiting.removeValue(forKey: $0) }
        }
        for waiter in due { waiter.continuation.resume(returning: record) }
    }
}
