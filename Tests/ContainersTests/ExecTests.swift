// SPDX-License-Identifier: Apache-2.0

import APITypes
import Containers
import Glibc
import Linux
import ShimProtocol
import SystemPackage
import Testing

/// Further processes of a container, as the service makes them.
@Suite(.asRoot, .busybox, .shim, .serialized) struct ExecTests {
    private static let waiting = "while :; do sleep 0.05; done"

    @Test("environment, directory and identity are the container's, and the request's over them (X-21)")
    func surroundings() async throws {
        setenv("CTR_TEST_SECRET", "1", 1)
        defer { unsetenv("CTR_TEST_SECRET") }
        try await withNode { node in
            let container = try await node.run(shell: Self.waiting) {
                $0.environment = ["A=container", "B=container"]
                $0.workingDirectory = "/tmp"
                $0.hostname = "inside"
            }
            let plain = try await node.exec(container, shell: "pwd; id -u; tr '\\0' '\\n' < /proc/self/environ; true")
            let own = try await node.exec(container, shell: "tr '\\0' '\\n' < /proc/1/environ; true")
            #expect(plain.lines.prefix(2) == ["/tmp", "0"])
            #expect(Array(plain.lines.dropFirst(2)) == own.lines, "no more, no less, and in the same order")
            let changed = try await node.exec(container, shell: "pwd; tr '\\0' '\\n' < /proc/self/environ; true") {
                $0.environment = ["B=exec", "C="]
                $0.workingDirectory = "/etc"
            }
            #expect(changed.lines.first == "/etc")
            #expect(Set(changed.lines.dropFirst()) == Set(own.lines.map { $0 == "B=container" ? "B=exec" : $0 } + ["C="]))
            await #expect(throws: ContainerError.self) { try await node.exec(container, shell: "true") { $0.environment = ["NO"] } }
            await #expect(throws: ContainerError.self) { try await node.exec(container, shell: "true") { $0.workingDirectory = "etc" } }
        }
    }

    @Test("a user is looked up in the container as it is now, with groups and home")
    func users() async throws {
        let files = ["etc/passwd": "root:x:0:0::/root:/bin/sh\n", "etc/group": "root:x:0:\n"]
        try await withNode(files) { node in
            let container = try await node.run(shell: Self.waiting)
            await #expect(throws: ContainerError.self) { try await node.exec(container, shell: "id") { $0.user = "web" } }
            _ = try await node.exec(
                container, shell: "echo 'web:x:33:44::/srv:/bin/sh' >> /etc/passwd; printf 'web:x:44:\\nlog:x:5:web\\n' >> /etc/group")
            let found = try await node.exec(container, shell: "id -u; id -G; echo $HOME; grep CapEff /proc/self/status") { $0.user = "web" }
            #expect(found.lines == ["33", "44 5", "/srv", "CapEff:\t0000000000000000"])
            let numeric = try await node.exec(container, shell: "id -u; id -g; echo $HOME") { $0.user = "7:8" }
            #expect(numeric.lines == ["7", "8", "/"])
        }
    }

    @Test(
        "no text turns into root by accident, and nothing of the host is read for it (X-16)",
        arguments: ["4294967296", "-1", "0x0", " 0", "0 ", "range-1", "evil\r", "nobody:4294967295", "link"])
    func hostileUsers(user: String) async throws {
        let files = ["etc/passwd": "evil\r:x:0:0::/:\r\n:x:0:0::/:\nrange-1:x:0x0:0::/:\n#link:x:0:0::/:\n"]
        try await withNode(files) { node in
            let container = try await node.run(
                shell: "busybox rm /etc/group; busybox ln -s /proc/1/root/../../../../etc/group /etc/group; \(Self.waiting)")
            do {
                let result = try await node.exec(container, shell: "id -u") { $0.user = user }
                // The one line that names it is the container's own wish.
                #expect(user == "evil\r" && result.lines == ["0"], "\(result)")
            } catch is ContainerError {}
        }
    }

    @Test("a passwd that is no file is no file", arguments: ["mkfifo", "mkdir", "ln -s /dev/zero", "ln -s /etc/passwd"])
    func noFile(how: String) async throws {
        try await withNode { node in
            let container = try await node.run(
                shell: "busybox rm -f /etc/passwd; busybox \(how) /etc/passwd; touch /made; \(Self.waiting)")
            try await eventually("made") { Files.exists(container.paths.directory.appending("upper/made")) }
            await #expect(throws: ContainerError.self) { try await node.exec(container, shell: "id") { $0.user = "web" } }
            // Not `id`, which would wait for a writer of the FIFO.
            #expect(try await node.exec(container, shell: "grep Uid /proc/self/status") { $0.user = "7" }.lines == ["Uid:\t7\t7\t7\t7"])
        }
    }

    @Test("privileged gives every capability of the node, and the container's filter still holds")
    func privileged() async throws {
        try await withNode { node in
            let container = try await node.run(shell: Self.waiting)
            let status = "grep -E 'CapEff|Seccomp:|NoNewPrivs' /proc/self/status; true"
            let plain = try await node.exec(container, shell: status).lines
            let all = try await node.exec(container, shell: status) { $0.privileged = true }.lines
            #expect(plain.count == 3 && all.count == 3 && plain[0] != all[0])
            #expect(Array(plain.dropFirst()) == Array(all.dropFirst()))
        }
    }

