// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import Linux
import OCI
import Runtime
import SystemPackage
import TestSupport
import Testing

@Suite(.asRoot, .busybox) struct HookTests {
    /// What a hook wrote down: its moment, its mount and pid namespace, and the state that it was given.
    private struct Note {
        var moment: String
        var mountNamespace: String
        var state: State

        struct State: Decodable {
            var ociVersion: String
            var id: String
            var status: String
            var pid: Int32?
            var bundle: String
            var annotations: [String: String]?
        }
    }

    private static func hook(_ moment: String, _ log: String, then: String = "") -> RuntimeSpec.Hook {
        RuntimeSpec.Hook(
            path: "/bin/sh",
            args: ["sh", "-c", "{ echo \(moment); readlink /proc/self/ns/mnt; cat; echo; } >> \(log); \(then)"],
            env: ["PATH=/bin:/usr/bin", "ONLY=this"])
    }

    private func hooks(_ log: FilePath) -> RuntimeSpec.Hooks {
        var hooks = RuntimeSpec.Hooks()
        hooks.prestart = [Self.hook("prestart", log.string)]
        hooks.createRuntime = [Self.hook("createRuntime", log.string), Self.hook("createRuntime2", log.string)]
        hooks.createContainer = [Self.hook("createContainer", log.string)]
        hooks.startContainer = [Self.hook("startContainer", "/log")]
        hooks.poststart = [Self.hook("poststart", log.string)]
        hooks.poststop = [Self.hook("poststop", log.string)]
        return hooks
    }

    private func notes(_ log: FilePath) throws -> [Note] {
        let lines = String(decoding: (try? readFile(log)) ?? [], as: UTF8.self).split(separator: "\n").map(String.init)
        return try stride(from: 0, to: lines.count - lines.count % 3, by: 3).map { index in
            Note(
                moment: lines[index], mountNamespace: lines[index + 1],
                state: try JSON.decode(Note.State.self, from: Array(lines[index + 2].utf8)))
        }
    }

    @Test("hooks run at their moments, in their namespaces, with the state that holds then", arguments: [false, true])
    func moments(withUserNamespace: Bool) throws {
        let bundle = try TestBundle(shell: "echo program >> /log; exec /bin/probe pause")
        let log = bundle.path.appending("log")
        bundle.spec.hooks = hooks(log)
        bundle.spec.annotations = ["a": "b"]
        if withUserNamespace {
            bundle.map(from: 100_000)
            _ = chmod(bundle.path.string, 0o777)
        }
        let create = try bundle.arguments(
            "create", ["--bundle", bundle.path.string] + (withUserNamespace ? ["--id-mapped-root"] : []) + [bundle.id])
        // Readable for the container's root, who runs createContainer.
        try replaceFile(log, with: [], mode: 0o666)
        try #require(chmod(log.string, 0o666) == 0)
        let child = try ChildProcess(create)
        #expect(try child.finishKeepingOutput() == 0, "\(child.errors)")
        let pid = try bundle.pid()
        let created = try notes(log)
        #expect(created.map(\.moment) == ["prestart", "createRuntime", "createRuntime2", "createContainer"])
        #expect(
            created.allSatisfy {
                $0.state.status == ($0.moment == "prestart" ? "created" : "creating") && $0.state.id == bundle.id
                    && $0.state.bundle == bundle.path.string
            })
        #expect(created.map(\.state.pid) == [pid, pid, pid, 1])
        #expect(created.allSatisfy { $0.state.annotations == ["a": "b"] })
        #expect(created.prefix(3).allSatisfy { $0.mountNamespace == hostNamespace("mnt") })
        #expect(created.last?.mountNamespace != hostNamespace("mnt"))
        #expect(try notes(bundle.rootfs.appending("log")).isEmpty)

        let started = try bundle.verb("start")
        #expect(started.code == 0, "\(started)")
        try waitUntil { child.output == "ready\n" }
        let inside = try String(decoding: readFile(bundle.rootfs.appending("log")), as: UTF8.self).split(separator: "\n")
        #expect(inside.first == "startContainer" && inside.last == "program" && inside.count == 4, "\(inside)")
        #expect(try notes(bundle.rootfs.appending("log")).map(\.state.status) == ["created"])
        let poststart = try #require(try notes(log).last)
        #expect(poststart.moment == "poststart" && poststart.state.status == "running" && poststart.state.pid == pid)
        #expect(try notes(log).count == 5)

