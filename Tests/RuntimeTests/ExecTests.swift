// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import Linux
import OCI
import Runtime
import SystemPackage
import TestSupport
import Testing

/// A container that only waits, for other processes to join.
final class RunningBundle {
    let bundle: TestBundle
    private let child: ChildProcess

    /// - Parameter change: of the spec, before it runs.
    init(_ arguments: [String] = ["/bin/probe", "pause"], _ change: (inout RuntimeSpec) -> Void = { _ in }) throws {
        bundle = try TestBundle(arguments)
        change(&bundle.spec)
        child = try bundle.start()
        try child.wait { $0.hasPrefix("ready\n") }
        try bundle.waitForRecord()
    }

    deinit {
        _ = try? bundle.verb("delete", ["--force"])
        _ = try? child.finish()
    }

    /// What `run` itself has shown.
    var output: String { child.output }

    func arguments(_ options: [String], _ words: [String]) -> [String] {
        [TestBundle.runtime, "exec", "--root", bundle.state.string] + options + [bundle.id] + words
    }

    @discardableResult
    func exec(_ options: [String] = [], _ words: String...) throws -> Outcome { try command(arguments(options, words)) }

    func exec(_ options: [String] = [], shell script: String) throws -> Outcome { try exec(options, "/bin/sh", "-c", script) }

    /// A process document, written where `--process` finds it.
    func processFile(_ change: (inout RuntimeSpec.Process) -> Void) throws -> String {
        var process = RuntimeSpec.Process(args: ["/bin/true"])
        process.env = ["PATH=/bin"]
        change(&process)
        let path = bundle.path.appending("process.json")
        try replaceFile(path, with: JSON.encode(process))
        return path.string
    }
}

@Suite(.asRoot, .busybox) struct ExecTests {
    private static let namespaces = ["cgroup", "ipc", "mnt", "net", "pid", "uts"]

    @Test("it is in every namespace of the container, beneath its root, and sees it as the first process does") func joins() throws {
        let container = try RunningBundle()
        let links = Self.namespaces.map { "readlink /proc/self/ns/\($0); readlink /proc/1/ns/\($0)" }.joined(separator: "; ")
        let lines = try container.exec(shell: links).lines
        try #require(lines.count == 2 * Self.namespaces.count)
        for index in Self.namespaces.indices {
            #expect(lines[2 * index] == lines[2 * index + 1], "\(Self.namespaces[index])")
            #expect(lines[2 * index] != hostNamespace(Self.namespaces[index]), "\(Self.namespaces[index])")
        }
        #expect(try container.exec(shell: "touch /made; ls -d /proc/1/root/made").output == "/proc/1/root/made\n")
        #expect(try container.exec(shell: "ls /").lines.contains("made"))
    }

    @Test("the exit code is its own; 127 not found, 126 not to be executed", arguments: [0, 1, 7, 125, 255] as [Int32])
    func codes(code: Int32) throws {
        #expect(try RunningBundle().exec(shell: "exit \(code)").code == code)
    }

    @Test("errors tell the step and the reason") func errors() throws {
        let container = try RunningBundle()
        let missing = try container.exec([], "nothing")
        #expect(missing.code == 127 && missing.errors.contains("find-program: not found in PATH"), "\(missing)")
        #expect(try container.exec([], "/tmp").code == 126)
        let directory = try container.exec(["--cwd", "/nowhere"], "/bin/true")
        #expect(directory.code != 0 && directory.errors.contains("working-directory: openat2(2) \"nowhere\""), "\(directory)")
        #expect(try container.exec(shell: "ls -d /nowhere").code != 0, "it is not made")
        #expect(try container.exec([]).code == 125, "no command")
        #expect(try container.exec(["--user", "0x0"], "/bin/true").code == 1)
        #expect(try container.exec(["--user", "4294967295"], "/bin/true").code == 1)
        #expect(try container.exec(["--user", " 0"], "/bin/true").code == 1)
        #expect(try container.exec(["--cgroup", "../.."], "/bin/true").code == 125)
        #expect(try container.exec(shell: "kill -SEGV $$").code == 139)
    }

