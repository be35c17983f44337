// SPDX-License-Identifier: Apache-2.0

import APITypes
import Containers
import Glibc
import Linux
import OCI
import Runtime
import SystemPackage
import TestSupport
import Testing

/// What a request changes of the default isolation, as the process in the container finds it.
@Suite(.asRoot, .busybox, .shim, .serialized) struct IsolationTests {
    private static func request(_ change: (inout IsolationRequest) -> Void) -> IsolationRequest {
        var request = IsolationRequest()
        change(&request)
        return request
    }

    private static func ownNamespace(_ name: String) throws -> String {
        try #require(command(["readlink", "/proc/self/ns/\(name)"]).lines.first)
    }

    private static func effective(_ lines: [String]) -> UInt64? {
        lines.first { $0.hasPrefix("CapEff:") }.flatMap { UInt64($0.dropFirst(7).trimmingPrefix { $0 == "\t" }, radix: 16) }
    }

    @Test(
        "capabilities are added and dropped by name, and in all",
        arguments: [
            (["NET_ADMIN"], [], 0xa804_25fb | 1 << 12), ([], ["cap_net_raw", "CHOWN"], 0xa804_25fb & ~(1 << 13 | 1)), ([], ["ALL"], 0),
            (["CAP_KILL"], ["all"], 1 << 5), (["KILL"], ["KILL"], 0xa804_25fb),
        ] as [([String], [String], UInt64)])
    func capabilities(added: [String], dropped: [String], mask: UInt64) async throws {
        try await withNode { node in
            let lines = try await node.output(
                try await node.create(["/bin/cat", "/proc/self/status"]) {
                    $0.isolation = Self.request { ($0.capabilitiesAdded, $0.capabilitiesDropped) = (added, dropped) }
                })
            #expect(Self.effective(lines) == mask)
            #expect(lines.contains("NoNewPrivs:\t1") && lines.contains("Seccomp:\t2"))
        }
    }

