// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import ShimProtocol
import SystemPackage
import TestSupport
import Testing

@Suite(.asRoot, .busybox) struct AccessTests {
    @Test("the socket is a path of mode 0660, its group the configured one, and no abstract name is used (X-31)")
    func modes() throws {
        let container = try TestContainer(["/bin/sleep", "100"])
        container.configuration.socketGroup = 4711
        let shim = try container.start()
        try shim.started()
        var status = stat()
        #expect(lstat(container.socket.string, &status) == 0)
        #expect(status.st_mode & S_IFMT == S_IFSOCK)
        #expect(status.st_mode & 0o7777 == 0o660)
        #expect(status.st_uid == 0 && status.st_gid == 4711)
        let table = String(decoding: try readFile("/proc/net/unix", limit: 16 << 20), as: UTF8.self)
        #expect(!table.split(separator: "\n").contains { $0.contains(" @") && $0.contains("ctr") })
    }

    @Test("who is neither root nor of the group is not served, even where the path lets him in", .python)
    func strangers() throws {
        let container = try TestContainer(["/bin/sleep", "100"])
        container.configuration.socketGroup = 4711
        let shim = try container.start()
        try shim.started()
        #expect(chmod(container.socket.string, 0o666) == 0)
        #expect(try answer(container, uid: 65534, gid: 65534, groups: []) == "nothing")
        #expect(try answer(container, uid: 65534, gid: 4711, groups: []) == "status")
        #expect(try answer(container, uid: 65534, gid: 65534, groups: [1, 4711]) == "status")
        #expect(try answer(container, uid: 0, gid: 65534, groups: []) == "status")
    }

    /// Asks for the status as another user; a process has its own, a thread of this one would not do.
    private func answer(_ container: TestContainer, uid: Int, gid: Int, groups: [Int]) throws -> String {
        let script = """
            import json, os, socket, sys
            os.setgroups(\(groups)); os.setgid(\(gid)); os.setuid(\(uid))
            s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.connect("\(container.socket)")
            try:
                s.send(b'{"request":"status"}'); m = s.recv(65536)
            except OSError: m = b""
            print(json.loads(m)["message"] if m else "nothing", end="")
            """
        var pipe = try Pipe()
        let writer = pipe.takeWriter()
        let null = try openFile("/dev/null", O_RDWR)
        let pid = try spawn(
            "/usr/bin/python3", arguments: ["python3", "-c", script], environment: [],
            descriptors: [(null.raw, 0), (writer.raw, 1), (2, 2)])
        _ = consume writer
        let output = try readAll(pipe.takeReader(), object: "python", limit: 4096)
        waitpid(pid, nil, 0)
        return String(decoding: output, as: UTF8.self)
    }

    @Test(
        "what is no request is refused, and its connection closed; the container does not notice",
        arguments: [
            "x", "{}", "[]", "{\"request\":1}", "{\"request\":\"attach\"}", "{\"request\":\"signal\",\"signal\":99999999999}",
            "{\"request\":\"resize\",\"rows\":-1,\"columns\":70000}", String(repeating: "[", count: 1000), "\u{0}",
            "{\"request\":\"exec\"}",
        ])
    func badMessages(text: String) throws {
        let shim = try TestContainer(["/bin/sleep", "100"]).start()
        try shim.started()
        let client = try shim.connect()
        client.sendRaw(Array(text.utf8))
        let message = try client.message()
        guard case .refused = message else { throw Unexpected(message) }
        #expect(try client.message() == nil)
        #expect(try shim.connect().ask(.signal(0)) == .refused("there is no signal 0"))
    }

    @Test("one that asks and does not listen is let go; others are served meanwhile")
    func deafClient() throws {
        let shim = try TestContainer(["/bin/sleep", "100"]).start()
        try shim.started()
        let deaf = try shim.connect()
        for _ in 0..<2000 { deaf.sendRaw(Array("{\"request\":\"status\"}".utf8)) }
        let message = try shim.connect().ask(.status)
        guard case .status = message else { throw Unexpected(message) }
    }

    @Test("connections beyond the limit wait until others go")
    func manyConnections() throws {
        let shim = try TestContainer(["/bin/sleep", "100"]).start()
        try shim.started()
        var clients = try (0..<300).map { _ in try shim.connect() }
        usleep(50_000)
        #expect(shim.descriptorCount < 280)
        clients = []
        let message = try shim.connect().ask(.status)
        guard case .status = message else { throw Unexpected(message) }
        #expect(clients.isEmpty)
    }

    @Test("a state directory of 200 bytes is no obstacle (F-11)")
    func longPath() throws {
        let container = try TestContainer(["/bin/sleep", "100"])
        let long = container.path.appending(String(repeating: "d", count: 200))
        try makeDirectory(long, mode: 0o755)
        try makeDirectory(long.appending("rootfs"), mode: 0o755)
        container.configuration.stateDirectory = long.string
        let shim = try container.start()
        try shim.started()
        let message = try shim.connect().ask(.status)
        guard case .status = message else { throw Unexpected(message) }
    }
}
