// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import OCI
import SystemPackage
import TestSupport
import Testing

/// What is left of a container whose making was not finished: nothing, or what `delete --force` removes.
@Suite(.asRoot, .busybox) struct CutOffTests {
    private func group(_ bundle: TestBundle) throws -> CgroupHandle {
        CgroupHandle(existing: "ctr-swift-oci/\(bundle.id)", try CgroupLayout.detect())
    }

    /// For a test that fails.
    private func clean(_ bundle: TestBundle) {
        guard let group = try? group(bundle) else { return }
        try? group.killAll()
        try? group.delete()
    }

    private func create(_ bundle: TestBundle, _ options: [String] = []) throws -> Outcome {
        try command(bundle.arguments("create", ["--bundle", bundle.path.string] + options + [bundle.id]))
    }

    @Test(
        "a create or run that can't tell about its container leaves none: no process, group or record",
        arguments: ["--console-socket", "--timings", "--pid-file"], ["create", "run"])
    func untold(option: String, verb: String) throws {
        let bundle = try TestBundle(["/bin/probe", "pause"])
        defer { clean(bundle) }
        bundle.spec.process?.terminal = option == "--console-socket"
        let note = bundle.path.appending("poststop")
        bundle.spec.hooks = RuntimeSpec.Hooks()
        bundle.spec.hooks?.poststop = [RuntimeSpec.Hook(path: "/bin/busybox", args: ["touch", note.string])]
        let result = try command(
            bundle.arguments(verb, ["--bundle", bundle.path.string, option, "\(bundle.path)/nowhere/x", bundle.id]))
        #expect(result.code == 1 && result.errors.contains("/nowhere/x"), "\(result)")
        #expect(try group(bundle).directories.isEmpty)
        #expect(access(bundle.state.appending(bundle.id).string, F_OK) == -1)
        #expect(access(note.string, F_OK) == 0, "its end has hooks, too")
    }

    @Test("a console socket may have a path of any length", arguments: [80, 107, 108, 250]) func longSocket(length: Int) throws {
        let bundle = try TestBundle(["/bin/probe", "pause"])
        defer { clean(bundle) }
        bundle.spec.process?.terminal = true
        let directory = bundle.path.appending(String(repeating: "s", count: length - bundle.path.length - 3))
        try makeDirectory(directory, mode: 0o755)
        let path = directory.appending("c")
        let listener = try UnixSocket.listen(at: path, .stream, mode: 0o600)
        let result = try create(bundle, ["--console-socket", path.string])
        try #require(result.code == 0, "\(result)")
        guard let connection = try UnixSocket.accept(listener) else { throw Failure("nobody called") }
        var message = try UnixSocket.receive(from: connection, limit: 100)
        guard let terminal = message.takeDescriptor() else { throw Failure("no terminal came") }
        #expect(isTerminal(terminal.raw))
        #expect(try bundle.verb("delete", ["--force"]).code == 0)
    }

    @Test("a create that was killed in a hook is removed by force, with what is in its group; then the name is free")
    func killedInHook() throws {
        let bundle = try TestBundle(["/bin/probe", "pause"])
        defer { clean(bundle) }
        let note = bundle.path.appending("hook")
        bundle.spec.hooks = RuntimeSpec.Hooks()
        bundle.spec.hooks?.createRuntime = [RuntimeSpec.Hook(path: "/bin/sh", args: ["sh", "-c", "echo $$ > \(note); exec sleep 600"])]
        let child = try ChildProcess(bundle.arguments("create", ["--bundle", bundle.path.string, bundle.id]))
        var hook: Int32?
        defer { if let hook { kill(hook, SIGKILL) } }
        try waitUntil {
            hook = (try? readFile(note)).flatMap { Int32(String(decoding: $0, as: UTF8.self).split(separator: "\n").first ?? "") }
            return hook != nil || !child.errors.isEmpty
        }
        try #require(hook != nil, "\(child.errors)")
        child.signal(SIGKILL)
        _ = try child.finish()
        #expect(try bundle.verb("state").errors.contains("delete --force"))
        // As one that the launch had left: the container's own process gives up by itself when its maker is gone.
        let left = try ChildProcess(["sleep", "600"])
        defer { left.signal(SIGKILL) }
        let unified = try #require(group(bundle).unified)
        try writeFile(unified.location.appending("cgroup.procs"), "\(left.pid)")
        #expect(try bundle.verb("delete").code != 0)
        let removed = try bundle.verb("delete", ["--force"])
        #expect(removed.code == 0, "\(removed)")
        #expect(try left.finish(seconds: 30).code == 137)
        #expect(try group(bundle).directories.isEmpty)
        bundle.spec.hooks = nil
        let again = try create(bundle)
        #expect(again.code == 0, "\(again)")
        #expect(try bundle.verb("delete", ["--force"]).code == 0)
    }

    @Test("a directory without a record is removed by force") func noRecord() throws {
        let bundle = try TestBundle()
        try makeDirectory(bundle.state, mode: 0o711)
        try makeDirectory(bundle.state.appending(bundle.id), mode: 0o700)
        #expect(try create(bundle).errors.contains("exists already"))
        #expect(try bundle.verb("delete").code != 0)
        #expect(try bundle.verb("delete", ["--force"]).code == 0)
        #expect(try create(bundle).code == 0)
        #expect(try bundle.verb("delete", ["--force"]).code == 0)
    }

    @Test("a group that another container is in stays that one's, when a create for the same group was refused") func othersGroup() throws {
        let first = try TestBundle(["/bin/probe", "pause"])
        let second = try TestBundle(["/bin/probe", "pause"])
        defer { clean(first) }
        second.spec.linux?.cgroupsPath = "ctr-swift-oci/\(first.id)"
        try #require(try create(first).code == 0)
        let result = try create(second)
        #expect(result.code != 0 && result.errors.contains("holds processes"), "\(result)")
        #expect(try second.verb("delete", ["--force"]).code == 0)
        #expect(try first.status() == "created")
        #expect(try first.verb("delete", ["--force"]).code == 0)
    }
}
