// SPDX-License-Identifier: Apache-2.0

package import Linux
package import ShimProtocol

/// When a container is probed next, and what the results make of it: a value, without clocks or descriptors.
///
///     starting --success--> healthy --`retries` failures in a row--> unhealthy --success--> healthy
///         +-- as many failures, those within the start period not counted --^
///
/// As Docker has it: the first probe comes after the interval, each further one an interval after the end of the last.
/// Source: moby, `daemon/health.go`.
package struct HealthTracker: Sendable {
    package let settings: ShimHealth
    private let startedAt: Moment
    package private(set) var status = ShimHealthStatus.starting
    package private(set) var failingStreak = 0
    /// The eldest first.
    package private(set) var results: [ShimHealthResult] = []
    /// When the next probe is due.
    package private(set) var next: Moment

    package init(_ settings: ShimHealth, startedAt: Moment) {
        self.settings = settings
        self.startedAt = startedAt
        next = startedAt
        next = startedAt.advanced(byMilliseconds: interval(at: startedAt))
    }

    private func isInStartPeriod(_ moment: Moment) -> Bool {
        moment < startedAt.advanced(byMilliseconds: settings.startPeriodMilliseconds)
    }

    private func interval(at moment: Moment) -> UInt64 {
        status == .starting && isInStartPeriod(moment) ? settings.startIntervalMilliseconds : settings.intervalMilliseconds
    }

    /// - Parameters:
    ///   - begun: when the probe was; a failure of one that was begun within the start period doesn't count.
    ///   - now: its end.
    /// - Returns: whether the status is another one now.
    package mutating func note(_ result: ShimHealthResult, begun: Moment, now: Moment) -> Bool {
        results.append(result)
        if results.count > ShimHealth.keptResults { results.removeFirst() }
        let before = status
        if result.exitCode == 0 {
            failingStreak = 0
            status = .healthy
        } else if status != .starting || !isInStartPeriod(begun) {
            failingStreak += 1
            if failingStreak >= settings.retries { status = .unhealthy }
        }
        next = now.advanced(byMilliseconds: interval(at: now))
        return status != before
    }

    /// There was no probe, or none that tells anything: the container stands still.
    package mutating func skip(_ now: Moment) { next = now.advanced(byMilliseconds: interval(at: now)) }

    package var report: ShimHealthReport { ShimHealthReport(status: status, failingStreak: failingStreak) }
}
