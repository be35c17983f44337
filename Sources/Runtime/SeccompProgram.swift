// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Linux
internal import SystemPackage

/// A compiled system call filter: an array of `struct sock_filter`, eight bytes each. Made once a profile, then loaded as it is.
package struct SeccompProgram: Sendable, Hashable {
    /// The kernel's limit. Source: BPF_MAXINSNS.
    private static let maximum = 4096

    package let instructions: [UInt8]
    /// SECCOMP_FILTER_FLAG_*.
    package var flags: UInt32 = 0

    /// Takes a program that was compiled before and stored.
    /// - Throws: `LaunchError`, unless it is 1 to 4096 whole instructions.
    package init(instructions: [UInt8]) throws(LaunchError) {
        guard !instructions.isEmpty, instructions.count % 8 == 0, instructions.count / 8 <= Self.maximum else {
            throw LaunchError(step: .seccomp, reason: "a filter of \(instructions.count) bytes is no BPF program")
        }
        self.instructions = instructions
    }

    /// SECCOMP_FILTER_FLAG_NEW_LISTENER.
    static let newListener: UInt32 = 8

    /// Makes it the calling thread's filter, for good. Needs no_new_privs or CAP_SYS_ADMIN. Source: seccomp(2).
    /// - Returns: the listener's descriptor where the filter notifies one, close-on-exec.
    func load() throws(KernelError) -> CInt? {
        let count = UInt16(instructions.count / 8)
        let flags = flags
        let result = try instructions.span.withUnsafeBytes { bytes throws(KernelError) in
            try kernel("seccomp(2)", "filter of \(count) instructions") { ctr_seccomp_load(flags, count, bytes.baseAddress) }
        }
        return flags & Self.newListener == 0 ? nil : result
    }
}
