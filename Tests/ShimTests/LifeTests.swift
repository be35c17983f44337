// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import Linux
import OCI
import ShimProtocol
import SystemPackage
import TestSupport
import Testing

@Suite(.asRoot, .busybox) struct LifeTests {
    @Test(
        "the end is told, recorded in exit.json, and leaves nothing",
        arguments: [("exit 0", 0), ("exit 255", 255), ("sh -c 'kill -SEGV $$'; exit $?", 139)] as [(String, Int32)])
    func end(script: String, code: Int32) throws {
        let container = try TestContainer(shell: script)
        let shim = try container.start()
        let started = try shim.started()
        #expect(started.pid > 0 && started.startTicks > 0)
        #expect(started.timings.contains { $0.step == "exec" })
        let exit = try shim.exited()
        #expect(exit.exitCode == code)
        #expect(exit.signal == nil)
        #expect(!exit.outOfMemory)
        #expect(exit.startedAt == started.startedAt && exit.finishedAt > exit.startedAt)
        #expect(shim.end() == 0)
        #expect(try JSON.decode(ShimExit.self, from: readFile(container.state.appending("exit.json"))) == exit)
        #expect(access(container.socket.string, F_OK) == -1)
        #expect(access(container.state.appending("rootfs").string, F_OK) == -1)
        #expect(try container.cgroupDirectories() == [])
        #expect(try !MountInfo.all().contains { $0.mountPoint.contains(container.path.string) })
        #expect(try readFile(container.state.appending("shim.log")).isEmpty, "nothing was left to complain about")
    }

    @Test(
        "a signal reaches PID 1, and one that ends it is told",
        arguments: [(SIGTERM, 9, nil), (SIGKILL, 137, SIGKILL)] as [(Int32, Int32, Int32?)])
    func signals(number: Int32, code: Int32, signal: Int32?) throws {
        let shim = try TestContainer(shell: "trap 'exit 9' TERM; echo ready; while :; do sleep 0.02; done", expectsAttach: true).start()
        try shim.started()
        let client = try shim.connect()
        try client.attach()
        _ = client.read(.stdout, until: "ready")
        #expect(try client.ask(.signal(number)) == .done)
        let exit = try shim.exited()
        #expect(exit.exitCode == code)
        #expect(exit.signal == signal)
        #expect(try client.message() == .exited(exit))
    }

    @Test(
        "a program that can't be run fails the start with its step and code, and leaves nothing",
        arguments: [("/bin/nothing", 127), ("nothing", 127), ("/tmp", 126), ("/bin/text", 126)])
    func failure(program: String, code: Int32) throws {
        let container = try TestContainer([program])
        try replaceFile(container.layer.appending("bin/text"), with: Array("no binary".utf8), mode: 0o755)
        let shim = try container.start()
        let message = try shim.message()
        guard case .failed(let failure) = message else { throw Unexpected(message) }
        #expect(failure.exitCode == code)
        #expect(failure.kernel?.object == program)
        #expect(try shim.message() == nil)
        #expect(shim.end() == 1)
        #expect(access(container.socket.string, F_OK) == -1)
        #expect(try container.cgroupDirectories() == [])
    }

    @Test("a configuration that can't be read is told", arguments: ["", "{}", "{\"id\":1}"])
    func badConfiguration(text: String) throws {
        let container = try TestContainer(["/bin/true"])
        try replaceFile(container.state.appending("shim.json"), with: Array(text.utf8))
        let shim = try TestShim(container)
        let message = try shim.message()
        guard case .failed(let failure) = message else { throw Unexpected(message) }
        #expect(failure.step == "read-configuration")
        #expect(failure.reason?.contains("shim.json") == true)
        #expect(shim.end() == 1)
    }

    @Test("the shim does not notice the engine's death, and answers the next one (F-03)")
    func engineDeath() throws {
        let container = try TestContainer(shell: "trap 'exit 7' USR1; >/tmp/ready; while :; do sleep 0.02; done")
        try container.write()
        let pid: pid_t
        do {
            let shim = try WaitingShim(container)
            pid = shim.pid
            try shim.begin()
            guard case .started = try shim.engine.receiveMessage() else { throw Unexpected(nil) }
        }
        let connection = try ShimConnection.connect(to: container.socket)
        limitWaits(connection.descriptor)
        try connection.send(ShimRequest.status)
        let message = try connection.receiveMessage()
        guard case .status(let status) = message else { throw Unexpected(message) }
        #expect(status.shimPID == pid)
        #expect(status.exit == nil)
        // A signal that comes before the trap would be lost to a PID 1.
        for _ in 0..<6000 where access("/proc/\(status.started.pid)/root/tmp/ready", F_OK) != 0 { usleep(10_000) }
        try connection.send(ShimRequest.signal(SIGUSR1))
        #expect(try connection.receiveMessage() == .done)
        let end = try connection.receiveMessage()
        guard case .exited(let exit) = end else { throw Unexpected(end) }
        #expect(exit.exitCode == 7)
        waitpid(pid, nil, 0)
    }

    @Test("signals to the shim itself have no effect", arguments: [SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGPIPE, SIGCHLD, SIGALRM])
    func deaf(number: Int32) throws {
        let shim = try TestContainer(["/bin/sleep", "100"]).start()
        try shim.started()
        for _ in 0..<10 { kill(shim.pid, number) }
        let message = try shim.connect().ask(.status)
        guard case .status(let status) = message else { throw Unexpected(message) }
        #expect(status.exit == nil)
    }

    @Test("after the end every request is answered by it")
    func afterwards() throws {
        let shim = try TestContainer(["/bin/true"], expectsAttach: true).start()
        try shim.started()
        let exit = try shim.exited()
        for request in [ShimRequest.signal(SIGTERM), .resize(rows: 1, columns: 1), .closeStdin] {
            #expect(try shim.connect().ask(request) == .exited(exit))
        }
        let client = try shim.connect()
        let message = try client.ask(.status)
        guard case .status(let status) = message else { throw Unexpected(message) }
        #expect(status.exit == exit)
        #expect(try client.message() == .exited(exit))
    }

    @Test("death by memory is told apart from a kill (F-12)")
    func outOfMemory() throws {
        let container = try TestContainer(["/bin/tail", "/dev/zero"])
        var resources = RuntimeSpec.Linux.Resources()
        var memory = RuntimeSpec.Linux.Memory()
        memory.limit = 16 << 20
        resources.memory = memory
        resources.devices = container.spec.linux?.resources?.devices
        container.spec.linux?.resources = resources
        let shim = try container.start()
        try shim.started()
        let exit = try shim.exited()
        #expect(exit.exitCode == 137)
        #expect(exit.signal == SIGKILL)
        #expect(exit.outOfMemory)
    }

    @Test("ten thousand orphans leave no zombie with the shim (F-14)")
    func orphans() throws {
        let shim = try TestContainer(
            shell: "i=0; while [ $i -lt 2000 ]; do (true & true & true & true & true &) ; i=$((i+1)); done; exit 8"
        ).start()
        try shim.started()
        #expect(try shim.exited().exitCode == 8)
        #expect(shim.end() == 0)
    }

    @Test("the shim's binary is out of reach: it runs from a read-only mount that no path leads to (CVE-2019-5736)")
    func protected() throws {
        let shim = try TestContainer(["/bin/sleep", "100"]).start()
        try shim.started()
        var status = statvfs()
        #expect(statvfs("/proc/\(shim.pid)/exe", &status) == 0)
        #expect(status.f_flag & UInt(ST_RDONLY) != 0)
    }
}