    @Test("user, groups, directory, environment and capabilities are those that were asked for (X-21)") func identity() throws {
        let container = try RunningBundle()
        let options = ["--user", "1000:7", "-g", "8,9", "--cwd", "/tmp", "-e", "NAME=value", "--env", "PATH=/bin:/sbin"]
        let result = try command(
            container.arguments(options, ["/bin/sh", "-c", "id -u; id -G; pwd; cat /proc/self/environ"]), environment: ["SECRET": "1"])
        #expect(result.lines.prefix(3) == ["1000", "7 8 9", "/tmp"], "\(result)")
        // The two are the shell's own.
        let environment = (result.lines.last ?? "").split(separator: "\0").filter { !$0.hasPrefix("PWD=") && !$0.hasPrefix("SHLVL=") }
            .sorted()
        #expect(environment == ["NAME=value", "PATH=/bin:/sbin"], "\(result)")
        func capabilities(_ options: [String]) throws -> UInt64 {
            let line = try container.exec(options, shell: "grep CapEff /proc/self/status").lines.first ?? ""
            return UInt64(line.split(separator: "\t").last ?? "", radix: 16) ?? 0
        }
        let own = try capabilities([])
        #expect(own == (try UInt64(container.exec(shell: "grep CapEff /proc/1/status").lines[0].split(separator: "\t")[1], radix: 16)))
        #expect(try capabilities(["--cap", "CAP_NET_ADMIN"]) == own | 1 << 12)
        #expect(try container.exec(["--cap", "CAP_NONSENSE"], "/bin/true").code == 125)
    }

