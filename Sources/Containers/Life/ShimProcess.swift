// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux

/// A monitor by its number, and what tells it from another process that has the number later.
package struct ShimProcess: Sendable, Hashable {
    package let pid: Int32
    /// nil: it is this process's child, and has its number until it is reaped.
    private let startTicks: UInt64?

    /// Of a child, which nobody reaps without having forgotten this.
    package init(pid: Int32) {
        self.pid = pid
        startTicks = nil
    }

    /// Of one that an earlier daemon started: its parent reaps it, and nobody tells when.
    /// - Returns: nil where it has gone.
    package init?(adopted pid: Int32) {
        guard let stat = try? ProcessStat(of: pid) else { return nil }
        self.init(adopted: pid, startTicks: stat.startTicks)
    }

    package init(adopted pid: Int32, startTicks: UInt64) {
        self.pid = pid
        self.startTicks = startTicks
    }

    /// SIGKILL, to this process or none.
    package func kill() {
        guard let startTicks else {
            _ = Glibc.kill(pid, SIGKILL)
            return
        }
        guard let process = try? openProcess(pid, startTicks: startTicks) else { return }
        _ = try? sendSignal(SIGKILL, to: process)
    }
}
