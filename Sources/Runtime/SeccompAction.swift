// SPDX-License-Identifier: Apache-2.0

/// A profile's action as the filter's return value. Source: runtime-spec config-linux.md, "Seccomp"; <linux/seccomp.h>.
enum SeccompAction {
    static let names = [
        "SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_LOG",
        "SCMP_ACT_NOTIFY", "SCMP_ACT_TRACE", "SCMP_ACT_TRAP",
    ]

    static let notify = "SCMP_ACT_NOTIFY"

    static let operators = [
        "SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_LE", "SCMP_CMP_LT", "SCMP_CMP_MASKED_EQ", "SCMP_CMP_NE",
    ]

    static func value(_ name: String, _ errno: UInt32?) throws(LaunchError) -> UInt32 {
        let data = errno ?? 1
        guard data <= 0xFFFF else { throw LaunchError(step: .seccomp, reason: "errnoRet \(data) is more than 65535") }
        switch name {
        case "SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD": return 0x0000_0000
        case "SCMP_ACT_KILL_PROCESS": return 0x8000_0000
        case "SCMP_ACT_TRAP": return 0x0003_0000
        case "SCMP_ACT_ERRNO": return 0x0005_0000 | data
        case "SCMP_ACT_TRACE": return 0x7FF0_0000 | data
        case notify: return 0x7FC0_0000
        case "SCMP_ACT_LOG": return 0x7FFC_0000
        case "SCMP_ACT_ALLOW": return 0x7FFF_0000
        default: throw LaunchError(step: .seccomp, reason: "action \"\(name)\" is not supported")
        }
    }
}
