// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import OCI
import Runtime
import SystemPackage
import TestSupport
import Testing

@Suite(.asRoot, .busybox) struct IsolationTests {
    @Test("every namespace is the container's own") func namespaces() throws {
        let names = ["cgroup", "ipc", "mnt", "net", "pid", "uts"]
        let bundle = try TestBundle(shell: names.map { "readlink /proc/self/ns/\($0)" }.joined(separator: ";"))
        let inside = try bundle.run().lines
        try #require(inside.count == names.count)
        for (name, link) in zip(names, inside) {
            #expect(link != hostNamespace(name), "\(name)")
        }
    }

    @Test("the program is process 1, and nothing else is seen") func firstProcess() throws {
        let result = try TestBundle(shell: "echo $$; ls -d /proc/[0-9]* | grep -v self").run()
        #expect(result.lines.first == "1", "\(result)")
        #expect(result.lines.dropFirst().count <= 3, "\(result)")
    }

    @Test("only 0, 1 and 2 are open, whatever the caller has open (CVE-2024-21626)") func descriptors() throws {
        let bundle = try TestBundle(["/bin/probe", "descriptors"])
        let open = (0..<50).map { _ in Glibc.open("/", O_RDONLY) }
        defer { for descriptor in open { close(descriptor) } }
        let result = try bundle.run()
        #expect(result.lines.map { $0.prefix { $0 != " " } } == ["0", "1", "2"], "\(result)")
    }

    @Test("a caller without stdin, stdout or stderr starts containers all the same", arguments: ["<&-", "<&- >&-", "<&- >&- 2>&-", "2>&-"])
    func closedStreams(redirection: String) throws {
        let bundle = try TestBundle(shell: "/bin/probe descriptors > /out")
        let words = try bundle.arguments("run", ["--bundle", bundle.path.string, bundle.id]).joined(separator: " ")
        let result = try command(["/bin/sh", "-c", "\(words) \(redirection)"])
        #expect(result.code == 0, "\(result)")
        let open = String(decoding: try readFile(bundle.rootfs.appending("out")), as: UTF8.self).split(separator: "\n")
        #expect(open.map { $0.prefix { $0 != " " } } == ["0", "1", "2"])
    }

    @Test("no signal is blocked or ignored") func signals() throws {
        let result = try TestBundle(["/bin/probe", "signals"]).run()
        #expect(result.output.isEmpty && result.code == 0, "\(result)")
    }

    @Test("the host's mount table does not change while a container runs") func hostMounts() throws {
        func here() throws -> [String] { try MountInfo.all().map(\.mountPoint).filter { $0.contains("ctr-swift-bundle") } }
        let bundle = try TestBundle(["/bin/probe", "pause"])
        let child = try bundle.start()
        try waitUntil { child.output == "ready\n" }
        #expect(try here().filter { $0.hasPrefix(bundle.path.string) }.isEmpty)
        try bundle.waitForRecord()
        _ = try bundle.verb("delete", ["--force"])
        #expect(try child.finish().code == 137)
    }

    @Test("loopback is up in a new network namespace, and nothing else is there") func loopback() throws {
        let result = try TestBundle(shell: "ip -o link").run()
        #expect(result.lines.count == 1 && result.output.contains("<LOOPBACK,UP"), "\(result)")
    }

    @Test("hostname and domain name are the container's") func names() throws {
        let bundle = try TestBundle(shell: "cat /proc/sys/kernel/hostname /proc/sys/kernel/domainname")
        bundle.spec.hostname = "inside"
        bundle.spec.domainname = "example.org"
        #expect(try bundle.run().lines == ["inside", "example.org"])
    }

    @Test("a namespace can be joined by its path") func joined() throws {
        let bundle = try TestBundle(shell: "readlink /proc/self/ns/net; readlink /proc/self/ns/ipc")
        bundle.spec.linux?.namespaces =
            ["pid", "uts", "mount"].map { RuntimeSpec.Linux.Namespace(type: $0) }
            + [.init(type: "network", path: "/proc/\(getpid())/ns/net"), .init(type: "ipc", path: "/proc/\(getpid())/ns/ipc")]
        #expect(try bundle.run().lines == ["net", "ipc"].map { hostNamespace($0) })
    }

