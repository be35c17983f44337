// SPDX-License-Identifier: Apache-2.0

/// What a shim asks of its container's health, how often, and what follows. Everything is decided: defaults are the engine's.
package struct ShimHealth: Codable, Sendable, Hashable {
    /// A program in the container, by its words; nil where `target` is set.
    package var command: [String]?
    package var target: ProbeTarget?
    package var intervalMilliseconds: UInt64
    package var timeoutMilliseconds: UInt64
    /// So long failures don't count while it has not been healthy yet.
    package var startPeriodMilliseconds: UInt64
    /// In place of the interval, until it is healthy, during the start period.
    package var startIntervalMilliseconds: UInt64
    /// So many failures in a row are unhealthy; at least 1.
    package var retries: Int
    /// What the shim does then; nil: nothing.
    package var action: Action?
    package var stopSignal: Int32
    /// As `stop` has it: -1 waits without end.
    package var stopTimeoutSeconds: Int

    /// All three end the container, by the shim itself: they are done also where no daemon is there. What comes after the end is the engine's.
    package enum Action: String, Codable, Sendable, Hashable {
        /// SIGKILL at once.
        case kill
        /// The stop signal, and SIGKILL after the stop timeout.
        case stop, restart
    }

    package init(
        command: [String]? = nil, target: ProbeTarget? = nil, intervalMilliseconds: UInt64 = 30_000, timeoutMilliseconds: UInt64 = 30_000,
        startPeriodMilliseconds: UInt64 = 0, startIntervalMilliseconds: UInt64 = 5_000, retries: Int = 3, action: Action? = nil,
        stopSignal: Int32 = 15, stopTimeoutSeconds: Int = 10
    ) {
        self.command = command
        self.target = target
        self.intervalMilliseconds = intervalMilliseconds
        self.timeoutMilliseconds = timeoutMilliseconds
        self.startPeriodMilliseconds = startPeriodMilliseconds
        self.startIntervalMilliseconds = startIntervalMilliseconds
        self.retries = retries
        self.action = action
        self.stopSignal = stopSignal
        self.stopTimeoutSeconds = stopTimeoutSeconds
    }

    /// How many results are kept, and how much of what a probe says.
    package static let keptResults = 5
    package static let outputLimit = 4096
}

package enum ShimHealthStatus: String, Codable, Sendable, Hashable { case starting, healthy, unhealthy }

/// The end of one probe.
package struct ShimHealthResult: Codable, Sendable, Hashable {
    /// RFC 3339 with nanoseconds, UTC.
    package var startedAt: String
    package var finishedAt: String
    /// 0 is healthy; -1: it took too long. A program's is its own; else 1.
    package var exitCode: Int32
    /// At most `outputLimit` bytes before its decoding as UTF-8, and "..." where it was more.
    package var output: String
    package init(startedAt: String, finishedAt: String, exitCode: Int32, output: String) {
        self.startedAt = startedAt
        self.finishedAt = finishedAt
        self.exitCode = exitCode
        self.output = output
    }
}

package struct ShimHealthReport: Codable, Sendable, Hashable {
    package var status: ShimHealthStatus
    package var failingStreak: Int
    /// One at a time, so that a report is a message.
    package var result: ShimHealthResult?
    package init(status: ShimHealthStatus, failingStreak: Int, result: ShimHealthResult? = nil) {
        self.status = status
        self.failingStreak = failingStreak
        self.result = result
    }
}
