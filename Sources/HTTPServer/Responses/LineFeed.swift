// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import NIOCore
internal import Synchronization

/// Lines of JSON on their way to one client: written by one producer, taken in as large pieces as are there by one consumer.
///
/// What waits is bounded: `append` waits for room; `offer` never does, and drops what the next line of its kind replaces.
final class LineFeed: Sendable {
    private struct State {
        var pending = ByteBuffer()
        /// Set once: how it ended.
        var end: Result<Void, any Error>?
        var consumer: CheckedContinuation<Void, Never>?
        var producer: CheckedContinuation<Void, Never>?
    }

    private let limit: Int
    private let state = Mutex(State())

    init(limit: Int = Limits.pendingStreamBytes) { self.limit = limit }

    /// Adds a line, and returns when there is room for the next, or nobody takes any.
    func append(_ value: some Encodable) async throws(JSONError) {
        put(try JSON.encode(value))
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let hasRoom = state.withLock { state in
                    if state.pending.readableBytes < limit || state.end != nil || Task.isCancelled { return true }
                    state.producer = continuation
                    return false
                }
                if hasRoom { continuation.resume() }
            }
        } onCancel: {
            resumeProducer()
        }
    }

    /// Adds a line without waiting. - Parameter droppable: leave it out where much waits already.
    func offer(_ value: some Encodable, droppable: Bool) throws(JSONError) {
        if droppable, state.withLock({ $0.pending.readableBytes >= limit / 4 }) { return }
        put(try JSON.encode(value))
    }

    private func put(_ line: [UInt8]) {
        let consumer = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard state.end == nil else { return nil }
            state.pending.writeBytes(line)
            state.pending.writeInteger(UInt8(ascii: "\n"))
            return state.consumer.take()
        }
        consumer?.resume()
    }

    /// Nothing comes any more. With an error, `next` throws it after the last line.
    func finish(_ error: (any Error)? = nil) {
        let (consumer, producer) = state.withLock { state in
            if state.end == nil { state.end = error.map { .failure($0) } ?? .success(()) }
            return (state.consumer.take(), state.producer.take())
        }
        consumer?.resume()
        producer?.resume()
    }

    /// Everything that waits, or nil at the end.
    /// - Throws: `CancellationError`, or the error that the producer ended with.
    func next() async throws -> ByteBuffer? {
        while true {
            try Task.checkCancellation()
            let (lines, producer, end) = state.withLock { state in
                let lines = state.pending
                state.pending = ByteBuffer()
                return (lines, state.producer.take(), state.end)
            }
            producer?.resume()
            if lines.readableBytes > 0 { return lines }
            if let end {
                try end.get()
                return nil
            }
            await waitForLine()
        }
    }

    private func waitForLine() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isDue = state.withLock { state in
                    if state.pending.readableBytes > 0 || state.end != nil || Task.isCancelled { return true }
                    state.consumer = continuation
                    return false
                }
                if isDue { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.consumer.take() }?.resume()
        }
    }

    private func resumeProducer() {
        state.withLock { $0.producer.take() }?.resume()
    }
}
