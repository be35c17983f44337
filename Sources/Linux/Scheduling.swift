// SPDX-License-Identifier: Apache-2.0

internal import CLinux

/// How a process gets the CPU. Source: sched_setattr(2).
package struct SchedulingAttributes: Sendable, Hashable {
    package enum Policy: UInt32, Sendable, Hashable {
        case other = 0
        case fifo = 1
        case roundRobin = 2
        case batch = 3
        case iso = 4
        case idle = 5
        case deadline = 6
    }

    package struct Flags: OptionSet, Sendable, Hashable {
        package let rawValue: UInt64
        package init(rawValue: UInt64) { self.rawValue = rawValue }
        package static let resetOnFork = Self(rawValue: 0x01)
        package static let reclaim = Self(rawValue: 0x02)
        package static let deadlineOverrun = Self(rawValue: 0x04)
        package static let keepPolicy = Self(rawValue: 0x08)
        package static let keepParameters = Self(rawValue: 0x10)
        package static let clampMinimum = Self(rawValue: 0x20)
        package static let clampMaximum = Self(rawValue: 0x40)
    }

    package var policy: Policy
    package var flags: Flags = []
    package var nice: Int32 = 0
    package var priority: UInt32 = 0
    package var runtimeNanoseconds: UInt64 = 0
    package var deadlineNanoseconds: UInt64 = 0
    package var periodNanoseconds: UInt64 = 0

    package init(_ policy: Policy) { self.policy = policy }

    /// - Parameter process: 0 is the caller.
    package func apply(to process: Int32) throws(KernelError) {
        var attributes = ctr_sched_attr(
            size: UInt32(MemoryLayout<ctr_sched_attr>.size), policy: policy.rawValue, flags: flags.rawValue, nice: nice, priority: priority,
            runtime: runtimeNanoseconds, deadline: deadlineNanoseconds, period: periodNanoseconds)
        try kernel("sched_setattr(2)", "policy \(policy)") { ctr_sched_setattr(process, &attributes) }
    }
}
