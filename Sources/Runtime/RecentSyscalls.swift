// SPDX-License-Identifier: Apache-2.0

internal import CSeccomp
internal import OCI

/// System calls that are younger than the libseccomp on the machine.
///
/// Without this a new libc's probe for a new call would be answered with the profile's EPERM, which it takes for a refusal, instead of
/// ENOSYS, after which it would use the old call; and calls that the profile allows could not be allowed. Since Linux 5.2 a new call has
/// one number on every architecture.
enum RecentSyscalls {
    /// Source: the kernel's scripts/syscall.tbl.
    private static let numbers: KeyValuePairs<String, UInt32> = [
        "futex_waitv": 449, "set_mempolicy_home_node": 450, "cachestat": 451, "fchmodat2": 452, "map_shadow_stack": 453, "futex_wake": 454,
        "futex_wait": 455, "futex_requeue": 456, "statmount": 457, "listmount": 458, "lsm_get_self_attr": 459, "lsm_set_self_attr": 460,
        "lsm_list_modules": 461, "mseal": 462, "setxattrat": 463, "getxattrat": 464, "listxattrat": 465, "removexattrat": 466,
        "open_tree_attr": 467, "file_getattr": 468, "file_setattr": 469,
    ]

    /// What libseccomp answers for a name that it has never heard: __NR_SCMP_ERROR, a macro with a cast.
    static let unknown: Int32 = -1

    /// Instructions that decide about calls from the first one on that libseccomp does not know, and pass all others on.
    static func prologue(_ profile: RuntimeSpec.Linux.Seccomp) throws(LaunchError) -> [UInt8] {
        // A profile that allows by default has nothing to say about calls it does not name; others would be refused with its own errno.
        guard profile.defaultAction == "SCMP_ACT_ERRNO",
            let first = numbers.first(where: { $0.key.withCString { seccomp_syscall_resolve_name($0) } == unknown })?.value
        else { return [] }
        var decisions: [UInt32: UInt32] = [:]
        for rule in profile.syscalls ?? [] where (rule.args ?? []).isEmpty {
            let action = try SeccompAction.value(rule.action, rule.errnoRet)
            for (name, number) in numbers where number >= first && rule.names.contains(name) { decisions[number] = action }
        }
        var body: [BPFInstruction] = []
        for (number, action) in decisions.sorted(by: { $0.key < $1.key }) {
            body += [.jump(.equal, number, then: 0, else: 1), .return(action)]
        }
        body.append(.return(try SeccompAction.value("SCMP_ACT_ERRNO", 38)))
        return wrap(body, from: first, profile).flatMap(\.bytes)
    }

    /// Leads only calls of known architectures, and not those of x32, which have numbers of their own, into the body.
    private static func wrap(_ body: [BPFInstruction], from first: UInt32, _ profile: RuntimeSpec.Linux.Seccomp) -> [BPFInstruction] {
        let end = UInt8(body.count)
        #if arch(x86_64)
        let withX86 = (profile.architectures ?? []).contains { $0 == "SCMP_ARCH_X86" }
        let head: [BPFInstruction] = [
            .load(4), .jump(.equal, 0xC000_003E, then: 1, else: 0),
            .jump(.equal, withX86 ? 0x4000_0003 : 0xC000_003E, then: 0, else: end + 3),
        ]
        #else
        let head: [BPFInstruction] = [.load(4), .jump(.equal, 0xC000_00B7, then: 0, else: end + 3)]
        #endif
        return head + [.load(0), .jump(.notBelow, 0x4000_0000, then: end + 1, else: 0), .jump(.notBelow, first, then: 0, else: end)] + body
    }
}
