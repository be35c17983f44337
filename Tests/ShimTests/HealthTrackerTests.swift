// SPDX-License-Identifier: Apache-2.0

import Linux
import Shim
import ShimProtocol
import Testing

/// When a container is probed, and what the results make of it, without a container.
@Suite struct HealthTrackerTests {
    private static let start = Moment(nanoseconds: 7_000_000_000)

    private static func at(_ seconds: UInt64) -> Moment { start.advanced(byMilliseconds: seconds * 1000) }

    /// Takes results by the second at which they were begun and ended; each takes one second.
    private static func run(_ tracker: inout HealthTracker, _ codes: [Int32], from second: UInt64) -> [ShimHealthStatus] {
        codes.enumerated().map { index, code in
            let begun = second + UInt64(index) * 2
            _ = tracker.note(
                ShimHealthResult(startedAt: "\(begun)", finishedAt: "", exitCode: code, output: ""), begun: at(begun), now: at(begun + 1))
            return tracker.status
        }
    }

    @Test("the first probe comes after the interval, each further one an interval after the end of the last")
    func intervals() {
        var tracker = HealthTracker(ShimHealth(intervalMilliseconds: 30_000), startedAt: Self.start)
        #expect(tracker.next == Self.at(30))
        _ = Self.run(&tracker, [0], from: 40)
        #expect(tracker.next == Self.at(71))
        tracker.skip(Self.at(100))
        #expect(tracker.next == Self.at(130) && tracker.results.count == 1)
    }

    @Test(
        "failures in a row make it unhealthy, one success healthy",
        arguments: [
            (1, [1], [.unhealthy]), (3, [1, 1, 1, 0], [.starting, .starting, .unhealthy, .healthy]),
            (3, [0, 1, 1, 0, 1, 1, 1], [.healthy, .healthy, .healthy, .healthy, .healthy, .healthy, .unhealthy]),
            (2, [-1, 127, 2, 0], [.starting, .unhealthy, .unhealthy, .healthy]),
        ] as [(Int, [Int32], [ShimHealthStatus])])
    func transitions(retries: Int, codes: [Int32], expected: [ShimHealthStatus]) {
        var tracker = HealthTracker(ShimHealth(retries: retries), startedAt: Self.start)
        #expect(Self.run(&tracker, codes, from: 30) == expected)
        #expect(tracker.failingStreak == codes.reversed().prefix { $0 != 0 }.count)
    }

    @Test("a change is told once")
    func changes() {
        var tracker = HealthTracker(ShimHealth(retries: 1), startedAt: Self.start)
        let told = ([1, 1, 0, 0, 1] as [Int32]).enumerated().map { second, code in
            tracker.note(
                ShimHealthResult(startedAt: "", finishedAt: "", exitCode: code, output: ""), begun: Self.at(UInt64(second)),
                now: Self.at(UInt64(second)))
        }
        #expect(told == [true, false, true, false, true])
    }

    @Test("during the start period it is asked more often, and failures of probes that were begun within it don't count")
    func startPeriod() {
        let settings = ShimHealth(
            intervalMilliseconds: 30_000, startPeriodMilliseconds: 10_000, startIntervalMilliseconds: 2_000, retries: 1)
        var tracker = HealthTracker(settings, startedAt: Self.start)
        #expect(tracker.next == Self.at(2))
        #expect(Self.run(&tracker, [1, 1], from: 2) == [.starting, .starting])
        #expect(tracker.failingStreak == 0 && tracker.results.count == 2)
        #expect(tracker.next == Self.at(7))
        // Begun within, ended behind it.
        #expect(Self.run(&tracker, [1], from: 9) == [.starting])
        #expect(tracker.next == Self.at(40))
        #expect(Self.run(&tracker, [1], from: 10) == [.unhealthy])
    }

    @Test("one success ends the start period: failures count, and the interval is the usual one")
    func startPeriodEnds() {
        let settings = ShimHealth(
            intervalMilliseconds: 30_000, startPeriodMilliseconds: 100_000, startIntervalMilliseconds: 2_000, retries: 2)
        var tracker = HealthTracker(settings, startedAt: Self.start)
        #expect(Self.run(&tracker, [0, 1, 1], from: 2) == [.healthy, .healthy, .unhealthy])
        #expect(tracker.next == Self.at(37))
    }

    @Test("the last five results are kept")
    func results() {
        var tracker = HealthTracker(ShimHealth(), startedAt: Self.start)
        _ = Self.run(&tracker, [1, 2, 3, 4, 5, 6, 0], from: 0)
        #expect(tracker.results.map(\.exitCode) == [3, 4, 5, 6, 0])
    }
}
