// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import SystemPackage
import Testing

@Suite struct ShimProcessTests {
    /// Runs a shell with the table, which writes to descriptor 5.
    private func output(_ script: String, _ more: [(from: CInt, to: CInt)] = [], environment: [String] = []) throws -> String {
        var pipe = try Pipe()
        let writer = pipe.takeWriter()
        let null = try openFile("/dev/null", O_RDWR)
        let pid = try spawn(
            "/bin/sh", arguments: ["sh", "-c", script], environment: environment,
            descriptors: [(null.raw, 0), (null.raw, 1), (null.raw, 2), (writer.raw, 5)] + more)
        _ = consume writer
        let bytes = try readAll(pipe.takeReader(), object: "output", limit: 1 << 20)
        waitpid(pid, nil, 0)
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test("a child has exactly the descriptors of its table (X-02)")
    func descriptors() throws {
        let leak = open("/dev/zero", O_RDONLY)
        defer { close(leak) }
        // 3 is the shell's own, for the listing.
        #expect(try output("cd /proc/$$/fd; echo * >&5") == "0 1 2 3 5\n")
        #expect(try !output("ls -l /proc/self/fd >&5").contains("/dev/zero"))
    }

    @Test("descriptors change places, and keep their own")
    func places() throws {
        let a = try openFile("/dev/zero", O_RDONLY)
        let b = try openFile("/dev/full", O_RDONLY)
        let text = try output(
            "readlink /proc/self/fd/\(a.raw) >&5; readlink /proc/self/fd/\(b.raw) >&5", [(a.raw, b.raw), (b.raw, a.raw)])
        #expect(text == "/dev/full\n/dev/zero\n")
        #expect(try output("readlink /proc/self/fd/\(a.raw) >&5", [(a.raw, a.raw)]) == "/dev/zero\n")
    }

    @Test("a child leads a session, with default signals, none blocked, and only its environment (X-21)")
    func surroundings() throws {
        setenv("SECRET", "1", 1)
        defer { unsetenv("SECRET") }
        let text = try output("cat /proc/self/status >&5; cut -d' ' -f5,6 /proc/$$/stat >&5; echo $$ >&5; env >&5", environment: ["A=b"])
        #expect(text.contains("SigBlk:\t0000000000000000"))
        #expect(text.contains("A=b"))
        #expect(!text.contains("SECRET"))
        let lines = text.split(separator: "\n")
        let numbers = try #require(lines.firstIndex { $0.allSatisfy { $0.isNumber || $0 == " " } })
        #expect(lines[numbers] == "\(lines[numbers + 1]) \(lines[numbers + 1])", "group and session are its own")
    }

    @Test("a program that can't be run is an error, and no child")
    func notFound() throws {
        let error = #expect(throws: KernelError.self) { try spawn("/nothing", arguments: ["x"], environment: [], descriptors: []) }
        #expect(error?.errno == .noSuchFileOrDirectory)
    }

    @Test("a process by descriptor is signalled, and told when it has gone")
    func pidfd() throws {
        let pid = try spawn("/bin/sleep", arguments: ["sleep", "100"], environment: [], descriptors: [])
        let process = try openProcess(pid)
        let ticks = try ProcessStat(of: pid).startTicks
        #expect(ticks > 0)
        #expect(try ProcessStat(of: pid).parent == getpid())
        #expect(try sendSignal(SIGKILL, to: process))
        waitpid(pid, nil, 0)
        #expect(try !sendSignal(SIGTERM, to: process))
        #expect(throws: KernelError.self) { try ProcessStat(of: pid) }
    }

    @Test(
        "a process's name can't forge its other numbers",
        arguments: [("7 (sleep) S 1", "S"), ("7 (a) R 9 9 (b) S 1", "S"), ("7 (\n) Z 3 ) S 1", "S")])
    func stat(head: String, state: Character) throws {
        let text = head + " 7 7 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 4242 1 2 3"
        let stat = try #require(ProcessStat(parsing: Array(text.utf8)))
        #expect(stat.state == state && stat.parent == 1 && stat.startTicks == 4242 && !stat.isExiting)
        let ending = try #require(ProcessStat(parsing: Array(text.replacing(" 4194304 ", with: " 4194308 ").utf8)))
        #expect(ending.isExiting)
    }

    @Test("what is no stat line is none", arguments: ["", "7 (x", "7 (x) S", "7 (x) S x 7 7 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 4242"])
    func badStat(text: String) { #expect(ProcessStat(parsing: Array(text.utf8)) == nil) }

    @Test("poll tells who is ready, and when the time is over")
    func poll() throws {
        var pipe = try Pipe()
        let reader = pipe.takeReader()
        let writer = pipe.takeWriter()
        var poll = Poll<String>()
        poll.add(reader.raw, .readable, "reader")
        #expect(try poll.wait(milliseconds: 10) == 0)
        #expect(poll.ready.isEmpty)
        try [UInt8(1)].span.withUnsafeBytes { bytes throws(KernelError) in try writeAll(writer, bytes, object: "pipe") }
        #expect(try poll.wait(milliseconds: nil) == 1)
        #expect(poll.ready.map(\.mark) == ["reader"] && poll.ready[0].events == .readable)
    }

    @Test("a pipe opened once more has flags of its own, and does not wait for a partner")
    func reopen() throws {
        var pipe = try Pipe()
        let reader = pipe.takeReader()
        try reader.setNonblocking()
        _ = pipe.takeWriter()
        let second = try reader.reopenPipe(forWriting: false)
        #expect(fcntl(second.raw, F_GETFL) & O_NONBLOCK == 0)
        #expect(try readAll(second, object: "pipe", limit: 1) == [])
    }

    @Test("moments are compared and counted without overflow")
    func moments() {
        let early = Moment(nanoseconds: 1)
        let late = early.advanced(byMilliseconds: 5)
        #expect(early < late)
        #expect(late.milliseconds(from: early) == 5)
        #expect(early.milliseconds(from: late) == 0)
        #expect(Moment(nanoseconds: .max).milliseconds(from: early) == CInt.max)
    }
}
