// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import OCI
import Runtime
import SystemPackage
import TestSupport
import Testing

@Suite(.asRoot, .busybox) struct PathTests {
    @Test("masked paths read empty", arguments: DefaultSpec.maskedPaths) func masked(path: String) throws {
        let script = "[ -e \(path) ] || exit 0; if [ -d \(path) ]; then ls -A \(path); else cat \(path); fi"
        let result = try TestBundle(shell: script).run()
        #expect(result.output.isEmpty && result.code == 0, "\(result)")
    }

    @Test(
        "read-only paths refuse writes", arguments: ["/proc/sys/kernel/hostname", "/proc/irq/default_smp_affinity", "/proc/sysrq-trigger"])
    func readonly(path: String) throws {
        let result = try TestBundle(shell: "[ -e \(path) ] || { echo 'Read-only' >&2; exit 1; }; echo x > \(path)").run()
        #expect(result.code == 1 && result.errors.contains("Read-only"), "\(result)")
    }

    @Test("a read-only root refuses writes, its tmpfs mounts take them") func readonlyRoot() throws {
        let bundle = try TestBundle(shell: "touch /dev/shm/a && touch /etc/b")
        bundle.spec.root?.readonly = true
        let result = try bundle.run()
        #expect(result.errors.contains("Read-only file system") && result.errors.contains("/etc/b"), "\(result)")
    }

    @Test("a link in the place of a kernel filesystem is refused (CVE-2019-19921)", arguments: ["/proc", "/sys", "/dev"])
    func linkedMountPoint(path: String) throws {
        let bundle = try TestBundle()
        let canary = bundle.path.appending("canary")
        try makeDirectory(canary, mode: 0o755)
        _ = symlink("../../../../../..\(canary)", bundle.rootfs.string + path)
        let result = try bundle.run()
        #expect(result.code == 125 && result.errors.contains("Too many levels of symbolic links"), "\(result)")
        #expect(try command(["/bin/ls", "-A", canary.string]).output.isEmpty)
    }

    @Test("links in /dev of the image lead nowhere (CVE-2025-31133, CVE-2025-52565)", arguments: ["null", "console", "pts", "shm", "fd"])
    func linkedDevice(name: String) throws {
        let bundle = try TestBundle(shell: "stat -c '%F %t:%T' /dev/null; cat /proc/keys")
        let canary = bundle.path.appending("canary")
        try makeDirectory(canary, mode: 0o755)
        try makeDirectory(bundle.rootfs.appending("dev"), mode: 0o755)
        _ = symlink(canary.string, bundle.rootfs.appending("dev").appending(name).string)
        let result = try bundle.run()
        #expect(result.lines == ["character special file 1:3"], "\(result)")
        #expect(try command(["/bin/ls", "-A", canary.string]).output.isEmpty)
    }

    @Test("without a tmpfs on /dev, links there are refused rather than taken for devices") func deviceLinkWithoutMount() throws {
        let bundle = try TestBundle()
        bundle.spec.mounts?.removeAll { $0.destination.hasPrefix("/dev") }
        try makeDirectory(bundle.rootfs.appending("dev"), mode: 0o755)
        _ = symlink("/etc/evil", bundle.rootfs.appending("dev/null").string)
        let result = try bundle.run()
        #expect(result.code == 125 && result.errors.contains("File exists"), "\(result)")
    }

    @Test(
        "a bind's destination is made beneath the root, through links too",
        arguments: [
            ("/a/b/c", ""), ("/link/x", "link -> /etc"), ("/up/x", "up -> ../../../../etc"), ("/dangling", "dangling -> /run/not/there"),
            ("/etc/../../../../escape", ""), ("/rel/x", "rel -> a/../b"), ("/loopfree/x/y", "loopfree -> loop2|loop2 -> /z"),
        ])
    func bindTarget(destination: String, links: String) throws {
        let bundle = try TestBundle(["/bin/cat", destination])
        for link in links.split(separator: "|") {
            let parts = link.split(separator: " ")
            _ = symlink(String(parts[2]), bundle.rootfs.string + "/" + String(parts[0]))
        }
        let source = bundle.path.appending("file")
        try replaceFile(source, with: Array("content\n".utf8), mode: 0o644)
        bundle.spec.mounts?.append(.init(destination: destination, type: "bind", source: source.string, options: ["bind", "ro"]))
        let result = try bundle.run()
        if destination.contains("..") {
            // The kernel, too, stays at the root: the file is there by its plain name.
            #expect(result.output == "content\n", "\(result)")
        } else {
            #expect(result.output == "content\n" && result.code == 0, "\(result)")
        }
        #expect(access("/escape", F_OK) == -1 && access("/run/not", F_OK) == -1 && access("/z", F_OK) == -1)
    }

    @Test("a loop of links is an error, not a hang") func linkLoop() throws {
        let bundle = try TestBundle()
        _ = symlink("two", bundle.rootfs.appending("one").string)
        _ = symlink("one", bundle.rootfs.appending("two").string)
        bundle.spec.mounts?.append(.init(destination: "/one/x", type: "bind", source: "/etc", options: ["bind"]))
        #expect(try bundle.run().errors.contains("Too many levels of symbolic links"))
    }

