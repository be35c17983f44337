// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import OCI
import ShimProtocol
import SystemPackage
import TestSupport
import Testing

/// Probes by programs, and what follows.
@Suite(.asRoot, .busybox) struct HealthTests {
    @Test("failures in a row are unhealthy, a success healthy; who watches is told each result, who comes later the last five")
    func transitions() throws {
        let shim = try TestShim.running(health: .often("cat /tmp/ok 2>&1 || exit 7"))
        let first = try shim.health()
        #expect(first.status == .starting && first.failingStreak == 1 && first.result?.exitCode == 7)
        #expect(first.result?.output == "cat: can't open '/tmp/ok': No such file or directory\n")
        #expect(try shim.health().status == .unhealthy)
        _ = try TestExec.start(shim, shell: "echo fine > /tmp/ok", detached: true)
        var healthy: ShimHealthReport?
        while healthy == nil {
            let message = try shim.message()
            if case .health(let report) = message, report.status == .healthy { healthy = report }
            guard message != nil else { throw Unexpected(message) }
        }
        #expect(healthy?.failingStreak == 0 && healthy?.result?.output == "fine\n")
        for _ in 0..<5 where try shim.health().status == .healthy {}
        let client = try shim.connect()
        guard case .execs? = try client.ask(.watch) else { throw Failure("no answer") }
        var kept: [ShimHealthResult] = []
        for _ in 0..<ShimHealth.keptResults {
            guard case .health(let report)? = try client.message(), let result = report.result else { throw Failure("no report") }
            kept.append(result)
        }
        #expect(kept.map(\.startedAt) == kept.map(\.startedAt).sorted() && Set(kept.map(\.startedAt)).count == 5)
        try eventually("at most one probe is left") { try execGroups(shim, "health-").count <= 1 }
    }

    @Test("of what it says so much is kept as Docker keeps, and what it is said by ends; it does not hold it up")
    func output() throws {
        let shim = try TestShim.running(
            health: .never(command: ["/bin/sh", "-c", "head -c 300000 /dev/zero | busybox tr '\\0' x; echo error >&2; exit 3"]))
        let report = try shim.probe()
        #expect(report.result?.exitCode == 3)
        #expect(report.result?.output == String(repeating: "x", count: ShimHealth.outputLimit) + "...")
    }

    @Test("one that takes too long has failed, and is ended with all that it has started")
    func timeout() throws {
        let shim = try TestShim.running(
            health: .often("echo begun; busybox setsid sleep 2000 & yes > /dev/null & sleep 2000", timeout: 300, retries: 1))
        let report = try shim.health()
        #expect(report.status == .unhealthy && report.result?.exitCode == -1)
        #expect(report.result?.output.contains("300 ms") == true)
        _ = try shim.health()
        #expect(try shim.connect().ask(.signal(SIGKILL, by: "stop")) == .done)
        _ = try shim.exitAfterReports()
        #expect(shim.end() == 0)
        #expect(try shim.container.cgroupDirectories() == [])
        #expect(try readFile(shim.container.state.appending("shim.log")).isEmpty)
    }

