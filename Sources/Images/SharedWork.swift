// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import Synchronization

/// Work that several want at the same time is done once: the first to join begins it, all hear its progress and get its result.
///
/// It goes on for as long as one of them stays, and its result is kept as long: so a layer that was unpacked for an image that is not
/// committed yet is there for the next one. The last to leave ends it.
final class SharedWork<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    typealias Listener = @Sendable (PullEvent) -> Void

    private let works = Mutex<[Key: Work<Value>]>([:])
    private let dispose: @Sendable (Value) -> Void

    /// - Parameter dispose: what happens to a result when nobody holds it any more.
    init(dispose: @escaping @Sendable (Value) -> Void) { self.dispose = dispose }

    /// Joins what is under way, or begins it. Every membership ends with `leave`.
    /// - Parameters:
    ///   - owner: who it is begun for, where it is begun now.
    ///   - body: gets a listener that tells all members.
    func join(
        _ key: Key, for owner: String, listener: @escaping Listener,
        _ body: @escaping @Sendable (@escaping Listener) async throws -> Value
    ) -> Membership<Value> {
        works.withLock { works in
            if let known = works[key], let member = known.add(listener) { return membership(key, known, member) }
            let work = Work<Value>(owner: owner)
            // A new work takes everybody.
            let member = work.add(listener) ?? 0
            works[key] = work
            work.start {
                do { return .success(try await body { work.tell($0) }) } catch {
                    // Who comes now tries anew.
                    self.forget(key, work)
                    return .failure(error)
                }
            }
            return membership(key, work, member)
        }
    }

    private func membership(_ key: Key, _ work: Work<Value>, _ member: Int) -> Membership<Value> {
        Membership(work: work, member: member) {
            guard let task = work.remove(member) else { return }
            self.forget(key, work)
            task.cancel()
            await task.value
            if let value = work.result { self.dispose(value) }
        }
    }

    private func forget(_ key: Key, _ work: Work<Value>) { works.withLock { if $0[key] === work { $0[key] = nil } } }
}

/// One caller's part in a work.
struct Membership<Value: Sendable>: Sendable {
    fileprivate let work: Work<Value>
    fileprivate let member: Int
    private let end: @Sendable () async -> Void

    fileprivate init(work: Work<Value>, member: Int, end: @escaping @Sendable () async -> Void) {
        self.work = work
        self.member = member
        self.end = end
    }

    /// Who it was begun for.
    var owner: String { work.owner }

    /// The result. The caller's cancellation ends its waiting, and not the work.
    func value() async throws -> Value {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { work.wait(member, $0) }
        } onCancel: {
            work.stopWaiting(member)
        }
    }

    /// The last one ends the work, and returns when it has ended. Once.
    func leave() async { await end() }
}

/// What is under way, and who waits for it.
private final class Work<Value: Sendable>: Sendable {
    struct Member {
        var listener: @Sendable (PullEvent) -> Void
        var continuation: CheckedContinuation<Value, any Error>?
        var isCancelled = false
    }

    struct State {
        var members: [Int: Member] = [:]
        var lastMember = 0
        var task: Task<Void, Never>?
        var outcome: Result<Value, any Error>?
        /// The last has left.
        var isOver = false
        var lastEvent: PullEvent?
    }

    let owner: String
    private let state = Mutex(State())

    init(owner: String) { self.owner = owner }

    func start(_ body: @escaping @Sendable () async -> Result<Value, any Error>) {
        state.withLock { $0.task = Task { self.finish(await body()) } }
    }

    var result: Value? { state.withLock { try? $0.outcome?.get() } }

    /// - Returns: nil where there is nothing to join any more.
    func add(_ listener: @escaping @Sendable (PullEvent) -> Void) -> Int? {
        let (member, event) = state.withLock { state -> (Int?, PullEvent?) in
            if case .failure = state.outcome { return (nil, nil) }
            if state.isOver { return (nil, nil) }
            state.lastMember += 1
            state.members[state.lastMember] = Member(listener: listener)
            return (state.lastMember, state.lastEvent)
        }
        if let event { listener(event) }
        return member
    }

    /// - Returns: the task, for the last one.
    func remove(_ member: Int) -> Task<Void, Never>? {
        state.withLock { state in
            guard state.members.removeValue(forKey: member) != nil, state.members.isEmpty else { return nil }
            state.isOver = true
            return state.task
        }
    }

    func tell(_ event: PullEvent) {
        let listeners = state.withLock { state in
            state.lastEvent = event
            return state.members.values.map(\.listener)
        }
        for listener in listeners { listener(event) }
    }

    func wait(_ member: Int, _ continuation: CheckedContinuation<Value, any Error>) {
        let outcome: Result<Value, any Error>? = state.withLock { state in
            if let outcome = state.outcome { return outcome }
            guard let known = state.members[member], !known.isCancelled else { return .failure(CancellationError()) }
            state.members[member]?.continuation = continuation
            return nil
        }
        if let outcome { continuation.resume(with: outcome) }
    }

    func stopWaiting(_ member: Int) {
        let continuation = state.withLock { state in
            state.members[member]?.isCancelled = true
            defer { state.members[member]?.continuation = nil }
            return state.members[member]?.continuation
        }
        continuation?.resume(throwing: CancellationError())
    }

    private func finish(_ outcome: Result<Value, any Error>) {
        let waiting = state.withLock { state in
            state.outcome = outcome
            defer { for member in state.members.keys { state.members[member]?.continuation = nil } }
            return state.members.values.compactMap(\.continuation)
        }
        for continuation in waiting { continuation.resume(with: outcome) }
    }
}