    @Test("binds keep and take mount options") func bindOptions() throws {
        let bundle = try TestBundle(shell: "grep -E ' /(ro|rw) ' /proc/self/mounts; touch /ro/x; touch /rw/x")
        try makeDirectory(bundle.path.appending("d"), mode: 0o755)
        for (name, options) in [("ro", ["rbind", "ro", "nosuid", "nodev", "noexec"]), ("rw", ["rbind", "rprivate"])] {
            bundle.spec.mounts?.append(.init(destination: "/\(name)", type: "bind", source: "d", options: options))
        }
        let result = try bundle.run()
        #expect(result.lines.first?.contains("ro,nosuid,nodev,noexec") == true, "\(result)")
        #expect(result.code == 0 && result.errors.contains("/ro/x: Read-only"), "\(result)")
    }

    @Test("an option that a bind can't have is refused by name") func unknownBindOption() throws {
        let bundle = try TestBundle()
        bundle.spec.mounts?.append(.init(destination: "/x", type: "bind", source: "/etc", options: ["bind", "sise=5"]))
        let result = try bundle.run()
        #expect(result.code == 125 && result.errors.contains("unknown option \"sise\""), "\(result)")
    }

    @Test("a missing working directory is made; magic links do not lead out (CVE-2024-21626)") func workingDirectory() throws {
        let bundle = try TestBundle(shell: "pwd; stat -c %a .")
        bundle.spec.process?.cwd = "/srv/app/deep"
        #expect(try bundle.run().lines == ["/srv/app/deep", "755"])
        for number in 3..<12 {
            bundle.spec.process?.cwd = "/proc/self/fd/\(number)"
            let result = try bundle.run()
            #expect(result.code == 125, "\(number): \(result)")
        }
    }

    @Test("the mounts are as the spec says") func mounts() throws {
        let result = try TestBundle(shell: "cat /proc/self/mounts").run()
        let mounts = result.lines.map { $0.split(separator: " ").map { String($0) } }
        func options(_ point: String) -> Set<String> {
            Set((mounts.last { $0[1] == point }?[3] ?? "").split(separator: ",").map { String($0) })
        }
        #expect(options("/proc").isSuperset(of: ["rw", "nosuid", "nodev", "noexec"]))
        #expect(options("/sys").isSuperset(of: ["ro", "nosuid", "nodev", "noexec"]))
        #expect(options("/dev").isSuperset(of: ["rw", "nosuid", "size=65536k", "mode=755"]))
        #expect(options("/dev/pts").isSuperset(of: ["nosuid", "noexec", "gid=5", "mode=620", "ptmxmode=666"]))
        #expect(options("/dev/shm").isSuperset(of: ["nosuid", "nodev", "noexec", "size=65536k"]))
        #expect(!options("/dev/mqueue").isEmpty)
    }

    @Test("the cgroup mounts are read-only and show the container's own group (CVE-2022-0492)") func cgroupMounts() throws {
        let script =
            "cat /proc/self/mounts | grep -E ' cgroup2? ' | grep -vc ' ro,'; for f in /sys/fs/cgroup/*/tasks /sys/fs/cgroup/cgroup.procs; do [ -e $f ] && echo 1 > $f; done; cat /proc/self/cgroup"
        let result = try TestBundle(shell: script).run()
        #expect(result.lines.first == "0", "\(result)")
        #expect(!result.output.contains("test-"), "\(result)")
    }

    @Test("sysctls of the container's namespaces are set, all others are refused (CVE-2022-0811)") func sysctls() throws {
        let bundle = try TestBundle(shell: "cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shm_rmid_forced")
        bundle.spec.linux?.sysctl = ["net.ipv4.ip_forward": "1", "kernel.shm_rmid_forced": "1"]
        #expect(try bundle.run().lines == ["1", "1"])
        for (key, value) in [
            ("kernel.core_pattern", "|/evil"), ("kernel.shm_rmid_forced", "1+kernel.core_pattern=|/evil\n"),
            ("net.ipv4/../../kernel/core_pattern", "x"),
            ("kernel.hostname", "x"), ("vm.swappiness", "1"), ("net", "1"), ("", "1"), ("net..x", "1"), ("net.ipv4.ip_forward\n", "1"),
        ] {
            bundle.spec.linux?.sysctl = [key: value]
            let result = try bundle.run()
            #expect(result.code == 125, "\(key): \(result)")
        }
    }

    @Test("a sysctl of a namespace shared with the host is refused") func sharedSysctl() throws {
        let bundle = try TestBundle()
        bundle.spec.linux?.namespaces?.removeAll { $0.type == "network" }
        bundle.spec.linux?.sysctl = ["net.ipv4.ip_forward": "1"]
        #expect(try bundle.run().errors.contains("would change the host"))
    }
}
