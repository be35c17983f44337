// SPDX-License-Identifier: Apache-2.0

import APITypes
import Containers
import Glibc
import Linux
import Snapshots
import SystemPackage
import Testing

/// What was planned, as the process in the container finds it.
@Suite(.asRoot, .busybox, .shim, .serialized) struct InsideTests {
    private static let users = [
        "etc/passwd": "root:x:0:0::/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\n",
        "etc/group": "app:x:1001:\nextra:x:6:app\nmore:x:7:app\n",
    ]

    @Test("the five capability sets of root: Docker's three, and nothing inherited or ambient")
    func capabilitiesOfRoot() async throws {
        try await withNode { node in
            let lines = try await node.output(try await node.create(["/bin/cat", "/proc/self/status"]))
            let sets = lines.filter { $0.hasPrefix("Cap") }.map { $0.split(separator: "\t").map(String.init) }
            let docker = "00000000a80425fb"
            let none = "0000000000000000"
            #expect(sets == [["CapInh:", none], ["CapPrm:", docker], ["CapEff:", docker], ["CapBnd:", docker], ["CapAmb:", none]])
            #expect(lines.contains("NoNewPrivs:\t1"))
            #expect(lines.contains("Seccomp:\t2"))
        }
    }

    @Test("another user has no capability but the bound, and its groups are the image's and none of this process's (X-14)")
    func user() async throws {
        try await withNode(Self.users) { node in
            let lines = try await node.output(try await node.create(["/bin/cat", "/proc/self/status"]) { $0.user = "app" })
            for name in ["CapInh", "CapPrm", "CapEff", "CapAmb"] { #expect(lines.contains("\(name):\t0000000000000000")) }
            #expect(lines.contains("Uid:\t1000\t1000\t1000\t1000"))
            #expect(lines.contains("Gid:\t1001\t1001\t1001\t1001"))
            #expect(
                lines.first { $0.hasPrefix("Groups:") }?.split(whereSeparator: { $0 == "\t" || $0 == " " }) == [
                    "Groups:", "6", "7", "1001",
                ])
            let other = try await node.output(try await node.create(["/bin/cat", "/proc/self/status"]) { $0.user = "4242:4343" })
            #expect(other.first { $0.hasPrefix("Groups:") }?.split(whereSeparator: { $0 == "\t" || $0 == " " }) == ["Groups:", "4343"])
        }
    }

    @Test("the environment is the plan's, and nothing of this process's (X-21)")
    func environment() async throws {
        setenv("CTR_SWIFT_TEST_SECRET", "1", 1)
        defer { unsetenv("CTR_SWIFT_TEST_SECRET") }
        try await withNode { node in
            let container = try await node.create(["/bin/cat", "/proc/self/environ"]) {
                ($0.environment, $0.hostname) = (["A=b c"], "box")
            }
            let lines = try await node.output(container)
            let variables = (lines.last ?? "").split(separator: "\0").map(String.init)
            #expect(variables == [ProcessEnvironment.defaultPath, "HOSTNAME=box", "A=b c", "HOME=/"])
        }
    }

