// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import ShimProtocol
import SystemPackage
import TestSupport
import Testing

@Suite(.asRoot, .busybox, .serialized) struct ExecManyTests {
    @Test("a hundred at once, each with its own client, and the shim is as it was (F-33)", .timeLimit(.minutes(5)))
    func hundred() throws {
        let shim = try TestContainer(["/bin/sleep", "1000"]).start()
        try shim.started()
        let descriptors = shim.descriptorCount
        let memory = try shim.status("RssAnon")
        for round in 0..<2 {
            let execs = try (0..<100).map { number in
                try TestExec.start(shim, shell: "read word; echo $word \(number); exit \(number)", openStdin: true)
            }
            let clients = try execs.map { exec in
                let client = try shim.connect()
                try client.attach(exec, stdin: true)
                return client
            }
            for client in clients { client.write("round \(round)\n") }
            for (number, client) in clients.enumerated() {
                #expect(client.readAll() == "round \(round) \(number)\n")
                #expect(try client.exited().exitCode == Int32(number))
            }
            for _ in execs { _ = try shim.execExited() }
        }
        try eventually("no descriptor is left") { shim.descriptorCount == descriptors }
        #expect(try shim.status("Threads") == 1)
        #expect(try shim.status("RssAnon") < memory + 4096, "KiB")
        #expect(try execGroups(shim) == [])
        let children = String(decoding: try readFile(FilePath("/proc/\(shim.pid)/task/\(shim.pid)/children")), as: UTF8.self)
        #expect(children.split(separator: " ").count == 1, "PID 1 alone: \(children)")
        guard case .execs(let known)? = try shim.connect().ask(.watch) else { throw Failure("no answer") }
        #expect(known.count == 32 && known.allSatisfy { $0.exit != nil })
        let files = try command(["/bin/ls", shim.container.state.string]).lines.filter { $0.hasPrefix("exec-") }
        #expect(files.count == 32, "of those that nobody asks for any more nothing is kept")
    }

    @Test("more than it takes at once is refused, and room comes back")
    func tooMany() throws {
        let shim = try TestContainer(["/bin/sleep", "1000"]).start()
        try shim.started()
        let execs = try (0..<128).map { _ in try TestExec.start(shim, ["/bin/sleep", "1000"], detached: true) }
        let (_, answer) = try TestExec.ask(shim, ["/bin/true"])
        guard case .refused(let reason)? = answer else { throw Unexpected(answer) }
        #expect(reason.contains("128"))
        kill(execs[0].pid, SIGKILL)
        #expect(try shim.execExited().id == execs[0].id)
        #expect(try TestExec.start(shim, ["/bin/true"], detached: true).pid > 0)
    }

    @Test("a group of its name that is there already is nobody's, and is left alone")
    func takenName() throws {
        let shim = try TestContainer(["/bin/sleep", "1000"]).start()
        try shim.started()
        let group = try #require(try shim.container.cgroupDirectories().first { access($0 + "/cgroup.freeze", F_OK) == 0 })
        let id = try TestExec.prepare(shim.container, ["/bin/true"])
        mkdir(group + "/exec-\(id)", 0o755)
        let taken = try shim.connect().ask(.exec(ShimExec(id: id, openStdin: false, detached: false)))
        guard case .failed(let failure)? = taken else { throw Unexpected(taken) }
        #expect(failure.step == "create-cgroup")
        #expect(try execGroups(shim).count == 1)
        rmdir(group + "/exec-\(id)")
        #expect(try TestExec.start(shim, ["/bin/true"]).pid > 0)
    }
}