    @Test("what a capability brings along passes the filter, which is made for the container's own set (X-26)")
    func filterFollows() async throws {
        try await withNode { node in
            let script = "hostname other 2>/dev/null && echo named; mount -t tmpfs t /mnt 2>/dev/null && echo mounted; true"
            let request = Self.request { $0.capabilitiesAdded = ["SYS_ADMIN"] }
            try await #expect(node.output(try await node.create(shell: script)) == [])
            #expect(
                try await node.output(try await node.create(shell: "mkdir /mnt; " + script) { $0.isolation = request }) == [
                    "named", "mounted",
                ])
        }
    }

    @Test("privileged: every capability that the daemon has, no filter, nothing masked or read-only, the node's devices")
    func privileged() async throws {
        try await withNode { node in
            let script =
                "cat /proc/self/status; test -w /proc/sys/kernel/hostname && echo writable; test -e /dev/loop-control && echo loop; head -c 1 /proc/keys"
            let lines = try await node.output(try await node.create(shell: script) { $0.isolation = Self.request { $0.privileged = true } })
            let all = CapabilitySets.available().count
            #expect(Self.effective(lines)?.nonzeroBitCount == all)
            #expect(lines.contains("NoNewPrivs:\t0") && lines.contains("Seccomp:\t0"))
            #expect(lines.contains("writable"))
            #expect(lines.contains("loop") == (access("/dev/loop-control", F_OK) == 0))
        }
    }

    @Test("no filter where none is wanted, and a setuid program may gain where that is allowed")
    func unconfined() async throws {
        try await withNode { node in
            let request = Self.request { ($0.seccomp, $0.noNewPrivileges) = (.unconfined, false) }
            let lines = try await node.output(try await node.create(["/bin/cat", "/proc/self/status"]) { $0.isolation = request })
            #expect(lines.contains("NoNewPrivs:\t0") && lines.contains("Seccomp:\t0"))
            #expect(Self.effective(lines) == 0xa804_25fb)
            let filtered = Self.request { $0.noNewPrivileges = false }
            let other = try await node.output(try await node.create(["/bin/cat", "/proc/self/status"]) { $0.isolation = filtered })
            #expect(other.contains("NoNewPrivs:\t0") && other.contains("Seccomp:\t2"), "the filter is loaded before the capabilities go")
        }
    }

    @Test("a profile of the user's is the filter: the runtime-spec's form, and Docker's with its conditions")
    func profile() async throws {
        let profile = """
            {"defaultAction": "SCMP_ACT_ALLOW", "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]}],
             "syscalls": [
               {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28, "includes": {"minKernel": "3.0"}},
               {"names": ["unlink", "unlinkat"], "action": "SCMP_ACT_ERRNO", "includes": {"caps": ["CAP_SYS_ADMIN"]}},
               {"name": "symlink", "action": "SCMP_ACT_ERRNO", "excludes": {"minKernel": "3.0"}}]}
            """
        try await withNode { node in
            let container = try await node.create(shell: "mkdir /a 2>&1; touch /b && rm /b && ln -s x /c && echo rest") {
                $0.isolation = Self.request { $0.seccompProfile = profile }
            }
            #expect(try await node.output(container) == ["mkdir: can't create directory '/a': No space left on device", "rest"])
        }
    }

    @Test("a device of the host is there with its number, mode and the access that was asked for; others stay closed (X-39)")
    func device() async throws {
        try await withNode { node in
            let script =
                "(echo x > /dev/mine) 2>/dev/null || echo read-only; stat -c %t:%T /dev/mine; mknod /dev/k c 1 11 && (cat /dev/k) 2>&1"
            let container = try await node.create(shell: script) {
                $0.isolation = Self.request { $0.devices = [DeviceRequest(source: "/dev/loop-control", target: "/dev/mine", access: "r")] }
            }
            let lines = try await node.output(container)
            #expect(lines.contains("read-only") && lines.contains("a:ed"))
            #expect(lines.contains { $0.contains("can't open '/dev/k'") })
        }
    }

    @Test("kernel parameters of its own namespaces are set, the host's refused before anything is made (X-25)")
    func sysctls() async throws {
        try await withNode { node in
            let container = try await node.create(shell: "cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/msgmax") {
                $0.isolation = Self.request { $0.sysctls = ["net.ipv4.ip_unprivileged_port_start": "80", "kernel.msgmax": "9000"] }
            }
            #expect(try await node.output(container) == ["80", "9000"])
        }
    }

    @Test(
        "what can't be honoured is refused before anything is made, by its name",
        arguments: [
            ("\"NOTHING\"", request { $0.capabilitiesAdded = ["NOTHING"] }), ("\"\"", request { $0.capabilitiesDropped = [""] }),
            ("kernel.core_pattern", request { $0.sysctls = ["kernel.core_pattern": "|/bin/x"] }),
            ("net.ipv4.ip_forward", request { $0.sysctls = ["net.ipv4.ip_forward": "1\n2"] }),
            ("kernel.msgmax", request { ($0.sysctls, $0.ipc) = (["kernel.msgmax": "9000"], .host) }),
            ("does not exist", request { $0.devices = [DeviceRequest(source: "/dev/no-such-device")] }),
            ("is no device", request { $0.devices = [DeviceRequest(source: "/etc/passwd", target: "/dev/x")] }),
            ("is no device", request { $0.devices = [DeviceRequest(source: "/dev/shm")] }),
            ("access", request { $0.devices = [DeviceRequest(source: "/dev/null", access: "rx")] }),
            ("target", request { $0.devices = [DeviceRequest(source: "/dev/null", target: "/")] }),
            ("absolute", request { $0.devices = [DeviceRequest(source: "dev/null")] }),
            ("can't be read", request { $0.seccompProfile = "{" }),
            ("can't be compiled", request { $0.seccompProfile = "{\"defaultAction\": \"SCMP_ACT_NONSENSE\"}" }),
            ("at once", request { ($0.seccomp, $0.seccompProfile) = (.unconfined, "{}") }),
            ("no such group", request { $0.groups = ["nobody-has-it"] }),
        ])
    func refused(part: String, isolation: IsolationRequest) throws {
        do throws(ContainerError) { _ = try TestPlan.checked { $0.isolation = isolation } } catch {
            guard case .invalidRequest(let what, let remedy) = error else { throw error }
            #expect("\(what) \(remedy ?? "")".contains(part))
            return
        }
        Issue.record("taken")
    }

    @Test("groups are added by the image's names and by number")
    func groups() async throws {
        try await withNode(["etc/group": "app:x:1001:\nextra:x:6:\n"]) { node in
            let container = try await node.create(shell: "cat /proc/self/status | grep ^Groups") {
                $0.isolation = Self.request { $0.groups = ["extra", "4242"] }
            }
            #expect(try await node.output(container) == ["Groups:\t0 6 4242 "])
        }
    }

    @Test("the namespaces of the host are seen where they are asked for")
    func sharedNamespaces() async throws {
        try await withNode { node in
            let script = "for n in pid ipc uts cgroup net; do readlink /proc/self/ns/$n; done; hostname"
            let container = try await node.create(shell: script) {
                $0.isolation = Self.request { ($0.pid, $0.ipc, $0.uts, $0.cgroup) = (.host, .host, .host, .host) }
            }
            let lines = try await node.output(container)
            let own = try ["pid", "ipc", "uts", "cgroup"].map(Self.ownNamespace)
            #expect(Array(lines.prefix(4)) == own)
            #expect(try lines.dropFirst(4).first != Self.ownNamespace("net"))
            #expect(lines.last == container.memo.hostname)
        }
    }

    @Test(
        "a container in the host's PID namespace leaves no process behind when its first one ends or is killed", arguments: [false, true])
    func processesOfHost(killed: Bool) async throws {
        let long = UInt32.random(in: 1_000_000 ... .max)
        try await withNode { node in
            let container = try await node.run(
                shell: "sleep \(long) & setsid sleep \(long) & echo ready; \(killed ? "wait" : "sleep 0.2; exit 4")"
            ) {
                $0.isolation = Self.request { $0.pid = .host }
            }
            if killed { try await node.service.kill(container, signal: SIGKILL) }
            let exit = try await node.service.wait(container, for: .shimGone)
            #expect(exit.exitCode == (killed ? 137 : 4))
            let left = try command(["pgrep", "-af", "^sleep \(long)"]).lines
            #expect(left == [])
        }
    }
}
