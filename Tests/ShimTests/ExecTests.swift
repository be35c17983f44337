// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import Linux
import OCI
import ShimProtocol
import SystemPackage
import TestSupport
import Testing

/// Further processes of a container, by its shim: streams, ends, clients that go.
@Suite(.asRoot, .busybox) struct ExecTests {
    private func running(_ script: String = "sleep 1000", logged: Bool = false) throws -> TestShim {
        let shim = try TestContainer(shell: script, logged: logged).start()
        try shim.started()
        return shim
    }

    @Test("it has streams and an end of its own, which client and engine are told", arguments: [0, 3, 255] as [Int32])
    func streams(code: Int32) throws {
        let shim = try running()
        let exec = try TestExec.start(shim, shell: "cat; echo error >&2; exit \(code)", openStdin: true)
        let client = try shim.connect()
        #expect(try client.attach(exec, stdin: true) == [.stdin, .stdout, .stderr])
        client.write("typed\n")
        client.close(.stdin)
        #expect(client.readAll(.stdout) == "typed\n")
        #expect(client.readAll(.stderr) == "error\n")
        let exit = try client.exited()
        #expect(exit.exitCode == code && exit.signal == nil)
        let told = try shim.execExited()
        #expect(told.id == exec.id && told.exit == exit)
    }

    @Test("one that comes while the container ends is told of that, and not that it failed itself")
    func whileContainerEnds() throws {
        for round in 0..<20 {
            let shim = try running("sleep 0.0\(round % 5 + 1)")
            while true {
                let answer = try? TestExec.ask(shim, ["/bin/true"], detached: true).answer
                if case .execStarted? = answer { continue }
                // nil: the shim has gone by now.
                guard let answer else { break }
                guard case .exited = answer else { throw Unexpected(answer) }
                break
            }
        }
    }

    @Test(
        "one whose client never comes keeps the shim of a container that has ended for a while, and not for ever", arguments: [false, true])
    func noClient(tty: Bool) throws {
        let shim = try running()
        _ = try TestExec.start(shim, ["/bin/true"], tty: tty)
        _ = try shim.execExited()
        #expect(try shim.connect().ask(.signal(SIGKILL)) == .done)
        #expect(shim.end() == 0)
    }

    @Test("one that has ended before its client comes gives him its output and its end")
    func endedBefore() throws {
        let shim = try running()
        let exec = try TestExec.start(shim, shell: "echo word; exit 9")
        #expect(try shim.execExited().exit.exitCode == 9)
        let client = try shim.connect()
        #expect(try client.attach(exec) == [.stdout, .stderr])
        #expect(client.readAll() == "word\n")
        #expect(try client.exited().exitCode == 9)
        let second = try shim.connect()
        guard case .refused? = try second.ask(.attachExec(id: exec.id, stdin: false)) else { throw Failure("attached twice") }
    }

    @Test(
        "what can't be run is answered with step and code, and leaves nothing",
        arguments: [("nothing", 127), ("/nothing", 127), ("/tmp", 126)])
    func failures(program: String, code: Int32) throws {
        let shim = try running()
        let (_, answer) = try TestExec.ask(shim, [program])
        guard case .failed(let failure)? = answer else { throw Unexpected(answer) }
        #expect(failure.exitCode == code && failure.kernel?.object == program)
        #expect(try execGroups(shim) == [])
        guard case .execs(let execs)? = try shim.connect().ask(.watch) else { throw Failure("no answer") }
        #expect(execs == [])
    }

    @Test("processes that make no sense are refused, and the shim goes on", arguments: ["", "../x", "G", "{}"])
    func nonsense(text: String) throws {
        let shim = try running()
        let id = text == "{}" ? "ab" : text
        try? replaceFile(shim.container.state.appending("exec-ab.json"), with: Array("{}".utf8))
        switch try shim.connect().ask(.exec(ShimExec(id: id, openStdin: false, detached: false))) {
        case .refused, .failed: break
        case let other: throw Unexpected(other)
        }
        #expect(try TestExec.start(shim, ["/bin/true"]).pid > 0)
    }

    @Test("a terminal of the container, with its size; typed, resized, hung up")
    func terminal() throws {
        let shim = try running()
        let exec = try TestExec.start(shim, shell: "tty; stty size; read line; echo got $line; stty size", tty: true, openStdin: true)
        let client = try shim.connect()
        #expect(try client.attach(exec, stdin: true) == [.terminal])
        #expect(client.read(.terminal, until: "90\r\n") == "/dev/pts/0\r\n30 90\r\n")
        #expect(try client.ask(.resize(rows: 50, columns: 132)) == .done)
        client.write("word\n", to: .terminal)
        #expect(client.readAll(.terminal) == "word\r\ngot word\r\n50 132\r\n")
        #expect(try client.exited().exitCode == 0)
    }

