// SPDX-License-Identifier: Apache-2.0

package import APITypes
package import ShimProtocol

/// What is known of a container's health since its last start. Its shim knows it, too, so that it outlives the daemon.
package struct HealthRecord: Sendable, Hashable {
    package private(set) var status = HealthStatus.starting
    package private(set) var failingStreak = 0
    /// The last ones, the eldest first.
    package private(set) var results: [HealthResult] = []

    package init() {}

    /// Of a container that ran before this daemon did.
    package init(_ report: ShimHealthReport) { _ = note(report) }

    /// Takes a report; one that is told twice is one.
    /// - Returns: the new status where it has changed.
    package mutating func note(_ report: ShimHealthReport) -> HealthStatus? {
        let before = status
        status = HealthStatus(report.status)
        failingStreak = report.failingStreak
        if let result = report.result.map(HealthResult.init), !results.contains(result) {
            results.append(result)
            if results.count > ShimHealth.keptResults { results.removeFirst() }
        }
        return status == before ? nil : status
    }
}

extension HealthStatus {
    init(_ status: ShimHealthStatus) {
        switch status {
        case .starting: self = .starting
        case .healthy: self = .healthy
        case .unhealthy: self = .unhealthy
        }
    }
}

extension HealthResult {
    init(_ result: ShimHealthResult) {
        self.init(
            startedAt: result.startedAt, finishedAt: result.finishedAt, exitCode: Int(result.exitCode), output: result.output)
    }
}

extension ExitRecord {
    /// What was done, where it was ended because it was unhealthy.
    var actionOnHealth: HealthAction? {
        cause?.kind == .unhealthy ? cause?.request.flatMap(HealthAction.init(rawValue:)) : nil
    }
}
