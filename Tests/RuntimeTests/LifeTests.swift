// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import Linux
import OCI
import Runtime
import SystemPackage
import TestSupport
import Testing

@Suite(.asRoot, .busybox) struct LifeTests {
    @Test("create, start, kill, delete: each state is the spec's") func life() throws {
        let bundle = try TestBundle(shell: "echo started; exec /bin/probe pause")
        let child = try ChildProcess(
            bundle.arguments("create", ["--bundle", bundle.path.string, "--pid-file", bundle.path.appending("pid").string, bundle.id]))
        let created = try child.finishKeepingOutput()
        #expect(created == 0)
        #expect(try bundle.status() == "created")
        #expect(child.output.isEmpty)
        #expect(try bundle.verb("start").code == 0)
        try waitUntil { child.output == "started\nready\n" }
        #expect(try bundle.status() == "running")
        #expect(try bundle.verb("start").code != 0)
        #expect(try bundle.verb("delete").code != 0)
        #expect(try command(bundle.arguments("create", ["--bundle", bundle.path.string, bundle.id])).code != 0)
        #expect(try command(bundle.arguments("kill", [bundle.id, "KILL"])).code == 0)
        try waitUntil { try bundle.status() == "stopped" }
        #expect(try bundle.verb("delete").code == 0)
        #expect(try bundle.verb("state").code != 0)
    }

    @Test("a start that was ended when it had opened the gate has started it; a second one at the same time is refused") func startOnce()
        throws
    {
        let bundle = try TestBundle(shell: "echo started; exec /bin/probe pause")
        let child = try ChildProcess(bundle.arguments("create", ["--bundle", bundle.path.string, bundle.id]))
        #expect(try child.finishKeepingOutput() == 0)
        defer { _ = try? bundle.verb("delete", ["--force"]) }
        do {
            let other = try openFile(bundle.state.appending(bundle.id), O_RDONLY | O_DIRECTORY)
            #expect(flock(other.raw, LOCK_EX | LOCK_NB) == 0)
            let refused = try bundle.verb("start")
            #expect(refused.code != 0 && refused.errors.contains("is being started already"), "\(refused)")
            #expect(flock(other.raw, LOCK_UN) == 0)
        }
        #expect(try bundle.status() == "created")
        try writeFile(bundle.state.appending(bundle.id).appending("exec.fifo"), "s")
        try waitUntil { child.output == "started\nready\n" }
        #expect(try bundle.status() == "running")
        let again = try bundle.verb("start")
        #expect(again.code != 0 && again.errors.contains("is running, not created"), "\(again)")
    }

    @Test("a container that was only created can be deleted") func deleteCreated() throws {
        let bundle = try TestBundle()
        #expect(try command(bundle.arguments("create", ["--bundle", bundle.path.string, bundle.id])).code == 0)
        #expect(try bundle.verb("delete").code == 0)
        #expect(try bundle.verb("delete", ["--force"]).code == 0)
        #expect(try bundle.verb("delete").code != 0)
    }

    @Test("create tells a wrong program before start") func createTells() throws {
        let bundle = try TestBundle(["/bin/nowhere"])
        let result = try command(bundle.arguments("create", ["--bundle", bundle.path.string, bundle.id]))
        #expect(result.code == 127 && result.errors.contains("not found"), "\(result)")
    }

    @Test("signals to `run` reach the program") func forwarded() throws {
        let bundle = try TestBundle(shell: "trap 'echo got; exit 42' TERM; echo ready; while :; do sleep 0.05; done")
        let child = try bundle.start()
        try waitUntil { child.output == "ready\n" }
        kill(child.pid, SIGTERM)
        let result = try child.finish()
        #expect(result.code == 42 && result.output == "ready\ngot\n", "\(result)")
    }

    @Test("the terminal is the container's own, and has its size") func terminal() throws {
        let bundle = try TestBundle(shell: "tty; readlink /proc/self/fd/0; stat -c %t:%T /dev/console; [ -t 1 ] && echo yes")
        bundle.spec.process?.terminal = true
        let result = try bundle.run()
        let lines = result.output.split { $0 == "\r\n" || $0 == "\n" }.map { String($0) }
        #expect(lines.count == 4 && lines[0] == "/dev/pts/0" && lines[1] == "/dev/pts/0" && lines[3] == "yes", "\(result)")
        #expect(lines.count > 2 && lines[2].hasPrefix("88:"), "\(result)")
    }

    @Test("ids that are paths are refused", arguments: ["../x", "a/b", "", ".", "..", "x\ny"]) func ids(id: String) throws {
        let bundle = try TestBundle()
        #expect(try command(bundle.arguments("create", ["--bundle", bundle.path.string, id])).code != 0)
    }

    @Test("global options stand before the verb, as engines put them") func globalOptions() throws {
        let bundle = try TestBundle(["/bin/nowhere"])
        let arguments = try bundle.arguments("create", ["--bundle", bundle.path.string, bundle.id])
        let log = bundle.path.appending("log.json")
        let result = try command(
            [TestBundle.runtime, "--root", bundle.state.string, "--log=\(log)", "--log-format", "json"] + [arguments[1]]
                + arguments.dropFirst(4))
        #expect(result.code == 127, "\(result)")
        #expect(try JSON.parse(readFile(log))["msg"]?.stringValue?.contains("not found") == true)
    }

    @Test("spec, features, list and --version answer") func answers() throws {
        let bundle = try TestBundle()
        #expect(try command([TestBundle.runtime, "--version"]).output.contains("spec: 1.2.0"))
        let features = try command([TestBundle.runtime, "features"])
        #expect(try JSON.parse(Array(features.output.utf8))["linux"]?["seccomp"] != nil)
        #expect(try command(bundle.arguments("list")).lines.count == 1)
        try makeDirectory(bundle.path.appending("new"), mode: 0o755)
        #expect(try command([TestBundle.runtime, "spec", "--bundle", bundle.path.appending("new").string]).code == 0)
        let spec = try JSON.decode(RuntimeSpec.self, from: readFile(bundle.path.appending("new/config.json")))
        #expect(spec == DefaultSpec.make())
    }

    @Test("fifty starts leave no descriptor, process, cgroup or directory behind") func census() throws {
        let bundle = try TestBundle()
        func groups() throws -> Int {
            try CgroupLayout.detect().hierarchies.reduce(0) { count, hierarchy in
                count
                    + (try command(["/bin/ls", "-A", "\(hierarchy.mountPoint)/ctr-swift-oci"]).lines.filter { $0.hasPrefix(bundle.id) }
                        .count)
            }
        }
        for _ in 0..<50 { #expect(try bundle.run().code == 0) }
        #expect(try groups() == 0)
        #expect(try command(["/bin/ls", "-A", bundle.state.string]).output.isEmpty)
    }
}

extension ChildProcess {
    /// Waits for the command itself; a container that it left behind goes on writing.
    func finishKeepingOutput() throws -> Int32 {
        var status: CInt = 0
        waitpid(pid, &status, 0)
        return (status >> 8) & 0xFF
    }
}