    @Test("inspect lists it, events tell start and end, and its code is known", arguments: [0, 6])
    func listed(code: Int) async throws {
        try await withNode { node in
            let container = try await node.run(shell: Self.waiting)
            let stream = node.events.subscribe()
            let exec = try await AttachedExec.start(node, container, ExecRequest(command: ["/bin/sh", "-c", "echo x; exit \(code)"]))
            _ = try exec.finish()
            try await eventually("its end is known") { container.detail.execs.first?.running == false }
            let summary = try #require(container.detail.execs.first)
            #expect(summary.id == exec.id && summary.command.last == "echo x; exit \(code)" && summary.pid == nil)
            #expect(summary.exit?.exitCode == code)
            var actions: [String] = []
            for await event in stream {
                #expect(event.attributes["execID"] == exec.id)
                actions.append(event.action)
                if event.action == "exec_die" {
                    #expect(event.attributes["exitCode"] == "\(code)")
                    break
                }
            }
            #expect(actions == ["exec_start", "exec_die"])
        }
    }

    @Test("what does not start is told with its code, and is not listed", arguments: [("nothing", 127), ("/etc", 126)])
    func failures(program: String, code: Int) async throws {
        try await withNode { node in
            let container = try await node.run(shell: Self.waiting)
            do {
                _ = try await node.service.exec(container, ExecRequest(command: [program]))
                Issue.record("it started")
            } catch ContainerError.execFailed(_, let step, _, let exitCode) {
                #expect(step == "find-program" && exitCode == code)
            }
            #expect(container.detail.execs == [])
            #expect(Files.names(container.paths.state).filter { $0.hasPrefix("exec-") } == [])
            await #expect(throws: ContainerError.self) { try await node.service.exec(container, ExecRequest(command: [])) }
        }
    }

    @Test("a container that does not run is no place for it; one that is being stopped still is (F-33)")
    func states() async throws {
        try await withNode { node in
            func refusal(_ container: Container) async throws -> ContainerState? {
                do {
                    _ = try await node.service.exec(container, ExecRequest(command: ["/bin/true"]))
                    return nil
                } catch ContainerError.wrongState(_, "exec in", let state) {
                    return state
                }
            }
            let container = try await node.create(
                shell: "trap 'while ! test -e /tmp/end; do sleep 0.01; done; exit 0' TERM; echo ready; \(Self.waiting)")
            #expect(try await refusal(container) == .created)
            try await node.service.start(container)
            try await eventually("ready") { (try? Files.read(container.paths.log.appending("container.log")).contains("ready")) == true }
            #expect(try await refusal(container) == nil)
            async let stopped = node.service.stop(container, timeoutSeconds: 60)
            try await eventually("stopping") { container.life.phase == .stopping }
            #expect(try await refusal(container) == nil)
            _ = try await node.service.exec(container, ExecRequest(command: ["/bin/touch", "/tmp/end"]))
            _ = try await stopped
            #expect(try await refusal(container) == .stopped)
        }
    }

    @Test("the shim killed with five execs: all end, and the records say so (F-05)")
    func killedShim() async throws {
        try await withNode { node in
            let container = try await node.run(shell: Self.waiting)
            var execs: [AttachedExec] = []
            for _ in 0..<5 { execs.append(try await AttachedExec.start(node, container, ExecRequest(command: ["/bin/sleep", "1000"]))) }
            kill(try #require(container.shimPID), SIGKILL)
            let record = try await node.service.wait(container, for: .shimGone)
            #expect(record.exitCode == 137)
            #expect(try node.cgroups(container) == [])
            for exec in execs {
                try await eventually("it has ended") { kill(exec.pid, 0) == -1 || (try? ProcessStat(of: exec.pid).state) == "Z" }
            }
            #expect(container.detail.execs.count == 5 && container.detail.execs.allSatisfy { $0.exit?.exitCode == 137 })
        }
    }

    @Test("into a container that has ended, which its monitor has not told yet, it is refused for that")
    func endedUnheard() async throws {
        try await withNode { node in
            let container = try await node.run(shell: "exec sleep 1000")
            let shim = try #require(container.shimPID)
            let pid = Int32(try #require(container.summary.pid))
            kill(shim, SIGSTOP)
            defer { kill(shim, SIGCONT) }
            kill(pid, SIGKILL)
            try await eventually("it has ended") { try ProcessStat(of: pid).state == "Z" }
            let error = await #expect(throws: ContainerError.self) {
                _ = try await node.service.exec(container, ExecRequest(command: ["true"]))
            }
            guard case .wrongState(_, "exec in", .stopped)? = error else {
                Issue.record("\(error.map { "\($0)" } ?? "")")
                return
            }
        }
    }

    @Test("the next daemon finds those that run, and the ends that it missed")
    func restart() async throws {
        try await Daemons.follow { node in
            let container = try await node.run(shell: Self.waiting)
            var request = ExecRequest(command: ["/bin/sh", "-c", "trap 'exit 5' USR1; while :; do sleep 0.02; done"])
            request.detach = true
            for _ in 0..<2 {
                let exec = try await node.service.exec(container, request)
                try await eventually("it has set its trap") { try SignalMasks(of: exec.pid).caught & 1 << (UInt64(SIGUSR1) - 1) != 0 }
            }
            return [container]
        } between: { old in
            let pid = try #require(old[0].detail.execs.first?.pid)
            kill(pid, SIGUSR1)
            try await eventually("it has ended") { kill(pid, 0) == -1 }
        } then: { node, found in
            let container = found[0]
            try await eventually("both are known") { container.detail.execs.count == 2 }
            let ended = try #require(container.detail.execs.first { !$0.running })
            #expect(ended.exit?.exitCode == 5 && ended.command.first == "/bin/sh")
            let pid = try #require(container.detail.execs.first { $0.running }?.pid)
            kill(pid, SIGKILL)
            try await eventually("its end is told") { container.detail.execs.allSatisfy { !$0.running } }
            #expect(container.detail.execs.contains { $0.exit?.signal == Int(SIGKILL) })
            #expect(try await node.exec(container, shell: "echo on").lines == ["on"])
        }
    }
}
