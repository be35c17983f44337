// SPDX-License-Identifier: Apache-2.0

package import Linux

/// How long one step took.
package struct LaunchTiming: Sendable, Hashable, Codable {
    package var step: LaunchStep
    package var microseconds: Int64

    package init(step: LaunchStep, microseconds: Int64) {
        self.step = step
        self.microseconds = microseconds
    }
}

/// A container whose program runs (or, with a gate, waits only for it). It is the caller's child: the caller reaps it.
package struct RunningInit: ~Copyable {
    package let pid: Int32
    package let pidfd: OwnedFD
    /// Field 22 of /proc/pid/stat: with the pid it names one process for good.
    package let startTicks: UInt64
    package let cgroup: CgroupHandle
    /// The main end of the terminal, where one was asked for. Take it with `takeTerminal()`.
    package var terminal: OwnedFD?
    package let timings: [LaunchTiming]

    package mutating func takeTerminal() -> OwnedFD? {
        let taken = terminal.take()
        return taken
    }
}
