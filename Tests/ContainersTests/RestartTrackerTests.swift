// SPDX-License-Identifier: Apache-2.0

import APITypes
import Containers
import Testing

/// What restart policies decide, without a container.
@Suite struct RestartTrackerTests {
    private static func started(_ condition: RestartPolicy.Condition, _ retries: Int? = nil) -> RestartTracker {
        var tracker = RestartTracker(RestartPolicy(condition, maximumRetries: retries))
        tracker.startedByHand()
        return tracker
    }

    @Test("the delay begins with 100 ms, doubles up to a minute, and begins anew after ten seconds of running")
    func backoff() {
        var tracker = Self.started(.always)
        let delays = (0..<12).map { _ in tracker.ended(exitCode: 0, after: .milliseconds(9_999)) }
        let expected = [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000, 60_000]
        #expect(delays == expected.map { .milliseconds($0) })
        #expect(tracker.ended(exitCode: 0, after: .seconds(10)) == .milliseconds(100))
        #expect(tracker.memo.count == 13)
        tracker.startedByHand()
        #expect(tracker.memo.count == 0)
        #expect(tracker.ended(exitCode: 0, after: .zero) == .milliseconds(100))
    }

    @Test(
        "which end is followed by a start, and which is not",
        arguments: [
            (.no, nil, 1, false), (.always, nil, 0, true), (.unlessStopped, nil, 0, true), (.onFailure, nil, 0, false),
            (.onFailure, nil, 1, true), (.onFailure, 3, 137, true),
        ] as [(RestartPolicy.Condition, Int?, Int, Bool)])
    func policies(condition: RestartPolicy.Condition, retries: Int?, code: Int, restarts: Bool) {
        var tracker = Self.started(condition, retries)
        #expect((tracker.ended(exitCode: code, after: .zero) != nil) == restarts)
        var stopped = Self.started(condition, retries)
        stopped.stoppedByHand()
        #expect(stopped.ended(exitCode: code, after: .zero) == nil, "one that somebody has stopped stays so")
    }

    @Test("on-failure ends after so many, 0 being no limit", arguments: [(0, 50), (1, 1), (5, 5)])
    func retries(limit: Int, expected: Int) {
        var tracker = Self.started(.onFailure, limit)
        var count = 0
        while count < 50, tracker.ended(exitCode: 1, after: .zero) != nil { count += 1 }
        #expect(count == expected)
    }

    @Test(
        "what starts with the daemon: always even if it was stopped, the others not",
        arguments: [
            (.always, true, true), (.always, false, true), (.unlessStopped, true, false), (.unlessStopped, false, true),
            (.onFailure, true, false), (.onFailure, false, true), (.no, false, false),
        ] as [(RestartPolicy.Condition, Bool, Bool)])
    func daemon(condition: RestartPolicy.Condition, stopped: Bool, starts: Bool) {
        var tracker = Self.started(condition)
        if stopped { tracker.stoppedByHand() }
        let again = RestartTracker(tracker.policy, memo: tracker.memo)
        #expect(again.startsWithDaemon(exitCode: 1) == starts)
        #expect(again.startsWithDaemon(exitCode: nil) == starts)
        #expect(again.startsWithDaemon(exitCode: 0) == (starts && condition != .onFailure))
        #expect(!RestartTracker(tracker.policy).startsWithDaemon(exitCode: nil), "one that was never started")
    }

    @Test("an end decides nothing any more where somebody has started the container since", arguments: [nil, .stop] as [HealthAction?])
    func startedSince(unhealthy: HealthAction?) throws {
        var request = CreateContainerRequest(image: "i")
        request.restart = RestartPolicy(.unlessStopped)
        let container = Container.unstarted(with: request)
        let decide = { container.restartDelay { $0.ended(exitCode: 1, after: .zero, unhealthy: unhealthy) } }

        try container.decide { life throws(LifeCycle.Refusal) in try life.beginStart() }
        let before = container.restart.memo
        #expect(decide() == nil && container.restart.memo == before)
        let record = ExitRecord(exitCode: 1, startedAt: "2026-01-01T00:00:00Z", finishedAt: "2026-01-01T00:00:01Z")
        #expect(container.decide { $0.exited(record) })
        #expect((decide() == nil) == (unhealthy == .stop))
        #expect(container.restart.memo != before)
    }
}