    @Test("what a probe leaves running ends with it, and the shim is as it was")
    func leftovers() throws {
        let shim = try TestShim.running(health: .never(command: ["/bin/sh", "-c", "sleep 3000 & echo word"]))
        let descriptors = shim.descriptorCount
        for _ in 0..<20 { #expect(try shim.probe().result?.output == "word\n") }
        try eventually("no probe is left") { try execGroups(shim, "health-").isEmpty }
        let inside = try command(["/bin/ps", "--no-headers", "-o", "args", "--ppid", "\(shim.pid)"]).lines
        #expect(inside.count == 1, "\(inside)")
        try eventually("no descriptor is left") { shim.descriptorCount == descriptors }
        #expect(try shim.status("Threads") == 1)
    }

    @Test("what can't be run has failed, with step and code", arguments: [("/bin/nothing", 127), ("/tmp", 126)] as [(String, Int32)])
    func notFound(program: String, code: Int32) throws {
        let shim = try TestShim.running(health: .never(command: [program]))
        let result = try shim.probe().result
        #expect(result?.exitCode == code && result?.output.contains(program) == true, "\(result?.output ?? "")")
        try eventually("no probe is left") { try execGroups(shim, "health-").isEmpty }
    }

    @Test("it has the container's namespaces, user, directory, environment and limits, and no more")
    func inside() throws {
        let script =
            "pwd; id -u; echo $HOME; readlink /proc/self/ns/net; readlink /proc/self/ns/pid; grep CapBnd /proc/self/status; ls /proc/self/fd"
        let container = try TestContainer(shell: "\(script.replacing("/proc/self", with: "/proc/1")) > /dev/null; sleep 1000")
        container.spec.process?.cwd = "/tmp"
        container.spec.process?.env = ["PATH=/bin", "HOME=/tmp/home"]
        container.configuration.health = .never(command: ["/bin/busybox", "sh", "-c", script.replacing("grep", with: "busybox grep")])
        for applet in ["id", "readlink"] { symlink("busybox", container.layer.appending("bin").appending(applet).string) }
        let shim = try container.start()
        let pid = try shim.started().pid
        let lines = try #require(try shim.probe().result).output.split(separator: "\n").map(String.init)
        func link(_ name: String) -> String {
            var buffer = [CChar](repeating: 0, count: 64)
            let count = readlink("/proc/\(pid)/ns/\(name)", &buffer, buffer.count)
            return String(decoding: buffer.prefix(max(count, 0)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
        #expect(Array(lines.prefix(5)) == ["/tmp", "0", "/tmp/home", link("net"), link("pid")])
        let status = String(decoding: try readFile(FilePath("/proc/\(pid)/status")), as: UTF8.self)
        #expect(status.contains(lines[5]))
        // The fourth is of the directory that is listed.
        #expect(Array(lines.dropFirst(6)) == ["0", "1", "2", "3"])
    }

    @Test("while the container stands still nothing is asked, and one that was under way tells nothing", arguments: [false, true])
    func paused(underWay: Bool) throws {
        let script = underWay ? "echo x >> /tmp/begun; sleep 4000" : "true"
        let shim = try TestShim.running(health: .often(script, timeout: underWay ? 3000 : 60_000))
        let begun = shim.container.path.appending("upper/tmp/begun").string
        if underWay {
            try eventually("the probe has begun") { access(begun, F_OK) == 0 }
        } else {
            #expect(try shim.health().status == .healthy)
        }
        let group = try shim.controlGroup()
        try group.freeze(within: 10_000)
        guard case .refused(let reason)? = try shim.connect().ask(.probe) else { throw Failure("a probe of one that is paused") }
        #expect(reason.contains("paused"))
        let watcher = try shim.connect()
        guard case .execs? = try watcher.ask(.watch) else { throw Failure("no answer") }
        // One that had been begun before may still be told.
        usleep(underWay ? 4_000_000 : 300_000)
        let kept = try keptResults(shim)
        usleep(300_000)
        #expect(try keptResults(shim) == kept)
        if underWay { #expect(kept.isEmpty) }
        try group.thaw()
        let report = try shim.health { $0.result.map { result in !kept.contains(result) } ?? false }
        #expect(report.result?.exitCode == (underWay ? -1 : 0))
    }

    private func keptResults(_ shim: TestShim) throws -> [ShimHealthResult] {
        let client = try shim.connect()
        guard case .execs? = try client.ask(.watch) else { throw Failure("no answer") }
        // An answer that is surely behind all reports.
        try client.send(.status)
        var kept: [ShimHealthResult] = []
        while true {
            switch try client.message() {
            case .health(let report): kept += report.result.map { [$0] } ?? []
            case .status: return kept
            case let other: throw Unexpected(other)
            }
        }
    }

    @Test("it ends with a stop and with the container, whoever is asked just then", arguments: ["stop", "restart", nil] as [String?])
    func ended(by request: String?) throws {
        let shim = try TestShim.running(
            "trap '' TERM; sleep 1000 & wait; sleep 1000", health: .often("echo x >> /tmp/begun; sleep 5000", retries: 1, action: .stop))
        let begun = shim.container.path.appending("upper/tmp/begun").string
        try eventually("the probe has begun") { access(begun, F_OK) == 0 }
        let waiting = try shim.connect()
        try waiting.send(.probe)
        if let request {
            #expect(try shim.connect().ask(.signal(SIGTERM, by: request)) == .done)
            guard case .refused? = try waiting.message() else { throw Failure("a probe of one that is to end") }
            try eventually("no probe is left") { try execGroups(shim, "health-").isEmpty }
        } else {
            #expect(try shim.connect().ask(.status) != nil)
        }
        #expect(try shim.connect().ask(.signal(SIGKILL)) == .done)
        if request == nil { guard case .exited? = try waiting.message() else { throw Failure("not told of the end") } }
        // And no report of a failure: the probe was ended with its container.
        let exit = try shim.exited()
        #expect(exit.signal == SIGKILL && exit.cause?.kind == .request)
        #expect(shim.end() == 0)
        #expect(try shim.container.cgroupDirectories() == [])
    }

    @Test("who asks while one is under way gets its result; without a check it is refused")
    func asked() throws {
        let shim = try TestShim.running(
            health: .never(command: ["/bin/sh", "-c", "echo x >> /tmp/begun; while [ ! -e /tmp/go ]; do sleep 0.02; done"]))
        let clients = [try shim.connect(), try shim.connect()]
        for client in clients { try client.send(.probe) }
        try eventually("the probe has begun") { access(shim.container.path.appending("upper/tmp/begun").string, F_OK) == 0 }
        _ = try TestExec.start(shim, ["/bin/mkfifo", "/tmp/go"], detached: true)
        let answers = try clients.map { try $0.message() }
        guard case .health(let report)? = answers[0], answers[1] == .health(report) else { throw Unexpected(answers[0]) }
        #expect(report.status == .healthy)
        let other = try TestContainer(["/bin/sleep", "1000"]).start()
        try other.started()
        guard case .refused? = try other.connect().ask(.probe) else { throw Failure("no health check, and a probe") }
    }

    @Test(
        "what is to be done is done by the shim alone, and the end says so",
        arguments: [
            (.kill, "trap 'exit 5' TERM; while :; do sleep 0.02; done", 137),
            (.stop, "trap 'exit 5' TERM; while :; do sleep 0.02; done", 5),
            (.restart, "while :; do sleep 0.02; done", 137),
        ] as [(ShimHealth.Action, String, Int32)])
    func action(action: ShimHealth.Action, script: String, code: Int32) throws {
        let shim = try TestShim.running(script, health: .often("kill -0 1 && sleep 0.3; exit 1", retries: 2, action: action))
        let exit = try shim.exitAfterReports()
        #expect(exit.exitCode == code)
        #expect(exit.cause?.kind == .unhealthy && exit.cause?.request == action.rawValue)
        #expect(shim.end() == 0)
    }

    @Test("one that does not end by its stop signal is killed after its time")
    func stubborn() throws {
        var health = ShimHealth.often("sleep 0.3; exit 1", retries: 1, action: .stop)
        health.stopTimeoutSeconds = 1
        let shim = try TestShim.running("trap 'echo x > /tmp/heard' TERM; while :; do sleep 0.02; done", health: health)
        let exit = try shim.exitAfterReports()
        #expect(exit.signal == SIGKILL && exit.cause?.kind == .unhealthy && exit.cause?.request == "stop")
        #expect(access(shim.container.path.appending("upper/tmp/heard").string, F_OK) == 0)
    }
}