        #expect(try bundle.verb("delete", ["--force"]).code == 0)
        let poststop = try #require(try notes(log).last)
        #expect(poststop.moment == "poststop" && poststop.state.status == "stopped" && poststop.state.pid == nil)
        #expect(try notes(log).count == 6)
    }

    @Test("`run` has the same hooks around its program") func run() throws {
        let bundle = try TestBundle(shell: "true")
        let log = bundle.path.appending("log")
        bundle.spec.hooks = hooks(log)
        #expect(try bundle.run().code == 0)
        #expect(
            try notes(log).map(\.moment) == ["prestart", "createRuntime", "createRuntime2", "createContainer", "poststart", "poststop"])
    }

    @Test("what a hook has started in the container's group goes with a start that fails, also where the container has the host's pids")
    func leftByHook() throws {
        let bundle = try TestBundle()
        bundle.spec.linux?.namespaces?.removeAll { $0.type == "pid" }
        var hooks = RuntimeSpec.Hooks()
        let script = "sleep 1000 >/dev/null 2>&1 & echo $! > \(bundle.path)/left; exit 7"
        hooks.createContainer = [RuntimeSpec.Hook(path: "/bin/sh", args: ["sh", "-c", script], env: ["PATH=/bin:/usr/bin"])]
        bundle.spec.hooks = hooks
        let result = try bundle.run()
        #expect(result.code == 125 && result.errors.contains("ended with code 7"), "\(result)")
        let text = String(decoding: try readFile(bundle.path.appending("left")), as: UTF8.self)
        let left = try #require(Int32(text.split(separator: "\n").first ?? ""))
        #expect(kill(left, 0) == -1 || (try? ProcessStat(of: left))?.isExiting == true, "it runs on")
        #expect(try CgroupHandle(existing: "ctr-swift-oci/\(bundle.id)", CgroupLayout.detect()).directories.isEmpty)
    }

    @Test(
        "a hook before the program that fails ends the container, and its poststop hooks run",
        arguments: ["prestart", "createRuntime", "createContainer", "startContainer"])
    func failing(moment: String) throws {
        let bundle = try TestBundle(shell: "echo program > /ran")
        let log = bundle.path.appending("log")
        var hooks = RuntimeSpec.Hooks()
        let bad = [RuntimeSpec.Hook(path: "/bin/sh", args: ["sh", "-c", "echo 'it is so' >&2; exit 7"])]
        switch moment {
        case "prestart": hooks.prestart = bad
        case "createRuntime": hooks.createRuntime = bad
        case "createContainer": hooks.createContainer = bad
        default: hooks.startContainer = bad
        }
        hooks.poststop = [Self.hook("poststop", log.string)]
        bundle.spec.hooks = hooks
        let result = try bundle.run()
        #expect(result.code == 125 && result.errors.contains("\(moment) hook \"/bin/sh\" ended with code 7: it is so"), "\(result)")
        #expect(access(bundle.rootfs.appending("ran").string, F_OK) != 0)
        #expect(try notes(log).map(\.moment) == ["poststop"])
        #expect(try bundle.verb("state").code != 0)
    }

    @Test("a startContainer hook that fails is `start`'s error") func failingStart() throws {
        let bundle = try TestBundle(shell: "echo program > /ran")
        var hooks = RuntimeSpec.Hooks()
        hooks.startContainer = [.init(path: "/bin/sh", args: ["sh", "-c", "exit 3"])]
        bundle.spec.hooks = hooks
        let child = try ChildProcess(bundle.arguments("create", ["--bundle", bundle.path.string, bundle.id]))
        #expect(try child.finishKeepingOutput() == 0)
        let started = try bundle.verb("start")
        #expect(started.code == 125 && started.errors.contains("startContainer hook \"/bin/sh\" ended with code 3"), "\(started)")
        try waitUntil { try bundle.status() == "stopped" }
        #expect(access(bundle.rootfs.appending("ran").string, F_OK) != 0)
        #expect(try bundle.verb("delete").code == 0)
    }

    @Test("a poststart or poststop hook that fails is a warning") func failingAfterwards() throws {
        let bundle = try TestBundle(shell: "true")
        let log = bundle.path.appending("log")
        var hooks = RuntimeSpec.Hooks()
        hooks.poststart = [.init(path: "/bin/false"), Self.hook("poststart", log.string)]
        hooks.poststop = [.init(path: "/nowhere"), Self.hook("poststop", log.string)]
        bundle.spec.hooks = hooks
        let result = try bundle.run()
        #expect(result.code == 0, "\(result)")
        #expect(result.errors.contains("warning:") && result.errors.contains("/bin/false") && result.errors.contains("/nowhere"))
        #expect(try notes(log).map(\.moment) == ["poststart", "poststop"])
    }

    @Test("a hook that takes longer than its timeout is killed") func late() throws {
        let bundle = try TestBundle(shell: "true")
        var hooks = RuntimeSpec.Hooks()
        hooks.createRuntime = [.init(path: "/bin/sleep", args: ["sleep", "1000"], timeout: 1)]
        bundle.spec.hooks = hooks
        let result = try bundle.run()
        #expect(result.code == 125 && result.errors.contains("did not end within 1 s"), "\(result)")
    }

    @Test("a hook gets its own environment and arguments, 0, 1 and 2, and nothing else") func surroundings() throws {
        let bundle = try TestBundle(shell: "true")
        let log = bundle.path.appending("log")
        var hooks = RuntimeSpec.Hooks()
        hooks.createRuntime = [
            .init(
                path: "/bin/sh",
                args: ["zero", "-c", "echo $0 $1 > \(log); env >> \(log); ls /proc/self/fd | wc -l >> \(log)", "x", "one"], env: ["A=1"])
        ]
        bundle.spec.hooks = hooks
        let open = (0..<20).map { _ in Glibc.open("/", O_RDONLY) }
        defer { for descriptor in open { close(descriptor) } }
        #expect(try bundle.run().code == 0)
        let lines = try String(decoding: readFile(log), as: UTF8.self).split(separator: "\n").map(String.init)
        #expect(lines.first == "x one" && lines.contains("A=1"))
        #expect(!lines.contains { $0.hasPrefix("HOME=") || $0.hasPrefix("PATH=/") && $0.contains("swift") }, "\(lines)")
        // The three, and the directory that `ls` reads.
        #expect(lines.last == "4", "\(lines)")
    }

    @Test("a hook that can't be is refused before anything is made") func refused() throws {
        for hook in [RuntimeSpec.Hook(path: "bin/true"), .init(path: "/bin/true", timeout: 0), .init(path: "/bin/true", args: ["a\0b"])] {
            let bundle = try TestBundle()
            var hooks = RuntimeSpec.Hooks()
            hooks.poststop = [hook]
            bundle.spec.hooks = hooks
            #expect(try bundle.run().code == 125)
        }
    }
}