    @Test("the session keyring is a new one (X-28)") func keyring() throws {
        let result = try TestBundle(shell: "grep -c . /proc/keys || true").run()
        #expect(result.code == 0, "\(result)")
    }

    @Test("the environment is the spec's and nothing more (CVE-2021-21334)") func environment() throws {
        setenv("CTR_SWIFT_SECRET", "1", 1)
        let bundle = try TestBundle(["/bin/busybox", "env"])
        bundle.spec.process?.env = ["A=1", "B=two words", "NOEQUALS"]
        #expect(try bundle.run().lines == ["A=1", "B=two words", "NOEQUALS"])
    }

    @Test("no process of the container reaches the runtime's binary for writing (CVE-2019-5736)") func ownBinary() throws {
        for program in ["/proc/self/exe", "/bin/probe"] {
            let bundle = try TestBundle([program, "overwrite"])
            let result = try bundle.run()
            #expect(!result.output.contains("writable"), "\(result)")
            if program != "/bin/probe" { #expect(result.code == 126, "\(result)") }
        }
    }

    @Test("the runtime's binary may be a container's init, bound read-only") func boundRuntime() throws {
        let bundle = try TestBundle(["/init", "--version"])
        bundle.spec.mounts?.append(.init(destination: "/init", type: "bind", source: TestBundle.runtime, options: ["bind", "ro"]))
        let result = try bundle.run()
        #expect(result.output.contains("spec: 1.2.0"), "\(result)")
    }

    @Test("mounts of a container with CAP_SYS_ADMIN stay in it (X-41)") func propagation() throws {
        let bundle = try TestBundle(shell: "mount -t tmpfs none /tmp && mount -t tmpfs none /vol && echo done && exec /bin/probe pause")
        let capabilities = DefaultSpec.capabilities + ["CAP_SYS_ADMIN"]
        bundle.spec.process?.capabilities = .init(bounding: capabilities, effective: capabilities, permitted: capabilities)
        let volume = bundle.path.appending("volume")
        try makeDirectory(volume, mode: 0o755)
        bundle.spec.mounts?.append(.init(destination: "/vol", type: "bind", source: volume.string, options: ["rbind"]))
        let child = try bundle.start()
        try waitUntil { child.output.hasPrefix("done\nready") || !child.errors.isEmpty }
        #expect(child.errors.isEmpty)
        #expect(try !MountInfo.all().contains { $0.mountPoint.hasPrefix(bundle.path.string) })
        _ = try bundle.verb("delete", ["--force"])
        _ = try child.finish()
    }

    @Test("a script whose interpreter is /proc/self/exe finds the runtime read-only (CVE-2019-5736)") func interpreterIsRuntime() throws {
        let bundle = try TestBundle(["/bin/evil"])
        let script = bundle.rootfs.appending("bin/evil").string
        try #require(try command(["/bin/sh", "-c", "printf '#!/proc/self/exe\\n' > \(script); chmod 755 \(script)"]).code == 0)
        let before = try command(["/usr/bin/sha256sum", TestBundle.runtime]).output
        #expect(try bundle.run().code != 0)
        #expect(try command(["/usr/bin/sha256sum", TestBundle.runtime]).output == before)
    }
}

/// "net:[4026531840]"
func hostNamespace(_ name: String) -> String {
    var buffer = [UInt8](repeating: 0, count: 64)
    let count = buffer.withUnsafeMutableBytes { bytes in
        bytes.bindMemory(to: CChar.self).baseAddress.map { readlink("/proc/self/ns/\(name)", $0, 63) } ?? 0
    }
    return String(decoding: buffer.prefix(max(count, 0)), as: UTF8.self)
}

/// Polls, at most a minute.
func waitUntil(_ condition: () throws -> Bool) throws {
    for _ in 0..<6000 {
        if try condition() { return }
        usleep(10_000)
    }
    throw ProbeError(description: "waited a minute in vain")
}
