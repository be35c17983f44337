// SPDX-License-Identifier: Apache-2.0

package import APITypes

/// What is decided about starting one container again: a value, without clocks or tasks.
///
/// As Docker does it: the first restart comes after 100 ms, each further one after twice the time, at most a minute; a run of ten seconds begins
/// anew. Source: moby, `restartmanager/restartmanager.go`.
package struct RestartTracker: Sendable, Hashable {
    package static let firstDelay = Duration.milliseconds(100)
    package static let longestDelay = Duration.seconds(60)
    package static let settledAfter = Duration.seconds(10)

    /// What outlives the daemon.
    package struct Memo: Codable, Sendable, Hashable {
        package var count = 0
        /// Somebody asked for its end, and for no start since.
        package var isStopped = false
        /// It has been started at least once.
        package var hasStarted = false
        /// The last restart that was counted has not been made.
        package var isDue: Bool?
        package init() {}
    }

    package let policy: RestartPolicy
    /// Its health check says so: it is restarted then, whatever the policy.
    private let restartsUnhealthy: Bool
    package private(set) var memo: Memo
    private var delay: Duration?

    package init(_ policy: RestartPolicy?, memo: Memo? = nil, restartsUnhealthy: Bool = false) {
        self.restartsUnhealthy = restartsUnhealthy
        self.policy = policy ?? RestartPolicy(.no)
        self.memo = memo ?? Memo()
    }

    package var isActive: Bool { policy.condition != .no || restartsUnhealthy }

    /// Somebody starts it: what was counted is forgotten.
    package mutating func startedByHand() {
        memo = Memo()
        memo.hasStarted = true
        delay = nil
    }

    /// That start has failed.
    package mutating func takeBack(to before: RestartTracker) { self = before }

    /// With the daemon, whatever was asked for before. One that the last daemon had counted is not counted again.
    package mutating func startsAgain() {
        memo.isStopped = false
        if memo.isDue != true { memo.count += 1 }
        memo.isDue = true
    }

    /// By its policy.
    package mutating func restarted() { memo.isDue = nil }

    /// Somebody asks for its end.
    package mutating func stoppedByHand() {
        memo.isStopped = true
        memo.isDue = nil
    }

    /// The next daemon finds it running.
    /// - Parameter wasSignalled: somebody has asked for its end, or may have; else it was started after the last time that somebody did.
    /// - Returns: whether what was recorded was otherwise.
    package mutating func isFoundRunning(wasSignalled: Bool) -> Bool {
        let before = memo
        memo.hasStarted = true
        memo.isDue = nil
        if !wasSignalled { memo.isStopped = false }
        return memo != before
    }

    /// It has ended, or a restart has failed.
    /// - Parameter unhealthy: what was done, where it was ended because it was unhealthy.
    /// - Returns: after which time it is started again; nil: not at all.
    package mutating func ended(exitCode: Int, after run: Duration, unhealthy: HealthAction? = nil) -> Duration? {
        if run >= Self.settledAfter { delay = nil }
        // As if somebody had stopped it.
        if unhealthy == .stop { memo.isStopped = true }
        guard !memo.isStopped, unhealthy == .restart || wantsRestart(exitCode) else { return nil }
        let next = min(delay.map { $0 * 2 } ?? Self.firstDelay, Self.longestDelay)
        delay = next
        memo.count += 1
        memo.isDue = true
        return next
    }

    /// Of one that does not run when the daemon starts. - Parameter exitCode: nil where nobody saw its end: the machine stopped.
    package func startsWithDaemon(exitCode: Int?, unhealthy: HealthAction? = nil) -> Bool {
        guard memo.hasStarted else { return false }
        if policy.condition == .always { return true }
        if memo.isStopped || unhealthy == .stop { return false }
        if unhealthy == .restart { return true }
        return switch policy.condition {
        case .always, .unlessStopped: true
        case .onFailure: memo.isDue == true || wantsRestart(exitCode ?? 255)
        case .no: false
        }
    }

    private func wantsRestart(_ exitCode: Int) -> Bool {
        switch policy.condition {
        case .no: false
        case .always, .unlessStopped: true
        case .onFailure: exitCode != 0 && (policy.maximumRetries.map { $0 == 0 || memo.count < $0 } ?? true)
        }
    }
}
