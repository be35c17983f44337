// SPDX-License-Identifier: Apache-2.0

import APITypes
import Containers
import Glibc
import JSON
import OCI
import Runtime
import SystemPackage
import Testing

/// From image config and request to the OCI spec.
@Suite struct PlanTests {
    @Test("an image and a request that say nothing give the default spec, in the container's own places")
    func defaults() throws {
        let plan = try TestPlan()
        let process = try plan.process
        #expect(process.args == ["/bin/true"])
        #expect(process.cwd == "/")
        #expect(process.user == RuntimeSpec.User(uid: 0, gid: 0, additionalGids: [0]))
        #expect(process.terminal == false)
        #expect(process.noNewPrivileges == true)
        #expect(plan.spec.hostname == plan.id.short)
        #expect(plan.spec.root == RuntimeSpec.Root(path: "/state-of-node/containers/\(plan.id)/rootfs", readonly: false))
        #expect(plan.spec.linux?.cgroupsPath == "/parent/\(plan.id)")
        #expect(plan.spec.linux?.namespaces?.map(\.type) == ["pid", "network", "ipc", "uts", "mount", "cgroup"])
        #expect(plan.spec.linux?.seccomp != nil)
        #expect(plan.spec.annotations == ["org.ctr-swift.id": plan.id.text, "org.ctr-swift.image": "example.org/app:1"])
        #expect(plan.plan.warnings == [])
    }