    @Test("a process document is taken as it is: user, umask, limits, no_new_privs, oom score") func document() throws {
        let container = try RunningBundle()
        let file = try container.processFile { process in
            process.args = [
                "/bin/sh", "-c",
                "id -u; umask; ulimit -n; grep NoNewPrivs /proc/self/status; cat /proc/self/oom_score_adj; grep CapBnd /proc/self/status",
            ]
            process.user = RuntimeSpec.User(uid: 33, gid: 33, umask: 0o27)
            process.rlimits = [RuntimeSpec.Rlimit(type: "RLIMIT_NOFILE", hard: 64, soft: 64)]
            process.noNewPrivileges = true
            process.oomScoreAdj = 500
        }
        let result = try container.exec(["--process", file])
        #expect(
            result.lines == ["33", "0027", "64", "NoNewPrivs:\t1", "500", "CapBnd:\t0000000000000000"], "\(result)")
        #expect(try container.exec(["--process", file], "/bin/true").code != 0, "two commands")
    }

    @Test("the container's own filter holds, whatever the capabilities are", arguments: [true, false]) func filter(noNewPrivileges: Bool)
        throws
    {
        let container = try RunningBundle { spec in
            spec.linux?.seccomp = RuntimeSpec.Linux.Seccomp(
                defaultAction: "SCMP_ACT_ALLOW", syscalls: [.init(names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 95)])
            spec.process?.noNewPrivileges = noNewPrivileges
        }
        let file = try container.processFile { process in
            process.args = ["/bin/sh", "-c", "grep Seccomp: /proc/self/status; /bin/busybox mkdir /x"]
            process.noNewPrivileges = noNewPrivileges
        }
        let result = try container.exec(["--process", file])
        #expect(result.lines == ["Seccomp:\t2"] && result.errors.contains("not supported"), "\(result)")
    }

    @Test("nothing of the caller's is open, but what is to be preserved", arguments: [0, 2]) func descriptors(preserved: Int) throws {
        let container = try RunningBundle()
        let words = container.arguments(["--preserve-fds", "\(preserved)"], ["/bin/probe", "descriptors"]).joined(separator: " ")
        let result = try command(["/bin/sh", "-c", "exec 3</dev/null 4</dev/null 5</dev/null; \(words)"])
        #expect(result.lines.map { $0.prefix { $0 != " " } } == (0..<3 + preserved).map { "\($0)" }, "\(result)")
        let short = container.arguments(["--preserve-fds", "1"], ["/bin/true"]).joined(separator: " ")
        let missing = try command(["/bin/sh", "-c", "exec 3<&-; \(short)"])
        #expect(missing.code == 1 && missing.errors.contains("descriptor 3 is not open"), "\(missing)")
    }

    @Test("no signal is blocked or ignored, and it leads a session of its own") func signals() throws {
        let container = try RunningBundle()
        let result = try container.exec([], "/bin/probe", "signals")
        #expect(result.output.isEmpty && result.code == 0, "\(result)")
        #expect(try container.exec(shell: "set -- $(cat /proc/$$/stat); echo $(($1 == $6))").output == "1\n")
    }

    @Test("a terminal is one of the container's own") func terminal() throws {
        let container = try RunningBundle()
        let result = try container.exec(["-t"], shell: "tty; readlink /proc/self/fd/0; [ -t 1 ] && echo yes")
        let lines = result.output.split { $0 == "\r\n" || $0 == "\n" }.map { String($0) }
        #expect(lines.first == "/dev/pts/0" && lines.dropFirst().first == "/dev/pts/0" && lines.last == "yes", "\(result)")
        #expect(try container.exec(["-t", "-d"], "/bin/true").code == 1, "nobody would have the terminal")
    }

    @Test("what the container puts at /dev/pts is not opened as a terminal", arguments: ["tmpfs", "link"]) func hostileTerminal(how: String)
        throws
    {
        let script =
            how == "tmpfs"
            ? "mount -t tmpfs none /dev/pts; touch /dev/pts/ptmx" : "mount -t tmpfs x /dev; busybox ln -s /proc/1/root/tmp /dev/pts"
        let container = try RunningBundle(["/bin/sh", "-c", "\(script); exec /bin/probe pause"]) { spec in
            for path in [\RuntimeSpec.Capabilities.bounding, \.effective, \.permitted] {
                spec.process?.capabilities?[keyPath: path]?.append("CAP_SYS_ADMIN")
            }
        }
        let result = try container.exec(["-t"], "/bin/true")
        #expect(result.code == 125 && result.errors.contains("open-terminal"), "\(result)")
    }

    @Test("it is in the container's cgroup, or in one below that is there, and its limits hold") func cgroup() throws {
        let container = try RunningBundle()
        let own = try container.exec(shell: "cat /proc/self/cgroup")
        #expect(own.output == (try container.exec(shell: "cat /proc/1/cgroup").output))
        let ours = own.lines.filter { $0.hasPrefix("0::") || $0.contains(":memory:") }
        #expect(!ours.isEmpty && ours.allSatisfy { $0.hasSuffix(":/") }, "\(own)")
        #expect(try container.exec(["--cgroup", "missing"], "/bin/true").code == 125)
        let directories = try CgroupLayout.detect().hierarchies.map { "\($0.mountPoint)/ctr-swift-oci/\(container.bundle.id)" }
        for directory in directories where access(directory, F_OK) == 0 { mkdir(directory + "/below", 0o755) }
        let below = try container.exec(["--cgroup", "below"], shell: "cat /proc/self/cgroup")
        #expect(below.lines.filter { $0.hasPrefix("0::") }.allSatisfy { $0.hasSuffix("/below") }, "\(below)")
    }

    @Test("detached it goes on, and its number is in the file") func detached() throws {
        let container = try RunningBundle()
        let file = container.bundle.path.appending("exec.pid")
        let child = try ChildProcess(container.arguments(["-d", "--pid-file", file.string], ["/bin/sleep", "1000"]))
        #expect(try child.finish().code == 0)
        let pid = try #require(Int32(String(decoding: try readFile(file), as: UTF8.self)))
        #expect(try container.exec(shell: "cat /proc/[0-9]*/comm").lines.contains("sleep"))
        kill(pid, SIGKILL)
    }

    @Test("signals to the command reach it") func forwarded() throws {
        let container = try RunningBundle()
        let child = try ChildProcess(
            container.arguments([], ["/bin/sh", "-c", "trap 'echo got; exit 42' TERM; echo ready; while :; do sleep 0.05; done"]))
        try child.wait { $0 == "ready\n" }
        kill(child.pid, SIGTERM)
        let result = try child.finish()
        #expect(result.code == 42 && result.output == "ready\ngot\n", "\(result)")
    }

    @Test("a container that is not there, was only created, or has ended") func states() throws {
        let bundle = try TestBundle(["/bin/probe", "pause"])
        #expect(try bundle.verb("exec").code == 1)
        func exec() throws -> Outcome { try command(bundle.arguments("exec", [bundle.id, "/bin/true"])) }
        #expect(try exec().errors.contains("does not exist"))
        #expect(try command(bundle.arguments("create", ["--bundle", bundle.path.string, bundle.id])).code == 0)
        #expect(try exec().code == 0, "as with runc and crun")
        #expect(try command(bundle.arguments("kill", [bundle.id, "KILL"])).code == 0)
        try waitUntil { try bundle.status() == "stopped" }
        #expect(try exec().errors.contains("is not running"))
        #expect(try bundle.verb("delete").code == 0)
    }

    @Test("the host's /dev/null keeps its owner, whoever the user is (X-40)") func nullDevice() throws {
        let container = try RunningBundle()
        var before = stat()
        var after = stat()
        stat("/dev/null", &before)
        for more in [[], ["-t"]] { #expect(try container.exec(["--user", "1000:1000"] + more, "/bin/true").code == 0) }
        stat("/dev/null", &after)
        #expect(before.st_uid == after.st_uid && before.st_gid == after.st_gid && before.st_mode == after.st_mode)
    }
}
