// SPDX-License-Identifier: Apache-2.0

/// The task that feeds a stream. It ends with the last one who holds this: an answer that is dropped unsent takes its producer along.
final class StreamProducer: Sendable {
    private let task: Task<Void, Never>

    init(_ body: @escaping @Sendable () async -> Void) { task = Task { await body() } }

    deinit { task.cancel() }

    func cancel() { task.cancel() }
}
