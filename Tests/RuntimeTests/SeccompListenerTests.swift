// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import Linux
import OCI
import Runtime
import SystemPackage
import TestSupport
import Testing

@Suite(.asRoot, .busybox) struct SeccompListenerTests {
    private struct ProcessState: Decodable {
        var fds: [String]
        var pid: Int32
        var metadata: String?
        var state: State

        struct State: Decodable {
            var id: String
            var status: String
            var pid: Int32
            var bundle: String
        }
    }

    private func profile(_ path: FilePath) -> RuntimeSpec.Linux.Seccomp {
        var profile = RuntimeSpec.Linux.Seccomp(
            defaultAction: "SCMP_ACT_ALLOW", syscalls: [.init(names: ["mkdir", "mkdirat"], action: "SCMP_ACT_NOTIFY")])
        profile.listenerPath = path.string
        profile.listenerMetadata = "to whom it may concern"
        return profile
    }

    /// Takes one listener, tells what came with it, and answers its first call with errno 77.
    private static let agent = """
        import array, fcntl, socket, struct, sys
        server = socket.socket(socket.AF_UNIX)
        server.bind(sys.argv[1]); server.listen(); print("ready", flush=True)
        server.settimeout(60)
        connection, _ = server.accept()
        message, control, _, _ = connection.recvmsg(65536, socket.CMSG_SPACE(16))
        listeners = array.array("i", control[0][2])
        print(message.decode(), flush=True)
        request = bytearray(80)
        fcntl.ioctl(listeners[0], 0xC0502100, request)
        id, pid = struct.unpack_from("=QI", request)
        fcntl.ioctl(listeners[0], 0xC0182101, struct.pack("=QqiI", id, 0, -77, 0))
        print(len(listeners), flush=True)
        """

    @Test(
        "the listener goes to the agent with the container's state, and the agent's answer is the call's", arguments: [true, false],
        [true, false])
    func notified(noNewPrivileges: Bool, created: Bool) throws {
        let bundle = try TestBundle(["/bin/busybox", "mkdir", "/made"])
        let socket = bundle.path.appending("agent.sock")
        bundle.spec.linux?.seccomp = profile(socket)
        bundle.spec.linux?.seccomp?.flags = [
            "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", "SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_TSYNC",
        ]
        bundle.spec.process?.noNewPrivileges = noNewPrivileges
        let agent = try ChildProcess(["/usr/bin/python3", "-c", Self.agent, socket.string])
        defer { kill(agent.pid, SIGKILL) }
        try waitUntil { agent.output == "ready\n" }
        if created {
            let child = try ChildProcess(bundle.arguments("create", ["--bundle", bundle.path.string, bundle.id]))
            #expect(try child.finishKeepingOutput() == 0)
            #expect(try bundle.verb("start").code == 0)
            try waitUntil { child.errors.contains("errno 77") || child.errors.contains("Remote") || child.errors.contains("/made") }
            try waitUntil { try bundle.status() == "stopped" }
            #expect(try bundle.verb("delete").code == 0)
        } else {
            let result = try bundle.run()
            #expect(result.code == 1 && result.errors.contains("/made"), "\(result)")
        }
        #expect(access(bundle.rootfs.appending("made").string, F_OK) != 0)
        let outcome = try agent.finish()
        let lines = outcome.lines
        try #require(lines.count == 3, "\(outcome)")
        let state = try JSON.decode(ProcessState.self, from: Array(lines[1].utf8))
        #expect(state.fds == ["seccompFd"] && state.metadata == "to whom it may concern" && lines[2] == "1")
        #expect(state.pid > 1 && state.state.pid == state.pid && state.state.id == bundle.id && state.state.bundle == bundle.path.string)
    }

    @Test("what can't work is refused before anything is made") func refused() throws {
        let bundle = try TestBundle()
        bundle.spec.linux?.seccomp = profile(bundle.path.appending("nobody.sock"))
        #expect(try bundle.run().errors.contains("seccomp.listenerPath"))
        bundle.spec.linux?.seccomp?.listenerPath = nil
        #expect(try bundle.run().errors.contains("needs a listenerPath"))
        bundle.spec.linux?.seccomp?.listenerMetadata = nil
        #expect(try bundle.run().errors.contains("needs a seccomp.listenerPath"))
        bundle.spec.linux?.seccomp = profile(bundle.path.appending("nobody.sock"))
        bundle.spec.linux?.seccomp?.syscalls?[0].names.append("sendmsg")
        #expect(try bundle.run().errors.contains("sendmsg"))
        bundle.spec.linux?.seccomp = .init(defaultAction: "SCMP_ACT_ALLOW", flags: ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"])
        #expect(try bundle.run().errors.contains("WAIT_KILLABLE_RECV"))
        bundle.spec.linux?.seccomp = .init(defaultAction: "SCMP_ACT_ALLOW", flags: ["SECCOMP_FILTER_FLAG_NONE"])
        #expect(try bundle.run().errors.contains("unknown flag"))
    }
}
