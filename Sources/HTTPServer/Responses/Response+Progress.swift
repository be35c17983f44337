// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import Hummingbird
internal import JSON
internal import Synchronization

extension Response {
    /// A stream of what a pull or a load reports, ended by `done` for each image or by `failed`.
    ///
    /// The head waits for the first report: what is refused before it is answered with a status of its own.
    /// - Parameter work: is cancelled when the client goes or the daemon stops.
    static func progress(
        _ context: APIContext,
        _ work: @escaping @Sendable (_ report: @escaping @Sendable (PullEvent) -> Void) async throws -> [ImageSummary]
    ) async throws -> Response {
        let feed = LineFeed()
        let begun = FirstReport()
        let producer = StreamProducer {
            do {
                let images = try await work { event in
                    // How it ends is told below, once, whoever worked.
                    guard event.event != .done, event.event != .failed else { return }
                    feed.report(event)
                    begun.succeed()
                }
                begun.succeed()
                for image in images { feed.report(.done(image)) }
            } catch {
                let problem = APIProblem(any: error)
                if begun.fail(problem) == false { feed.report(.failed(problem)) }
            }
            feed.finish()
        }
        do {
            try await withTaskCancellationHandler {
                try await begun.wait()
            } onCancel: {
                producer.cancel()
            }
        } catch {
            throw APIProblem(any: error)
        }
        return .lines(feed, producer, context)
    }
}

extension LineFeed {
    /// A layer's count of bytes is replaced by its next one: it may be left out.
    fileprivate func report(_ event: PullEvent) {
        // An event is strings and numbers: it can always be encoded.
        try? offer(event, droppable: event.status == .pulling)
    }
}

extension PullEvent {
    fileprivate static func done(_ image: ImageSummary) -> PullEvent {
        var event = PullEvent(.done)
        event.digest = image.manifestDigest
        event.image = image
        return event
    }

    fileprivate static func failed(_ problem: APIProblem) -> PullEvent {
        var event = PullEvent(.failed)
        event.problem = problem.problem
        return event
    }
}

/// Decided once: whether anything was reported before the work failed.
private final class FirstReport: Sendable {
    private struct State {
        var outcome: Result<Void, APIProblem>?
        var waiting: CheckedContinuation<Void, any Error>?
    }

    private let state = Mutex(State())

    func succeed() { _ = decide(.success(())) }

    /// - Returns: false where something was reported before.
    func fail(_ problem: APIProblem) -> Bool { decide(.failure(problem)) }

    private func decide(_ outcome: Result<Void, APIProblem>) -> Bool {
        let (isFirst, waiting) = state.withLock { state in
            guard state.outcome == nil else { return (false, nil as CheckedContinuation<Void, any Error>?) }
            state.outcome = outcome
            return (true, state.waiting.take())
        }
        waiting?.resume(with: outcome.mapError { $0 as any Error })
        return isFirst
    }

    /// Returns with the first report; throws the problem where there was none. Always decided in the end, as the producer's last act.
    func wait() async throws {
        try await withCheckedThrowingContinuation { continuation in
            let outcome = state.withLock { state in
                if state.outcome == nil { state.waiting = continuation }
                return state.outcome
            }
            if let outcome { continuation.resume(with: outcome.mapError { $0 as any Error }) }
        }
    }
}
