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
    /// In the hierarchies in which it has no group yet.
    let laterGroups: CgroupHandle
    /// The main end of the terminal, where one was asked for. Take it with `takeTerminal()`.
    package var terminal: OwnedFD?
    package let timings: [LaunchTiming]

    /// With the directories that an update has made since.
    package var currentCgroup: CgroupHandle { cgroup.joined(by: laterGroups) }

    /// Ends a container that nobody will hear of, and takes its record.
    package func discard() throws(KernelError) {
        reap(pid)
        try cgroup.discard()
    }

    package mutating func takeTerminal() -> OwnedFD? {
        let taken = terminal.take()
        return taken
    }
}
