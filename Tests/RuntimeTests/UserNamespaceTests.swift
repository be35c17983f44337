// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import OCI
import Runtime
import SystemPackage
import TestSupport
import Testing

@Suite(.asRoot, .busybox) struct UserNamespaceTests {
    private static let first: UInt32 = 100_000

    /// A bundle whose ids 0 to 65535 are the host's from 100000 on. Its files stay the host root's and are id-mapped.
    private func mapped(shell script: String, mapRoot: Bool = true) throws -> TestBundle {
        let bundle = try TestBundle(shell: script)
        bundle.map(from: Self.first)
        if mapRoot { bundle.options.append("--id-mapped-root") }
        return bundle
    }

    @Test("root inside is nobody on the host, in namespaces of its own") func identity() throws {
        let bundle = try mapped(
            shell: "id -u; cat /proc/self/uid_map; readlink /proc/self/ns/user; cat /proc/self/setgroups; exec /bin/probe pause")
        let child = try bundle.start()
        try waitUntil { child.output.contains("ready") || !child.errors.isEmpty }
        let lines = child.output.split(separator: "\n").map(String.init)
        try #require(lines.count == 5, "\(child.errors)")
        #expect(lines[0] == "0")
        #expect(lines[1].split(separator: " ") == ["0", "100000", "65536"])
        #expect(lines[2] != hostNamespace("user"))
        #expect(lines[3] == "allow")
        try bundle.waitForRecord()
        let pid = try bundle.pid()
        let status = String(decoding: try readFile(FilePath("/proc/\(pid)/status")), as: UTF8.self)
        #expect(status.contains("Uid:\t100000\t100000\t100000\t100000"))
        #expect(status.contains("Groups:\t \n") || status.contains("Groups:\t\n"))
        // Every namespace belongs to the new user namespace: what needs its rights works inside.
        let score = try readFile(FilePath("/proc/\(pid)/oom_score_adj"))
        #expect(String(decoding: score, as: UTF8.self) == "0\n")
        _ = try bundle.verb("delete", ["--force"])
        _ = try child.finish()
    }

    @Test("an id-mapped directory is the container's: no owner changes on the disk") func directory() throws {
        let bundle = try mapped(
            shell: "stat -c %u:%g /bin/busybox /tmp; touch /new && stat -c %u /new; echo x > /dev/null && ls /proc/1/fd >/dev/null")
        let result = try bundle.run()
        #expect(result.lines == ["0:0", "0:0", "0"], "\(result)")
        #expect(try owner(bundle.rootfs.appending("new")) == 0)
        #expect(try owner(bundle.rootfs.appending("bin/busybox")) == 0)
    }

    @Test("a directory whose files have the mapped ids is taken as it is") func shifted() throws {
        let bundle = try mapped(shell: "stat -c %u /etc; touch /new && stat -c %u /new", mapRoot: false)
        // Its binaries are links to those of other tests.
        let own = "cd \(bundle.rootfs)/bin && for f in busybox probe; do cp $f own && mv own $f; done"
        try #require(try command(["/bin/sh", "-c", own]).code == 0)
        try command(["/bin/chown", "-R", "100000:100000", bundle.rootfs.string])
        #expect(try bundle.run().lines == ["0", "0"])
        #expect(try owner(bundle.rootfs.appending("new")) == Self.first)
    }

