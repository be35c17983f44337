// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import OCI
import Runtime
import SystemPackage
import TestSupport
import Testing

@Suite(.asRoot, .busybox) struct MountOptionTests {
    /// A bundle with a volume at /vol that has a mount of its own below it.
    private func withVolume(_ script: String, _ options: [String], _ body: (TestBundle) throws -> Void) throws {
        let bundle = try TestBundle(shell: script)
        let volume = bundle.path.appending("volume")
        try makeDirectory(volume, mode: 0o755)
        try makeDirectory(volume.appending("sub"), mode: 0o755)
        try #require(try command(["/bin/mount", "-t", "tmpfs", "none", volume.appending("sub").string]).code == 0)
        defer { _ = try? command(["/bin/umount", volume.appending("sub").string]) }
        bundle.spec.mounts?.append(.init(destination: "/vol", type: "bind", source: volume.string, options: options))
        try body(bundle)
    }

    /// The words that /proc/self/mountinfo shows for /vol and /vol/sub, as far as they are asked about.
    @Test(
        "an attribute is the mount's own, one with an r before it also that of the mounts below",
        arguments: [
            ("ro", "ro", "rw"), ("rro", "ro", "ro"), ("nosuid", "nosuid", ""), ("rnosuid", "nosuid", "nosuid"),
            ("rnodev", "nodev", "nodev"),
            ("rnoexec", "noexec", "noexec"), ("rnoatime", "noatime", "noatime"), ("rnodiratime", "nodiratime", "nodiratime"),
            ("rnosymfollow", "nosymfollow", "nosymfollow"), ("nosymfollow", "nosymfollow", ""), ("rrelatime", "relatime", "relatime"),
        ])
    func attributes(option: String, own: String, below: String) throws {
        try withVolume("cat /proc/self/mountinfo", ["rbind", option]) { bundle in
            let mounts = MountInfo.parse(Array(try bundle.run().output.utf8))
            let volume = try #require(mounts.last { $0.mountPoint == "/vol" })
            let sub = try #require(mounts.last { $0.mountPoint == "/vol/sub" })
            #expect(volume.options.contains(own), "\(volume.options)")
            #expect(below.isEmpty ? !sub.options.contains(own) : sub.options.contains(below), "\(sub.options)")
        }
    }

    @Test(
        "propagation is the one asked for",
        arguments: [("rshared", "shared"), ("rslave", "master"), ("rprivate", ""), ("runbindable", "unbindable")])
    func propagation(option: String, field: String) throws {
        try withVolume("cat /proc/self/mountinfo", ["rbind", option]) { bundle in
            let volume = bundle.path.appending("volume").string
            // A bind of itself that has peers, so that a slave of it can be told from a private mount.
            try #require(try command(["/bin/mount", "--rbind", volume, volume]).code == 0)
            try #require(try command(["/bin/mount", "--make-rshared", volume]).code == 0)
            defer { _ = try? command(["/bin/umount", "-R", volume]) }
            let mounts = MountInfo.parse(Array(try bundle.run().output.utf8))
            let found = try #require(mounts.last { $0.mountPoint == "/vol" })
            if field.isEmpty {
                #expect(found.propagation.isEmpty, "\(found)")
            } else {
                #expect(found.propagation.contains { $0.hasPrefix(field) }, "\(found)")
            }
        }
    }

    @Test("a later remount changes what is mounted, and only its attributes") func remount() throws {
        try withVolume("touch /vol/x; echo $?; touch /vol/sub/x; echo $?", ["rbind"]) { bundle in
            bundle.spec.mounts?.append(.init(destination: "/vol", type: "none", options: ["remount", "ro"]))
            let changed = try bundle.run()
            #expect(changed.lines == ["1", "0"], "\(changed)")
            bundle.spec.mounts?.append(.init(destination: "/vol", options: ["remount", "size=1m"]))
            let refused = try bundle.run()
            #expect(refused.errors.contains("can't be changed"), "\(refused)")
        }
    }