    @Test("hostname, hosts and resolv.conf are the container's, over links of the image too")
    func networkFiles() async throws {
        try await withNode([
            "etc/resolv.conf": "->/run/systemd/resolve/stub-resolv.conf", "etc/hosts": "of the image",
            "etc/hostname": "->../../../../../../etc/shadow",
        ]) { node in
            let container = try await node.create(
                shell: "cat /etc/hostname /etc/hosts /proc/sys/kernel/hostname; wc -c < /etc/resolv.conf; echo own > /etc/hostname"
            ) {
                $0.hostname = "box"
            }
            #expect(
                try await node.output(container) == [
                    "box", "127.0.0.1\tlocalhost box", "::1\tlocalhost ip6-localhost ip6-loopback", "box", "0",
                ])
            #expect(try Files.read(container.paths.networkFiles.appending("hostname")) == "own\n")
        }
    }

    @Test("binds, read-only binds and tmpfs are where and as they were asked for, parents first")
    func mounts() async throws {
        try await withNode { node in
            let outer = node.base.appending("outer")
            let inner = node.base.appending("inner")
            for (path, text) in [(outer, "outer"), (inner, "inner")] {
                try makeDirectory(path, mode: 0o755)
                try replaceFile(path.appending("file"), with: Array("\(text)\n".utf8))
            }
            let script = """
                cat /a/file /a/b/file; echo x > /a/new && echo written; (echo x > /a/b/new) 2>/dev/null || echo refused
                stat -f -c %T /a/c; stat -c %a /a/c; (echo x > /file) 2>/dev/null || echo root refused
                grep -c . /proc/self/mounts > /dev/null; cat /proc/self/mounts | grep ' /a/c ' | sed 's/.*size=//; s/,.*//'
                """
            let container = try await node.create(shell: script) {
                $0.readOnlyRoot = true
                $0.mounts = [
                    MountRequest(type: .tmpfs, target: "/a/c", options: ["size=64k", "mode=1711"]),
                    MountRequest(type: .bind, source: inner.string, target: "/a/b", readOnly: true),
                    MountRequest(type: .bind, source: outer.string, target: "/a"),
                ]
            }
            #expect(try await node.output(container) == ["outer", "inner", "written", "refused", "tmpfs", "1711", "root refused", "64k"])
            #expect(Files.names(outer) == ["b", "c", "file", "new"])
            #expect(Files.names(inner) == ["file"])
        }
    }

    @Test(
        "a destination through the image's links stays in the container, wherever they point",
        arguments: ["->/real", "->../../../../../real", "->real"])
    func linkedDestination(link: String) async throws {
        let outside = FilePath("/real-\(UInt64.random(in: 0 ... .max))")
        let target = link.replacing("real", with: outside.lastComponent?.string ?? "")
        try await withNode(["link": target]) { node in
            let source = node.base.appending("source")
            try makeDirectory(source, mode: 0o755)
            try replaceFile(source.appending("file"), with: Array("bound\n".utf8))
            let container = try await node.create(shell: "cat \(outside)/sub/file /link/sub/file") {
                $0.mounts = [MountRequest(type: .bind, source: source.string, target: "/link/sub")]
            }
            #expect(try await node.output(container) == ["bound", "bound"])
            #expect(!Files.exists(outside))
        }
    }

    @Test("a bound /sys brings none of the host's cgroups: the container's own stay above it, read-only (X-23)")
    func boundSys() async throws {
        try await withNode { node in
            let script =
                "cat /proc/self/mounts | grep -c ' /sys/fs/cgroup'; for f in $(ls -d /sys/fs/cgroup/*/release_agent 2>/dev/null); do echo $f; done"
            let plain = try await node.output(try await node.create(shell: script))
            let bound = try await node.output(
                try await node.create(shell: script) { $0.mounts = [MountRequest(type: .bind, source: "/sys", target: "/sys")] })
            #expect((Int(plain.first ?? "") ?? 0) > 0)
            #expect(bound.dropFirst().isEmpty)
        }
    }

    @Test("limits are the kernel's before the program runs")
    func limits() async throws {
        try await withNode { node in
            let container = try await node.create(shell: "exec sleep 1000") {
                $0.resources = ResourceRequest(memoryInBytes: 32 << 20, pidsLimit: 10)
            }
            try await node.service.start(container)
            var found: Set<String> = []
            for directory in try node.cgroups(container) {
                for (name, value) in [("memory.limit_in_bytes", "33554432"), ("memory.max", "33554432"), ("pids.max", "10")] {
                    if let text = try? Files.read(FilePath(directory).appending(name)) {
                        #expect(text == "\(value)\n")
                        found.insert(name)
                    }
                }
            }
            #expect(found.contains("pids.max") && found.count == 2)
        }
    }

    @Test("running out of memory is told as that")
    func outOfMemory() async throws {
        try await withNode { node in
            let container = try await node.run(shell: "exec /bin/busybox tail /dev/zero") {
                $0.resources = ResourceRequest(memoryInBytes: 16 << 20)
            }
            let record = try await node.service.wait(container, for: .stopped)
            #expect(record.outOfMemory)
            #expect(record.exitCode == 137)
        }
    }

    @Test("--init is PID 1, the program its child; signals and the code go through")
    func ownInit() async throws {
        try await withNode { node in
            let container = try await node.create(shell: "echo $$; trap 'exit 12' TERM; echo ready; while :; do sleep 0.01; done") {
                $0.initProcess = true
            }
            try await node.service.start(container)
            try await eventually("ready") {
                (try? Files.read(container.paths.log.appending("container.log")).contains("ready")) == true
            }
            #expect(try await node.service.stop(container, timeoutSeconds: 10).exitCode == 12)
            #expect(try await node.log(container).compactMap(\.text).first == "2")
        }
    }

    @Test("an upper in memory leaves nothing on the disk")
    func memoryUpper() async throws {
        try await withNode { node in
            let container = try await node.create(shell: "echo x > /file; cat /file") { $0.upper = .tmpfs }
            #expect(Files.names(container.paths.directory) == ["bundle", "etc", "log"])
            #expect(container.detail.upperDirectory == nil)
            #expect(try await node.output(container) == ["x"])
            #expect(Files.names(container.paths.directory) == ["bundle", "etc", "log"])
        }
    }
}
