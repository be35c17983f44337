// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import OCI
import Runtime
import SystemPackage
import TestSupport
import Testing

@Suite(.asRoot, .busybox) struct IdentityTests {
    private static let status = "grep -E '^(Cap|NoNewPrivs|Groups)' /proc/self/status"

    /// The lines of /proc/self/status by name.
    private func status(_ bundle: TestBundle) throws -> [String: String] {
        let result = try bundle.run()
        try #require(result.code == 0, "\(result)")
        return Dictionary(
            uniqueKeysWithValues: result.lines.map { line in
                let parts = line.split(separator: ":")
                return (String(parts[0]), parts[1].split { $0 == "\t" || $0 == " " }.joined(separator: " "))
            })
    }

    @Test("the default capabilities are Docker's, inheritable and ambient empty (CVE-2022-24769)") func defaultCapabilities() throws {
        let sets = try status(TestBundle(shell: Self.status))
        for name in ["CapPrm", "CapEff", "CapBnd"] { #expect(sets[name] == "00000000a80425fb", "\(name)") }
        for name in ["CapInh", "CapAmb"] { #expect(sets[name] == "0000000000000000", "\(name)") }
        #expect(sets["NoNewPrivs"] == "1")
    }

    @Test("all five sets are as asked for") func fiveSets() throws {
        let bundle = try TestBundle(shell: Self.status)
        bundle.spec.process?.user = .init(uid: 1000, gid: 1000)
        bundle.spec.process?.capabilities = .init(
            bounding: ["CAP_CHOWN", "CAP_NET_RAW", "CAP_KILL"], effective: ["CAP_NET_RAW"], permitted: ["CAP_NET_RAW", "CAP_KILL"],
            inheritable: ["CAP_NET_RAW"], ambient: ["CAP_NET_RAW"])
        let sets = try status(bundle)
        #expect(sets["CapBnd"] == "0000000000002021")
        #expect(sets["CapInh"] == "0000000000002000")
        #expect(sets["CapAmb"] == "0000000000002000")
        // After the exec by a user other than root only the ambient ones are left.
        #expect(sets["CapPrm"] == "0000000000002000")
        #expect(sets["CapEff"] == "0000000000002000")
    }

    @Test("ambient capabilities that the kernel can't have come to nothing, as with runc") func impossibleAmbient() throws {
        let bundle = try TestBundle(shell: Self.status)
        bundle.spec.process?.capabilities?.ambient = ["CAP_KILL"]
        let sets = try status(bundle)
        #expect(sets["CapAmb"] == "0000000000000000" && sets["CapEff"] == "00000000a80425fb")
    }

    @Test("another user has no capabilities") func otherUser() throws {
        let bundle = try TestBundle(shell: Self.status)
        bundle.spec.process?.user = .init(uid: 1000, gid: 1000)
        let sets = try status(bundle)
        for name in ["CapPrm", "CapEff", "CapInh", "CapAmb"] { #expect(sets[name] == "0000000000000000", "\(name)") }
    }

    @Test("no capabilities at all is possible") func none() throws {
        let bundle = try TestBundle(shell: Self.status)
        bundle.spec.process?.capabilities = nil
        bundle.spec.process?.noNewPrivileges = false
        let sets = try status(bundle)
        for name in ["CapPrm", "CapEff", "CapBnd", "CapInh", "CapAmb"] { #expect(sets[name] == "0000000000000000", "\(name)") }
        #expect(sets["NoNewPrivs"] == "0")
    }

    @Test("a capability that does not exist is refused by name") func unknown() throws {
        let bundle = try TestBundle()
        bundle.spec.process?.capabilities?.bounding?.append("CAP_NONSENSE")
        #expect(try bundle.run().errors.contains("no capability \"CAP_NONSENSE\""))
    }

    @Test("user, group and supplementary groups are the spec's alone (CVE-2022-36109)") func groups() throws {
        let bundle = try TestBundle(shell: "id -u; id -g; id -G; umask")
        bundle.spec.process?.user = .init(uid: 1000, gid: 1001, umask: 0o077, additionalGids: [5, 2000, 4_294_967_294])
        #expect(try bundle.run().lines == ["1000", "1001", "1001 5 2000 4294967294", "0077"])
        bundle.spec.process?.user = .init(uid: 0, gid: 0)
        #expect(try bundle.run().lines == ["0", "0", "0", "0022"])
    }

    @Test("the number that the kernel reads as \"no change\" is refused (CVE-2024-40635)", arguments: [0, 1, 2]) func noChange(member: Int)
        throws
    {
        let bundle = try TestBundle()
        bundle.spec.process?.user = .init(
            uid: member == 0 ? .max : 1, gid: member == 1 ? .max : 1, additionalGids: member == 2 ? [.max] : [])
        #expect(try bundle.run().code == 125)
    }

    @Test("a setuid binary gains nothing under no_new_privs") func setuid() throws {
        let bundle = try TestBundle()
        try command(["/bin/cp", TestBundle.busybox, bundle.rootfs.appending("bin/busybox-setuid").string])
        try command(["/bin/chmod", "4755", bundle.rootfs.appending("bin/busybox-setuid").string])
        bundle.spec.process?.args = ["/bin/busybox-setuid", "id", "-u"]
        bundle.spec.process?.user = .init(uid: 1000, gid: 1000)
        #expect(try bundle.run().lines == ["1000"])
    }

    @Test("resource limits are set; one above the hard limit is refused loudly") func limits() throws {
        let bundle = try TestBundle(shell: "ulimit -n; ulimit -Hn; ulimit -c")
        bundle.spec.process?.rlimits = [.init(type: "RLIMIT_NOFILE", hard: 512, soft: 256), .init(type: "RLIMIT_CORE", hard: 0, soft: 0)]
        #expect(try bundle.run().lines == ["256", "512", "0"])
        for limit in [RuntimeSpec.Rlimit(type: "RLIMIT_NONSENSE", hard: 1, soft: 1), .init(type: "RLIMIT_NOFILE", hard: 1, soft: 2)] {
            bundle.spec.process?.rlimits = [limit]
            #expect(try bundle.run().code == 125)
        }
    }

    @Test("the host's /dev/null keeps its owner when another user's streams are it (X-40)") func nullOwner() throws {
        let bundle = try TestBundle()
        bundle.spec.process?.user = .init(uid: 1000, gid: 1000)
        #expect(try bundle.run().code == 0)
        var status = stat()
        stat("/dev/null", &status)
        #expect(status.st_uid == 0 && status.st_gid == 0)
    }

    @Test("what a container does to its masked paths and devices stays in it") func changedMasks() throws {
        let bundle = try TestBundle(["/bin/busybox", "chmod", "0", "/dev/null", "/proc/keys", "/proc/timer_list"])
        var before = stat()
        stat("/dev/null", &before)
        _ = try bundle.run()
        var after = stat()
        stat("/dev/null", &after)
        #expect(after.st_mode == before.st_mode && after.st_uid == before.st_uid)
    }

    @Test("another user can open the pipe that is its stdout again") func reopenedStdout() throws {
        let bundle = try TestBundle(shell: "/bin/sh -c 'echo again > /dev/stdout' | cat; echo x | cat /dev/stdin")
        bundle.spec.process?.user = .init(uid: 1000, gid: 1000)
        #expect(try bundle.run().lines == ["again", "x"])
    }

    @Test("oom_score_adj is set, and an impossible one is refused") func outOfMemoryScore() throws {
        let bundle = try TestBundle(["/bin/cat", "/proc/self/oom_score_adj"])
        bundle.spec.process?.oomScoreAdj = 321
        #expect(try bundle.run().lines == ["321"])
        bundle.spec.process?.oomScoreAdj = 1001
        #expect(try bundle.run().code == 125)
    }
}
