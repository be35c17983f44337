// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import ShimProtocol
import SystemPackage
import TestSupport

extension TestShim {
    /// A container whose health is asked for.
    static func running(_ script: String = "sleep 1000", health: ShimHealth) throws -> TestShim {
        let container = try TestContainer(shell: script)
        container.configuration.health = health
        let shim = try container.start()
        try shim.started()
        return shim
    }

    /// What the engine hears next, which is a probe's result.
    func health() throws -> ShimHealthReport {
        let message = try message()
        guard case .health(let report) = message else { throw Unexpected(message) }
        return report
    }

    /// The first report that is as wanted, of the next hundred.
    func health(_ wanted: (ShimHealthReport) -> Bool) throws -> ShimHealthReport {
        for _ in 0..<100 {
            let report = try health()
            if wanted(report) { return report }
        }
        throw Failure("no such report")
    }

    /// Of the probes that were in between, all are told first.
    func exitAfterReports() throws -> ShimExit {
        for _ in 0..<100 {
            let message = try message()
            if case .exited(let exit) = message { return exit }
            guard case .health = message else { throw Unexpected(message) }
        }
        throw Failure("no end")
    }

    /// Asked on a connection of its own.
    func probe() throws -> ShimHealthReport {
        let message = try connect().ask(.probe)
        guard case .health(let report) = message else { throw Unexpected(message) }
        return report
    }

    /// What is kept of its health.
    func keptHealth() throws -> ShimHealthReport {
        guard case .status(let status)? = try connect().ask(.status), let health = status.health else { throw Failure("no health") }
        return health
    }

    func controlGroup() throws -> CgroupHandle { CgroupHandle(existing: container.cgroup, try CgroupLayout.detect()) }
}

extension ShimHealth {
    /// Asked for often, so that a test takes no time.
    static func often(_ script: String, timeout: UInt64 = 60_000, retries: Int = 2, action: Action? = nil) -> ShimHealth {
        ShimHealth(
            command: ["/bin/sh", "-c", script], intervalMilliseconds: 20, timeoutMilliseconds: timeout, retries: retries, action: action)
    }

    /// Asked for only by hand.
    static func never(_ target: String, timeout: UInt64 = 60_000) throws -> ShimHealth {
        ShimHealth(target: try ProbeTarget(parsing: target), intervalMilliseconds: 3_600_000, timeoutMilliseconds: timeout)
    }

    static func never(command: [String], timeout: UInt64 = 60_000) -> ShimHealth {
        ShimHealth(command: command, intervalMilliseconds: 3_600_000, timeoutMilliseconds: timeout)
    }
}