    @Test("the capabilities are Docker's in three sets; nothing is inherited, nothing ambient")
    func capabilities() throws {
        let sets = try #require(try TestPlan().process.capabilities)
        let docker = [
            "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "NET_RAW", "SETFCAP", "SETGID",
            "SETPCAP", "SETUID", "SYS_CHROOT",
        ].map { "CAP_" + $0 }
        for set in [sets.bounding, sets.effective, sets.permitted] { #expect(set?.sorted() == docker) }
        #expect(sets.inheritable ?? [] == [])
        #expect(sets.ambient ?? [] == [])
    }

    @Test("kernel files that tell or change the host are masked, or read-only (X-08)")
    func coveredPaths() throws {
        let linux = try #require(try TestPlan().spec.linux)
        let masked = Set(linux.maskedPaths ?? [])
        for path in ["acpi", "kcore", "keys", "latency_stats", "timer_list", "timer_stats", "sched_debug", "scsi", "interrupts", "asound"] {
            #expect(masked.contains("/proc/\(path)"))
        }
        #expect(masked.isSuperset(of: ["/sys/firmware", "/sys/devices/virtual/powercap"]))
        #expect(Set(linux.readonlyPaths ?? []).isSuperset(of: ["bus", "fs", "irq", "sys", "sysrq-trigger"].map { "/proc/\($0)" }))
    }

    @Test("no device is allowed but those that the runtime adds")
    func devices() throws {
        let rules = try #require(try TestPlan().spec.linux?.resources?.devices)
        #expect(rules == [RuntimeSpec.Linux.DeviceCgroup(allow: false, access: "rwm")])
    }

    @Test("--init puts the runtime's own binary before the words, and a read-only file where it is found")
    func ownInit() throws {
        let plan = try TestPlan(image: { $0.entrypoint = ["/bin/e", "x"] }) { $0.initProcess = true }
        #expect(try plan.process.args == ["/.ctr-init", "init", "--", "/bin/e", "x", "/bin/true"])
        #expect(plan.plan.memo.arguments == ["/bin/e", "x", "/bin/true"])
        let mount = try plan.mount("/.ctr-init")
        #expect(mount.source == "/shim" && mount.type == "bind")
        #expect(Set(mount.options ?? []) == ["bind", "ro", "nosuid", "nodev"])
        #expect(try !TestPlan().targets.contains("/.ctr-init"))
    }

    @Test("the host's network is the spec without a network namespace, and the host's name")
    func hostNetwork() throws {
        let plan = try TestPlan { $0.network = .host }
        #expect(plan.spec.linux?.namespaces?.map(\.type) == ["pid", "ipc", "uts", "mount", "cgroup"])
        var names = utsname()
        uname(&names)
        let own = withUnsafeBytes(of: names.nodename) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        #expect(plan.spec.hostname == own)
        #expect(try TestPlan { ($0.network, $0.hostname) = (.host, "mine") }.spec.hostname == "mine")
    }

    @Test("a read-only root, a terminal and labels go where they belong")
    func flags() throws {
        let plan = try TestPlan { ($0.readOnlyRoot, $0.tty, $0.labels) = (true, true, ["org.ctr-swift.id": "forged"]) }
        #expect(plan.spec.root?.readonly == true)
        #expect(try plan.process.terminal == true)
        #expect(try plan.process.env?.contains("TERM=xterm") == true)
        #expect(plan.spec.annotations?["org.ctr-swift.id"] == plan.id.text)
    }

    @Test(
        "the working directory is the request's, else the image's, else /",
        arguments: [
            (nil, nil, "/"), ("", nil, "/"), ("/srv", nil, "/srv"), ("srv/app", nil, "/srv/app"), ("/srv", "/w", "/w"), (nil, "/w", "/w"),
            ("/srv", "", "/"),
        ] as [(String?, String?, String)])
    func workingDirectory(image: String?, request: String?, expected: String) throws {
        #expect(try TestPlan(image: { $0.workingDir = image }) { $0.workingDirectory = request }.process.cwd == expected)
    }

    @Test("a relative working directory in a request, and a NUL in any, are refused")
    func badWorkingDirectories() {
        expectInvalid("working directory") { try TestPlan { $0.workingDirectory = "srv" } }
        expectInvalid("working directory") { try TestPlan { $0.workingDirectory = "/a\0" } }
        expectInvalid("working directory") { try TestPlan(image: { $0.workingDir = "/a\0" }) }
    }

    @Test(
        "the stop signal is the request's, else the image's, else SIGTERM; by name or number",
        arguments: [
            (nil, nil, 15), ("SIGQUIT", nil, 3), ("SIGQUIT", "INT", 2), (nil, "sigusr1", 10), ("9", nil, 9), (nil, "64", 64),
            ("SIGRTMIN+3", nil, 37), ("RTMAX", nil, 64), (nil, "SIGRTMAX-1", 63), (nil, "RTMIN", 34), ("WINCH", nil, 28),
        ] as [(String?, String?, Int32)])
    func stopSignals(image: String?, request: String?, expected: Int32) throws {
        #expect(try TestPlan(image: { $0.stopSignal = image }) { $0.stopSignal = request }.plan.memo.stopSignal == expected)
    }

    @Test(
        "a stop signal that is none is refused",
        arguments: [
            "", "0", "65", "-1", "+9", "SIG", "SIGNOPE", "SIGRTMIN+31", "RTMAX-31", "SIGRTMIN-1", "SIGRTMIN+", "RTMIN+-1", "15 ", "0x9",
            "SIGSIGTERM", "99999999999999999999", "TERM\0",
        ])
    func badStopSignals(name: String) {
        expectInvalid("stop signal") { try TestPlan { $0.stopSignal = name } }
        expectInvalid("stop signal") { try TestPlan(image: { $0.stopSignal = name }) }
    }

    @Test(
        "a stop's time is the request's, else ten seconds",
        arguments: [(nil, 10), (0, 0), (-1, -1), (2_147_483_647, 2_147_483_647)] as [(Int?, Int)])
    func stopTimes(request: Int?, expected: Int) throws {
        #expect(try TestPlan { $0.stopTimeoutSeconds = request }.plan.memo.stopTimeoutSeconds == expected)
    }

    @Test("a stop's time that is none, or overflows the clock, is refused", arguments: [-2, Int.min, 2_147_483_648, Int.max])
    func badStopTimes(seconds: Int) {
        expectInvalid("stop timeout") { try TestPlan { $0.stopTimeoutSeconds = seconds } }
    }

    @Test("hostnames", arguments: ["a", "a-b.c_d", "0", String(repeating: "h", count: 63), "UPPER"])
    func hostnames(name: String) throws {
        let plan = try TestPlan { $0.hostname = name }
        #expect(plan.spec.hostname == name)
        #expect(try plan.process.env?.contains("HOSTNAME=\(name)") == true)
    }

    @Test(
        "a hostname that is none is refused",
        arguments: ["", "-a", ".a", "a b", "a\nb", "a\0", "a/b", "ä", "a:b", "a\r\n", String(repeating: "h", count: 64)])
    func badHostnames(name: String) {
        expectInvalid("hostname") { try TestPlan { $0.hostname = name } }
    }

    @Test("volumes of the image are told of, in order, and not made")
    func volumes() throws {
        let plan = try TestPlan(image: { $0.volumes = ["/z": .null, "/data": .null] })
        #expect(plan.plan.warnings.count == 2)
        #expect(plan.plan.warnings.first?.contains("/data") == true)
        #expect(plan.plan.warnings.last?.contains("/z") == true)
        #expect(!plan.targets.contains("/data"))
    }

    @Test("an upper is volatile where the container is removed at its end, else synced; a request decides")
    func uppers() throws {
        #expect(try TestPlan().plan.memo.upperMode == .synced)
        #expect(try TestPlan { $0.autoRemove = true }.plan.memo.upperMode == .volatile)
        #expect(try TestPlan { ($0.autoRemove, $0.upper) = (true, .tmpfs) }.plan.memo.upperMode == .tmpfs)
        #expect(try TestPlan { $0.upper = .volatile }.plan.memo.upperMode == .volatile)
    }
}