    @Test("tmpcopyup begins with what the tmpfs covers, links uncopied through") func copyUp() throws {
        let bundle = try TestBundle(
            shell:
                "cat /data/f; stat -c '%a %u:%g' /data/f /data/d; readlink /data/d/link; stat -c %F /data/fifo; stat -c %a /data; echo x > /data/f; touch /data/d/new"
        )
        let data = bundle.rootfs.appending("data")
        let setUp = """
            mkdir -p \(data)/d; echo content > \(data)/f; chmod 4751 \(data)/f; chown 12:34 \(data)/f; chmod 4751 \(data)/f; chmod 1770 \(data)/d
            ln -s /etc/passwd \(data)/d/link; mkfifo \(data)/fifo; chmod 711 \(data)
            """
        try #require(try command(["/bin/sh", "-c", setUp]).code == 0)
        bundle.spec.mounts?.append(.init(destination: "/data", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup", "nosuid"]))
        let result = try bundle.run()
        #expect(result.lines == ["content", "4751 12:34", "1770 0:0", "/etc/passwd", "fifo", "711"], "\(result)")
        #expect(try readFile(data.appending("f")) == Array("content\n".utf8))
        #expect(access(data.appending("d").appending("new").string, F_OK) != 0)
    }

    @Test("tmpcopyup of what is read-only fills it first") func copyUpReadOnly() throws {
        let bundle = try TestBundle(shell: "cat /etc/f; touch /etc/new 2>&1 | grep -c Read-only")
        try replaceFile(bundle.rootfs.appending("etc/f"), with: Array("content\n".utf8), mode: 0o644)
        bundle.spec.mounts?.append(.init(destination: "/etc", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup", "ro"]))
        let result = try bundle.run()
        #expect(result.lines == ["content", "1"], "\(result)")
    }

    @Test("filesystem options reach the filesystem; a bind refuses them by name") func filesystemOptions() throws {
        let bundle = try TestBundle(shell: "grep ' /data ' /proc/self/mountinfo")
        bundle.spec.mounts?.append(
            .init(destination: "/data", type: "tmpfs", source: "tmpfs", options: ["sync", "size=1m", "silent", "nr_inodes=50", "noexec"]))
        let mount = try #require(MountInfo.parse(Array(try bundle.run().output.utf8)).first)
        #expect(mount.superOptions.contains("sync") && mount.superOptions.contains("size=1024k") && mount.options.contains("noexec"))
        bundle.spec.mounts?.removeLast()
        bundle.spec.mounts?.append(.init(destination: "/data", type: "bind", source: "/tmp", options: ["bind", "sync"]))
        #expect(try bundle.run().errors.contains("a filesystem's option"))
    }

    @Test("a container in the host's mount namespace leaves no mount behind", arguments: ["run", "create", "failing"])
    func inHostNamespace(how: String) throws {
        let bundle = try TestBundle(how == "failing" ? ["/bin/nowhere"] : ["/bin/sh", "-c", "readlink /proc/self/ns/mnt; ls /"])
        bundle.spec.linux?.namespaces?.removeAll { $0.type == "mount" }
        func here() throws -> Bool { try MountInfo.all().contains { $0.mountPoint.hasPrefix(bundle.path.string) } }
        if how == "create" {
            let child = try ChildProcess(bundle.arguments("create", ["--bundle", bundle.path.string, bundle.id]))
            #expect(try child.finishKeepingOutput() == 0, "\(child.errors)")
            #expect(try here())
            #expect(try bundle.verb("delete").code == 0)
        } else {
            let result = try bundle.run()
            if how == "failing" {
                #expect(result.code == 127, "\(result)")
            } else {
                #expect(result.lines.first == hostNamespace("mnt") && !result.lines.contains("home"), "\(result)")
            }
        }
        #expect(try !here())
    }

    @Test("a mount namespace is joined by its path") func joinedNamespace() throws {
        let holder = try ChildProcess([
            "/usr/bin/unshare", "--mount", "--propagation", "private", "/bin/sh", "-c", "echo ready; sleep 1000",
        ])
        defer {
            kill(holder.pid, SIGKILL)
            _ = try? holder.finish()
        }
        try waitUntil { holder.output == "ready\n" }
        let bundle = try TestBundle(shell: "readlink /proc/self/ns/mnt; ls -d /bin/probe")
        bundle.spec.linux?.namespaces?.removeAll { $0.type == "mount" }
        bundle.spec.linux?.namespaces?.append(.init(type: "mount", path: "/proc/\(holder.pid)/ns/mnt"))
        let result = try bundle.run()
        #expect(result.lines.count == 2 && result.lines.first != hostNamespace("mnt"), "\(result)")
        #expect(try !MountInfo.all().contains { $0.mountPoint.hasPrefix(bundle.path.string) })
    }

    @Test(
        "the root's propagation is the one asked for (X-41)",
        arguments: [
            ("", "master"), ("private", ""), ("rslave", "master"), ("shared", "shared"), ("rshared", "shared"),
            ("unbindable", "unbindable"),
        ])
    func rootPropagation(name: String, field: String) throws {
        let bundle = try TestBundle(shell: "cat /proc/self/mountinfo")
        bundle.spec.linux?.rootfsPropagation = name.isEmpty ? nil : name
        let root = try #require(MountInfo.parse(Array(try bundle.run().output.utf8)).first { $0.mountPoint == "/" })
        // A slave of nobody is private: whether the host's root has peers is the host's business.
        if field == "master" || field.isEmpty {
            #expect(!root.propagation.contains { $0.hasPrefix("shared") || $0 == "unbindable" }, "\(root)")
        } else {
            #expect(root.propagation.contains { $0.hasPrefix(field) }, "\(root)")
        }
        #expect(try !MountInfo.all().contains { $0.mountPoint.hasPrefix(bundle.path.string) })
    }

    @Test("a /proc that another container has moved away is noticed before it is masked (X-05)") func movedProc() throws {
        // A later mount at /proc's parent hides the procfs: the masks would go to a directory of the image.
        let bundle = try TestBundle()
        let fake = bundle.path.appending("fake")
        try makeDirectory(fake, mode: 0o755)
        try makeDirectory(bundle.rootfs.appending("view"), mode: 0o755)
        bundle.spec.mounts?.removeAll { $0.destination == "/proc" }
        bundle.spec.mounts? += [
            .init(destination: "/view/proc", type: "proc", source: "proc"),
            .init(destination: "/view", type: "bind", source: fake.string, options: ["bind"]),
        ]
        try makeDirectory(fake.appending("proc"), mode: 0o755)
        let result = try bundle.run()
        #expect(result.code == 125 && result.errors.contains("which is not the proc mounted there"), "\(result)")
    }

    @Test("devices of every type are made with their mode and owner") func devices() throws {
        let bundle = try TestBundle(shell: "stat -c '%F %t:%T %a %u:%g' /dev/a /dev/sub/b /dev/u /dev/p")
        bundle.spec.linux?.devices = [
            .init(type: "c", path: "/dev/a", major: 10, minor: 229, fileMode: 0o640, uid: 5, gid: 6),
            .init(type: "b", path: "/dev/sub/b", major: 7, minor: 3, fileMode: 0o600), .init(type: "u", path: "/dev/u", major: 1, minor: 3),
            .init(type: "p", path: "/dev/p", fileMode: 0o622, uid: 7),
        ]
        #expect(
            try bundle.run().lines == [
                "character special file a:e5 640 5:6", "block special file 7:3 600 0:0", "character special file 1:3 666 0:0",
                "fifo 0:0 622 7:0",
            ])
    }
}