    @Test("an overlay's layers are id-mapped: what is written gets the container's ids on the disk", arguments: ["automatic", "options"])
    func overlay(method: String) throws {
        let bundle = try mapped(
            shell: "stat -c %u /bin/busybox; touch /new; echo changed > /etc/old; rm /tmp/gone; mkdir /d && stat -c %u /d; ls -A /tmp",
            mapRoot: false)
        for (name, text) in [("etc/old", "old"), ("tmp/gone", "gone")] {
            try replaceFile(bundle.rootfs.appending(FilePath(name).components), with: Array(text.utf8), mode: 0o644)
        }
        let upper = bundle.path.appending("upper")
        let work = bundle.path.appending("work")
        for directory in [upper, work] { try makeDirectory(directory, mode: 0o755) }
        let overlay = [
            "\"store\": \"\(bundle.path)\"", "\"lowerdirs\": [\"rootfs\"]", "\"upper\": \"\(upper)\"", "\"work\": \"\(work)\"",
            "\"method\": \"\(method)\"",
        ]
        let file = bundle.path.appending("overlay.json")
        try replaceFile(file, with: Array("{\(overlay.joined(separator: ", "))}".utf8))
        bundle.options += ["--overlay", file.string]
        let result = try bundle.run()
        #expect(result.lines == ["0", "0"] && result.code == 0, "\(result)")
        for name in ["new", "etc/old", "d"] { #expect(try owner(upper.appending(FilePath(name).components)) == 0, "\(name)") }
        var whiteout = stat()
        #expect(stat(upper.appending("tmp").appending("gone").string, &whiteout) == 0 && whiteout.st_mode & S_IFMT == S_IFCHR)
        #expect(try owner(bundle.rootfs.appending("bin").appending("busybox")) == 0)
        // Nothing of the building is left in the host's table.
        #expect(try !MountInfo.all().contains { $0.mountPoint.hasPrefix(bundle.path.string) })
    }

    @Test("device nodes are the container's own: the host's keep owner and mode (X-40)") func devices() throws {
        var before = stat()
        #expect(stat("/dev/null", &before) == 0)
        let bundle = try mapped(
            shell:
                "stat -c '%t:%T %u' /dev/null /dev/zero; chown 5:5 /dev/null && chmod 600 /dev/null && stat -c '%a %u' /dev/null; mknod /tmp/n c 1 3 || echo refused"
        )
        try bundle.addApplets(["chown", "chmod", "mknod"])
        let result = try bundle.run()
        #expect(result.lines == ["1:3 0", "1:5 0", "600 5", "refused"], "\(result)")
        var after = stat()
        #expect(stat("/dev/null", &after) == 0)
        #expect(after.st_uid == before.st_uid && after.st_mode == before.st_mode && after.st_ctim.tv_sec == before.st_ctim.tv_sec)
    }

    @Test("a terminal belongs to the container's user") func terminal() throws {
        let bundle = try mapped(shell: "tty; stat -c %u:%g $(tty); stat -c %u /dev/pts/ptmx")
        bundle.spec.process?.terminal = true
        let result = try bundle.run()
        #expect(result.output.split { $0.isNewline } == ["/dev/pts/0", "0:5", "0"], "\(result)")
    }

    @Test("another user of the container gets its pipes and its id") func otherUser() throws {
        let bundle = try mapped(shell: "id -u; id -G; echo again >> /dev/stdout")
        bundle.spec.process?.user = .init(uid: 1000, gid: 1000, additionalGids: [20, 30])
        let result = try bundle.run()
        #expect(result.lines == ["1000", "1000 20 30", "again"], "\(result)")
    }

    @Test("masked paths, read-only paths, sysctls and the network stand as without a user namespace") func restOfTheSpec() throws {
        let bundle = try mapped(
            shell:
                "wc -c < /proc/timer_list; (echo 1 > /proc/sys/net/ipv4/ip_forward) 2>&1 | grep -c Read-only; cat /proc/sys/net/ipv4/ip_unprivileged_port_start; "
                + "ip -o link | grep -c LOOPBACK,UP; cat /proc/sys/kernel/hostname; cat /proc/sys/kernel/domainname; ulimit -n")
        try bundle.addApplets(["wc"])
        bundle.spec.hostname = "mapped"
        bundle.spec.linux?.sysctl = ["net.ipv4.ip_unprivileged_port_start": "80", "kernel.domainname": "example.org"]
        bundle.spec.process?.rlimits = [.init(type: "RLIMIT_NOFILE", hard: 3000, soft: 2000)]
        let result = try bundle.run()
        #expect(result.lines == ["0", "1", "80", "1", "mapped", "example.org", "2000"], "\(result)")
    }

    @Test("a bind of a directory that only the host's root reaches works, and its mounts stay in the container (X-41)") func binds() throws
    {
        let bundle = try mapped(shell: "cat /vol/f; mount -t tmpfs none /vol/sub && echo mounted; exec /bin/probe pause")
        let secret = bundle.path.appending("secret")
        try makeDirectory(secret, mode: 0o700)
        try makeDirectory(secret.appending("vol"), mode: 0o755)
        try makeDirectory(secret.appending("vol").appending("sub"), mode: 0o755)
        try replaceFile(secret.appending("vol").appending("f"), with: Array("inside\n".utf8), mode: 0o644)
        bundle.spec.mounts?.append(
            .init(destination: "/vol", type: "bind", source: secret.appending("vol").string, options: ["rbind", "idmap"]))
        let all = DefaultSpec.capabilities + ["CAP_SYS_ADMIN"]
        bundle.spec.process?.capabilities = .init(bounding: all, effective: all, permitted: all)
        let child = try bundle.start()
        try waitUntil { child.output.contains("ready") || !child.errors.isEmpty }
        #expect(child.output == "inside\nmounted\nready\n", "\(child.errors)")
        #expect(try !MountInfo.all().contains { $0.mountPoint.hasPrefix(bundle.path.string) })
        _ = try bundle.verb("delete", ["--force"])
        _ = try child.finish()
    }

    @Test("an existing user namespace is joined by its path, whatever else is new") func joined() throws {
        let outer = try mapped(shell: "exec /bin/probe pause")
        let child = try outer.start()
        try waitUntil { child.output.contains("ready") || !child.errors.isEmpty }
        try outer.waitForRecord()
        let path = "/proc/\(try outer.pid())/ns/user"
        let inner = try TestBundle(shell: "readlink /proc/self/ns/user; id -u; echo $$")
        inner.spec.linux?.namespaces?.append(.init(type: "user", path: path))
        inner.options.append("--id-mapped-root")
        let lines = try inner.run().lines
        #expect(lines.count == 3 && lines.dropFirst() == ["0", "1"], "\(lines)")
        var buffer = [UInt8](repeating: 0, count: 64)
        let count = buffer.withUnsafeMutableBytes { bytes in
            bytes.bindMemory(to: CChar.self).baseAddress.map { readlink(path, $0, 63) } ?? 0
        }
        #expect(lines.first == String(decoding: buffer.prefix(max(count, 0)), as: UTF8.self))
        _ = try outer.verb("delete", ["--force"])
        _ = try child.finish()
    }

    @Test("a mapping that can't be is refused before anything is made", arguments: BadMapping.all) func refused(bad: BadMapping) throws {
        let bundle = try mapped(shell: "true")
        bad.change(&bundle.spec)
        let result = try bundle.run()
        #expect(result.code == 125 && result.errors.contains(bad.message), "\(result)")
    }

    private func owner(_ path: FilePath) throws -> UInt32 {
        var status = stat()
        try #require(lstat(path.string, &status) == 0)
        return status.st_uid
    }

    /// What `exec` shows of itself in a container that runs.
    private func exec(in bundle: TestBundle, _ words: String...) throws -> Outcome {
        let child = try bundle.start()
        defer {
            _ = try? bundle.verb("delete", ["--force"])
            _ = try? child.finish()
        }
        try waitUntil { child.output.contains("ready") || !child.errors.isEmpty }
        try waitUntil { try bundle.verb("state").code == 0 || !child.errors.isEmpty }
        return try command([TestBundle.runtime, "exec", "--root", bundle.state.string, bundle.id] + words)
    }

    @Test("a further process is scheduled as only the host's root may ask for") func schedulingOfExec() throws {
        let bundle = try mapped(shell: "exec /bin/probe pause")
        bundle.spec.process?.scheduler = RuntimeSpec.Scheduler(policy: "SCHED_OTHER")
        bundle.spec.process?.scheduler?.nice = -5
        bundle.spec.process?.ioPriority = RuntimeSpec.IOPriority(class: "IOPRIO_CLASS_RT", priority: 3)
        let result = try exec(in: bundle, "/bin/cat", "/proc/self/stat")
        let fields = result.output.split(separator: " ")
        #expect(fields.count > 18 && fields[18] == "-5", "\(result)")
    }

    @Test(
        "a further process has limits that only the host's root may raise",
        .enabled("needs CAP_SYS_RESOURCE") { try ownCapabilities() & 1 << 24 != 0 })
    func limitsOfExec() throws {
        let bundle = try mapped(shell: "exec /bin/probe pause")
        // Above what a process has by default, and for the first process, too.
        bundle.spec.process?.rlimits = [RuntimeSpec.Rlimit(type: "RLIMIT_MEMLOCK", hard: .max, soft: .max)]
        let result = try exec(in: bundle, "/bin/grep", "Max locked memory", "/proc/self/limits")
        #expect(result.output.split(separator: " ").filter { $0 == "unlimited" }.count == 2, "\(result)")
    }
}

struct BadMapping: Sendable, CustomTestStringConvertible {
    var message: String
    var change: @Sendable (inout RuntimeSpec) -> Void
    var testDescription: String { message }

    static let all: [BadMapping] = [
        .init(message: "must map id 0") { $0.linux?.uidMappings?[0].containerID = 1 },
        .init(message: "go together") { $0.linux?.gidMappings = nil },
        .init(message: "needs uidMappings") {
            $0.linux?.uidMappings = nil
            $0.linux?.gidMappings = nil
        },
        .init(message: "need a user namespace") { $0.linux?.namespaces?.removeAll { $0.type == "user" } },
        .init(message: "two lines have ids in common") {
            $0.linux?.uidMappings?.append(.init(containerID: 10, hostID: 300_000, size: 1))
        },
        .init(message: "can't be") { $0.linux?.uidMappings?[0].size = 0 },
        .init(message: "is not in uidMappings") { $0.process?.user.uid = 70_000 },
        .init(message: "is not in gidMappings") { $0.process?.user.additionalGids = [70_000] },
    ]
}

private func ownCapabilities() throws -> UInt64 {
    let status = String(decoding: try readFile("/proc/self/status"), as: UTF8.self)
    let line = status.split(separator: "\n").first { $0.hasPrefix("CapEff:") } ?? ""
    return UInt64(line.split(separator: "\t").last ?? "", radix: 16) ?? 0
}
