// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import CSeccomp
internal import Glibc
internal import Linux
package import OCI
internal import SystemPackage

// From a profile to BPF. libseccomp knows each architecture's call numbers; what it is too old to know is added here.
extension SeccompProgram {
    /// Compiles a profile. Takes milliseconds: keep the result.
    /// - Throws: `LaunchError` `.seccomp`.
    package init(compiling profile: RuntimeSpec.Linux.Seccomp) throws(LaunchError) {
        let filter = try SeccompFilter.make(profile)
        try self.init(instructions: RecentSyscalls.prologue(profile) + filter.export())
        flags = try Self.flags(of: profile)
    }

    /// Source: seccomp(2).
    static let flagNames: [String: UInt32] = [
        // Meaningless: the process that loads the filter has one thread.
        "SECCOMP_FILTER_FLAG_TSYNC": 0,
        "SECCOMP_FILTER_FLAG_LOG": 2,
        "SECCOMP_FILTER_FLAG_SPEC_ALLOW": 4,
        "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV": 32,
    ]

    static func flags(of profile: RuntimeSpec.Linux.Seccomp) throws(LaunchError) -> UInt32 {
        var flags: UInt32 = 0
        for name in profile.flags ?? [] {
            guard let flag = flagNames[name] else { throw LaunchError(step: .seccomp, reason: "unknown flag \"\(name)\"") }
            flags |= flag
        }
        let actions = [profile.defaultAction] + (profile.syscalls ?? []).map(\.action)
        if actions.contains(SeccompAction.notify) {
            flags |= newListener
        } else if flags & 32 != 0 {
            throw LaunchError(step: .seccomp, reason: "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV needs an action \(SeccompAction.notify)")
        }
        return flags
    }
}

/// libseccomp's context.
private struct SeccompFilter: ~Copyable {
    private let context: scmp_filter_ctx

    private init(_ fallback: UInt32) throws(LaunchError) {
        guard let context = seccomp_init(fallback) else {
            throw LaunchError(step: .seccomp, reason: "libseccomp refused the default action")
        }
        self.context = context
    }

    static func make(_ profile: RuntimeSpec.Linux.Seccomp) throws(LaunchError) -> SeccompFilter {
        let fallback = try SeccompAction.value(profile.defaultAction, profile.defaultErrnoRet)
        let filter = try SeccompFilter(fallback)
        let context = filter.context
        // A search tree instead of a chain: a dozen comparisons a call instead of hundreds.
        try check(seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2), "optimize")
        // no_new_privs is the plan's business.
        try check(seccomp_attr_set(context, SCMP_FLTATR_CTL_NNP, 0), "no_new_privs")
        for name in profile.architectures ?? [] { try filter.addArchitecture(name) }
        for rule in profile.syscalls ?? [] { try filter.add(rule, fallback) }
        return filter
    }

    deinit { seccomp_release(context) }

    private borrowing func addArchitecture(_ name: String) throws(LaunchError) {
        let lower = name.lowercased()
        let short = lower.hasPrefix("scmp_arch_") ? String(lower.dropFirst(10)) : lower
        let token = short.withCString { seccomp_arch_resolve_name($0) }
        guard token != 0 else { throw LaunchError(step: .seccomp, reason: "unknown architecture \"\(name)\"") }
        let result = seccomp_arch_add(context, token)
        if result != -EEXIST { try Self.check(result, name) }
    }

    private borrowing func add(_ rule: RuntimeSpec.Linux.SeccompSyscall, _ fallback: UInt32) throws(LaunchError) {
        let action = try SeccompAction.value(rule.action, rule.errnoRet)
        // The default needs no rule, and libseccomp refuses one.
        guard action != fallback else { return }
        let comparisons = try (rule.args ?? []).map { argument throws(LaunchError) in try Self.comparison(argument) }
        for name in rule.names {
            let number = name.withCString { seccomp_syscall_resolve_name($0) }
            // Profiles name calls of all kernels and machines; the ones that libseccomp has never heard of are `RecentSyscalls`' part.
            guard number != RecentSyscalls.unknown else { continue }
            try add(action, number, comparisons, name)
        }
    }

    /// All comparisons must hold, unless one argument is compared twice: then each is a rule of its own, as runc reads profiles.
    private borrowing func add(_ action: UInt32, _ number: CInt, _ comparisons: [scmp_arg_cmp], _ name: String) throws(LaunchError) {
        if Set(comparisons.map(\.arg)).count < comparisons.count {
            for comparison in comparisons { try Self.check(seccomp_rule_add_array(context, action, number, 1, [comparison]), name) }
        } else {
            try Self.check(seccomp_rule_add_array(context, action, number, UInt32(comparisons.count), comparisons), name)
        }
    }

    private static func comparison(_ argument: RuntimeSpec.Linux.SeccompArgument) throws(LaunchError) -> scmp_arg_cmp {
        guard argument.index < 6, let operation = operations[argument.op] else {
            throw LaunchError(step: .seccomp, reason: "argument \(argument.index) \(argument.op) can't be compared")
        }
        return scmp_arg_cmp(
            arg: UInt32(argument.index), op: operation, datum_a: argument.value, datum_b: argument.valueTwo ?? 0)
    }

    private static let operations: [String: scmp_compare] = [
        "SCMP_CMP_NE": SCMP_CMP_NE, "SCMP_CMP_LT": SCMP_CMP_LT, "SCMP_CMP_LE": SCMP_CMP_LE, "SCMP_CMP_EQ": SCMP_CMP_EQ,
        "SCMP_CMP_GE": SCMP_CMP_GE, "SCMP_CMP_GT": SCMP_CMP_GT, "SCMP_CMP_MASKED_EQ": SCMP_CMP_MASKED_EQ,
    ]

    private static func check(_ result: CInt, _ object: String) throws(LaunchError) {
        guard result < 0 else { return }
        throw LaunchError(
            step: .seccomp, kernel: KernelError(call: "seccomp_rule_add(3)", object: object, errno: Errno(rawValue: -result)))
    }

    /// The program's bytes, by way of a file in memory.
    borrowing func export() throws(LaunchError) -> [UInt8] {
        let context = context
        return try during(.seccomp) { () throws(KernelError) in
            let file = OwnedFD(owning: try kernel("memfd_create(2)", "filter") { ctr_memory_file("filter") })
            let raw = file.raw
            let result = seccomp_export_bpf(context, raw)
            if result < 0 { throw KernelError(call: "seccomp_export_bpf(3)", object: "filter", errno: Errno(rawValue: -result)) }
            try kernel("lseek(2)", "filter") { lseek(raw, 0, SEEK_SET) }
            return try readAll(file, object: "filter", limit: 1 << 20)
        }
    }
}
