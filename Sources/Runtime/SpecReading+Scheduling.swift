// SPDX-License-Identifier: Apache-2.0

internal import Linux
internal import OCI
internal import SystemPackage

// process.scheduler and process.ioPriority. Source: runtime-spec config.md, "Linux Process".
extension SchedulingAttributes {
    init(_ scheduler: RuntimeSpec.Scheduler) throws(LaunchError) {
        guard let policy = Self.policies[scheduler.policy] else { throw .refused("unknown scheduler policy \"\(scheduler.policy)\"") }
        self.init(policy)
        for name in scheduler.flags ?? [] {
            guard let flag = Self.flagNames[name] else { throw .refused("unknown scheduler flag \"\(name)\"") }
            flags.insert(flag)
        }
        nice = scheduler.nice ?? 0
        guard (-20...19).contains(nice) else { throw .refused("scheduler.nice \(nice) is not in -20...19") }
        guard nice == 0 || policy == .other || policy == .batch else { throw .refused("\(scheduler.policy) has no nice value") }
        let isRealtime = policy == .fifo || policy == .roundRobin
        guard let level = UInt32(exactly: scheduler.priority ?? 0), isRealtime ? (1...99).contains(level) : level == 0 else {
            throw .refused("scheduler.priority \(scheduler.priority ?? 0) is nothing for \(scheduler.policy)")
        }
        priority = level
        runtimeNanoseconds = scheduler.runtime ?? 0
        deadlineNanoseconds = scheduler.deadline ?? 0
        periodNanoseconds = scheduler.period ?? 0
        guard policy == .deadline || runtimeNanoseconds == 0 && deadlineNanoseconds == 0 && periodNanoseconds == 0 else {
            throw .refused("scheduler.runtime, deadline and period belong to SCHED_DEADLINE")
        }
    }

    private static let policies: [String: Policy] = [
        "SCHED_OTHER": .other, "SCHED_FIFO": .fifo, "SCHED_RR": .roundRobin, "SCHED_BATCH": .batch, "SCHED_ISO": .iso, "SCHED_IDLE": .idle,
        "SCHED_DEADLINE": .deadline,
    ]

    private static let flagNames: [String: Flags] = [
        "SCHED_FLAG_RESET_ON_FORK": .resetOnFork, "SCHED_FLAG_RECLAIM": .reclaim, "SCHED_FLAG_DL_OVERRUN": .deadlineOverrun,
        "SCHED_FLAG_KEEP_POLICY": .keepPolicy, "SCHED_FLAG_KEEP_PARAMS": .keepParameters, "SCHED_FLAG_UTIL_CLAMP_MIN": .clampMinimum,
        "SCHED_FLAG_UTIL_CLAMP_MAX": .clampMaximum,
    ]
}

extension ProcessPlan {
    /// Class and level in one number. Source: ioprio_set(2).
    static func value(of priority: RuntimeSpec.IOPriority) throws(LaunchError) -> Int32 {
        let classes: [String: Int32] = ["IOPRIO_CLASS_RT": 1, "IOPRIO_CLASS_BE": 2, "IOPRIO_CLASS_IDLE": 3]
        guard let number = classes[priority.class] else { throw .refused("unknown ioPriority class \"\(priority.class)\"") }
        let level = priority.priority ?? 0
        guard (0...7).contains(level) else { throw .refused("ioPriority \(level) is not in 0...7") }
        return number << 13 | Int32(level)
    }

    /// - Parameter process: 0 is the caller.
    func schedule(_ process: Int32) throws(KernelError) {
        if let ioPriority { try setIOPriority(ioPriority, of: process) }
        guard let scheduling else { return }
        do throws(KernelError) {
            try scheduling.apply(to: process)
        } catch  where error.errno == .notPermitted && [.fifo, .roundRobin].contains(scheduling.policy) {
            var error = error
            error.object += " (without CAP_SYS_NICE, or in a cgroup without cpu.rt_runtime_us)"
            throw error
        }
    }
}
