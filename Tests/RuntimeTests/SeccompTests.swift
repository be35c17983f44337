// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import OCI
import Runtime
import SystemPackage
import TestSupport
import Testing

@Suite(.asRoot, .busybox) struct SeccompTests {
    /// What the probe's calls must come to under the default profile. Source: docs.docker.com, "Seccomp security profiles".
    private static let expected = [
        "unshare": "EPERM", "unshare-user": "EPERM", "mount": "EPERM", "setns": "EPERM", "keyctl": "EPERM", "add_key": "EPERM",
        "bpf": "EPERM",
        "userfaultfd": "EPERM", "io_uring_setup": "EPERM", "perf_event_open": "EPERM", "open_by_handle_at": "EPERM", "kexec_load": "EPERM",
        "init_module": "EPERM", "clone3": "ENOSYS", "clone-newuser": "EPERM", "unknown": "ENOSYS",
        "socket-alg": "EPERM", "socket-vsock": "EPERM", "socket-inet": "ok", "personality-linux": "ok", "personality-other": "EPERM",
    ]
    /// Neither x32's numbers nor the 32-bit gate are a way round.
    private static let expectedOnX86 = ["x32-mount": "EPERM", "x32-unshare": "EPERM", "int80-unshare": "EPERM"]

    private func answers(_ bundle: TestBundle) throws -> [String: String] {
        let result = try bundle.run()
        try #require(result.code == 0, "\(result)")
        return Dictionary(
            uniqueKeysWithValues: result.lines.map { ($0.split(separator: " ")[0], $0.split(separator: " ")[1]) }.map {
                (String($0), String($1))
            })
    }

    @Test("the default profile answers as Docker's does", arguments: [true, false]) func defaultProfile(noNewPrivileges: Bool) throws {
        let bundle = try TestBundle(["/bin/probe", "calls"])
        bundle.spec.linux?.seccomp = DefaultSeccomp.profile(capabilities: DefaultSpec.capabilities)
        bundle.spec.process?.noNewPrivileges = noNewPrivileges
        let answers = try answers(bundle)
        // A call that is let through answers what the kernel does: ENOSYS before Linux 6.6.
        let free = try self.answers(try TestBundle(["/bin/probe", "calls"]))["fchmodat2"]
        #expect(["ENOENT", "ENOSYS"].contains(free) && answers["fchmodat2"] == free)
        for (name, answer) in Self.expected { #expect(answers[name] == answer, "\(name)") }
        #if arch(x86_64)
        for (name, answer) in Self.expectedOnX86 { #expect(answers[name] == answer, "\(name)") }
        #endif
    }

    @Test("with CAP_SYS_ADMIN the calls that it is for are let through") func withAdmin() throws {
        let bundle = try TestBundle(["/bin/probe", "calls"])
        let capabilities = DefaultSpec.capabilities + ["CAP_SYS_ADMIN"]
        bundle.spec.process?.capabilities = .init(bounding: capabilities, effective: capabilities, permitted: capabilities)
        bundle.spec.linux?.seccomp = DefaultSeccomp.profile(capabilities: capabilities)
        let answers = try answers(bundle)
        #expect(answers["unshare"] == "ok" && answers["mount"] == "ok" && answers["clone3"] == "EINVAL")
        #expect(answers["keyctl"] == "EPERM" && answers["kexec_load"] == "EPERM")
    }

    @Test("a compiled program does the same as its profile, and so does its short form", arguments: [false, true])
    func compiled(isCompact: Bool) throws {
        let bundle = try TestBundle(["/bin/probe", "calls"])
        bundle.spec.linux?.seccomp = DefaultSeccomp.profile(capabilities: DefaultSpec.capabilities)
        let program = try SeccompProgram(compiling: DefaultSeccomp.profile(capabilities: DefaultSpec.capabilities))
        let file = bundle.path.appending("filter.bpf")
        try replaceFile(file, with: isCompact ? program.compacted().instructions : program.instructions)
        bundle.options = ["--seccomp-program", file.string]
        let answers = try answers(bundle)
        for (name, answer) in Self.expected { #expect(answers[name] == answer, "\(name)") }
        #if arch(x86_64)
        for (name, answer) in Self.expectedOnX86 { #expect(answers[name] == answer, "\(name)") }
        #endif
    }

    @Test("bytes that are no program are refused", arguments: [0, 7, 8 * 4097]) func noProgram(count: Int) {
        #expect(throws: LaunchError.self) { try SeccompProgram(instructions: [UInt8](repeating: 0, count: count)) }
    }

    @Test("a profile's own actions and comparisons hold") func ownProfile() throws {
        let bundle = try TestBundle(shell: "mkdir /tmp/a || chmod 700 /tmp; chmod 755 /tmp && echo changed; kill -0 1 || echo none")
        bundle.spec.linux?.seccomp = .init(
            defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_X86_64"],
            syscalls: [
                .init(names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 28),
                .init(names: ["chmod"], action: "SCMP_ACT_ERRNO", args: [.init(index: 1, value: 0o700, op: "SCMP_CMP_EQ")]),
                .init(names: ["kill"], action: "SCMP_ACT_ERRNO", errnoRet: 3),
            ])
        _ = symlink("busybox", bundle.rootfs.appending("bin/mkdir").string)
        _ = symlink("busybox", bundle.rootfs.appending("bin/chmod").string)
        let result = try bundle.run()
        #expect(result.lines == ["changed", "none"], "\(result)")
        #expect(result.errors.contains("No space left") && result.errors.contains("not permitted"), "\(result)")
    }

    @Test(
        "what can't be compiled is refused with its name",
        arguments: [
            RuntimeSpec.Linux.Seccomp(defaultAction: "SCMP_ACT_NONSENSE"),
            .init(defaultAction: "SCMP_ACT_ERRNO", flags: ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]),
            .init(defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_NONSENSE"]),
            .init(defaultAction: "SCMP_ACT_ALLOW", flags: ["NONSENSE"]),
            .init(defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet: 70000),
            .init(
                defaultAction: "SCMP_ACT_ERRNO",
                syscalls: [.init(names: ["read"], action: "SCMP_ACT_ALLOW", args: [.init(index: 6, value: 0, op: "SCMP_CMP_EQ")])]),
        ])
    func refused(profile: RuntimeSpec.Linux.Seccomp) {
        #expect(throws: LaunchError.self) { try SeccompProgram(compiling: profile) }
    }
}
