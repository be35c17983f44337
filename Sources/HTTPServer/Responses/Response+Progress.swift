// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import Hummingbird
internal import JSON
internal import Synchronization

/// A line of progress: what the body of such an answer is made of.
protocol ProgressEvent: Encodable, Sendable {
    associatedtype Kind: ProgressKind
    init(_ event: Kind)
    var event: Kind { get }
    var problem: Problem? { get set }
    /// The next one of its kind replaces it: it may be left out for a slow client.
    var isReplaceable: Bool { get }
}

/// The kinds that every progress has.
protocol ProgressKind: Equatable, Sendable {
    static var done: Self { get }
    static var failed: Self { get }
}

extension ProgressEvent {
    /// How the work ends is told once, whoever worked.
    fileprivate var isEnd: Bool { event == .done || event == .failed }

    fileprivate static func failed(_ problem: Problem) -> Self {
        var event = Self(.failed)
        event.problem = problem
        return event
    }
}

extension PullEvent.Kind: ProgressKind {}
extension CheckEvent.Kind: ProgressKind {}
extension RepairEvent.Kind: ProgressKind {}

extension Response {
    /// A stream of what some work reports, ended by its last events or by `failed`.
    ///
    /// The head waits for the first report: what is refused before it is answered with a status of its own.
    /// - Parameter work: is cancelled when the client goes or the daemon stops.
    static func progress<Event: ProgressEvent>(
        _ context: APIContext,
        _ work: @escaping @Sendable (_ report: @escaping @Sendable (Event) -> Void) async throws -> [Event]
    ) async throws -> Response {
        let feed = LineFeed()
        let begun = FirstReport()
        let producer = StreamProducer {
            do {
                let ends = try await work { event in
                    guard !event.isEnd else { return }
                    feed.report(event)
                    begun.succeed()
                }
                begun.succeed()
                for event in ends { feed.report(event) }
            } catch {
                let problem = APIProblem(any: error)
                if begun.fail(problem) == false { feed.report(Event.failed(problem.problem)) }
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
    /// An event is strings and numbers: it can always be encoded.
    fileprivate func report(_ event: some ProgressEvent) { try? offer(event, droppable: event.isReplaceable) }
}

extension PullEvent: ProgressEvent {
    var isReplaceable: Bool { status == .pulling }

    static func done(_ image: ImageSummary) -> PullEvent {
        var event = PullEvent(.done)
        event.digest = image.manifestDigest
        event.image = image
        return event
    }
}

extension CheckEvent: ProgressEvent {
    var isReplaceable: Bool { event == .checking }

    static func done(_ summary: CheckSummary) -> CheckEvent {
        var event = CheckEvent(.done)
        event.summary = summary
        return event
    }
}

extension RepairEvent: ProgressEvent {
    var isReplaceable: Bool { event == .pulling }

    static func done(_ result: RepairResult) -> RepairEvent {
        var event = RepairEvent(.done)
        event.result = result
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