    @Test(
        "signals of its client reach it and not the container",
        arguments: [(SIGTERM, 9, nil), (SIGKILL, 137, SIGKILL)] as [(Int32, Int32, Int32?)])
    func signals(number: Int32, code: Int32, signal: Int32?) throws {
        let shim = try running()
        let exec = try TestExec.start(shim, shell: "trap 'exit 9' TERM; echo ready; while :; do sleep 0.02; done")
        let client = try shim.connect()
        try client.attach(exec)
        _ = client.read(.stdout, until: "ready")
        #expect(try client.ask(.signal(number)) == .done)
        let exit = try client.exited()
        #expect(exit.exitCode == code && exit.signal == signal)
        guard case .status(let status)? = try shim.connect().ask(.status) else { throw Failure("no status") }
        #expect(status.exit == nil)
    }

    @Test("when its client goes, it goes with all that it started; detached it stays", arguments: [false, true], [false, true])
    func clientGoes(tty: Bool, detached: Bool) throws {
        let shim = try running()
        let script = "(trap '' HUP; sleep 1001) & (trap '' HUP; sleep 1002 & sleep 1003) & trap '' HUP; echo ready; sleep 1004"
        let exec = try TestExec.start(shim, shell: script, tty: tty, detached: detached)
        do {
            let client = try shim.connect()
            if detached {
                guard case .refused? = try client.ask(.attachExec(id: exec.id, stdin: false)) else { throw Failure("attached") }
                try eventually("all sleep") { try commands(in: shim).filter { $0.hasPrefix("sleep 100") }.count == 5 }
            } else {
                try client.attach(exec)
                _ = client.read(tty ? .terminal : .stdout, until: "ready")
            }
        }
        if detached {
            #expect(try commands(in: shim).contains("sleep 1004"))
            return
        }
        #expect(try shim.execExited().exit.signal == SIGKILL)
        try eventually("only PID 1 is left") { try commands(in: shim) == ["sleep 1000"] }
        try eventually("no group is left") { try execGroups(shim) == [] }
    }

    @Test("what it leaves running when it ends by itself stays, and its group goes with the last of it")
    func background() throws {
        let shim = try running()
        let exec = try TestExec.start(shim, shell: "sleep 1005 >/dev/null 2>&1 & echo started")
        let client = try shim.connect()
        try client.attach(exec)
        #expect(client.readAll() == "started\n")
        #expect(try client.exited().exitCode == 0)
        // Forked is not yet what it becomes.
        try eventually("it sleeps") { try commands(in: shim).contains("sleep 1005") }
        #expect(try execGroups(shim).count == 1)
        let left = try readFile(FilePath(try #require(try execGroups(shim).first) + "/cgroup.procs"))
        for pid in String(decoding: left, as: UTF8.self).split(separator: "\n").compactMap({ Int32($0) }) { kill(pid, SIGKILL) }
        try eventually("no group is left") { try execGroups(shim) == [] }
    }

    @Test("the container's end ends them, and everybody is told")
    func containerEnds() throws {
        let shim = try running()
        let exec = try TestExec.start(shim, shell: "echo ready; sleep 1000")
        let client = try shim.connect()
        try client.attach(exec)
        _ = client.read(.stdout, until: "ready")
        #expect(try shim.connect().ask(.signal(SIGKILL)) == .done)
        #expect(try client.exited().signal == SIGKILL)
        #expect(try shim.execExited().id == exec.id)
        #expect(try shim.exited().signal == SIGKILL)
        #expect(shim.end() == 0)
        #expect(try shim.container.cgroupDirectories() == [])
        #expect(try readFile(shim.container.state.appending("shim.log")).isEmpty)
    }

    @Test("a frozen container is not entered")
    func frozen() throws {
        let shim = try running()
        let group = try #require(try shim.container.cgroupDirectories().first { access($0 + "/cgroup.freeze", F_OK) == 0 })
        try writeFile(FilePath(group + "/cgroup.freeze"), "1")
        try eventually("it is frozen") {
            String(decoding: try readFile(FilePath(group + "/cgroup.events")), as: UTF8.self).contains("frozen 1")
        }
        let (_, answer) = try TestExec.ask(shim, ["/bin/true"])
        #expect(answer == .refused("it is paused"))
        try writeFile(FilePath(group + "/cgroup.freeze"), "0")
        #expect(try TestExec.start(shim, ["/bin/true"]).pid > 0)
    }

    /// Command lines of the container's processes.
    private func commands(in shim: TestShim) throws -> [String] {
        var found: Set<Int32> = []
        for directory in try shim.container.cgroupDirectories() where access(directory + "/cgroup.procs", F_OK) == 0 {
            for group in [directory] + (try execGroups(shim)) {
                let text = (try? readFile(FilePath(group + "/cgroup.procs"))) ?? []
                found.formUnion(String(decoding: text, as: UTF8.self).split(separator: "\n").compactMap { Int32($0) })
            }
        }
        return found.sorted().compactMap { pid in
            let words = (try? readFile(FilePath("/proc/\(pid)/cmdline"))) ?? []
            let text = words.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }.joined(separator: " ")
            return text.isEmpty ? nil : text
        }
    }
}

/// The groups of further processes that are there.
func execGroups(_ shim: TestShim, _ prefix: String = "exec-") throws -> [String] {
    try shim.container.cgroupDirectories().flatMap { directory -> [String] in
        guard let stream = opendir(directory) else { return [] }
        defer { closedir(stream) }
        var found: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasPrefix(prefix) { found.append(directory + "/" + name) }
        }
        return found
    }
}
