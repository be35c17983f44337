// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux
internal import Runtime
internal import ShimProtocol
internal import SystemPackage

/// A probe by a program in the container: a further process without a client, in a group of its own, which is ended with it.
final class ProgramProbe {
    let group: ExecCgroup
    private var child: ExecChild
    /// Both of its outputs; nil once it was read to its end.
    private var output: OwnedFD?
    private var said = ProbeOutput()

    init(_ child: consuming ExecChild, output: consuming OwnedFD?, group: ExecCgroup) {
        self.child = child
        self.output = consume output
        self.group = group
    }

    var pid: Int32 { child.pid }

    func watch(_ add: (CInt, PollEvents, ProbeEnd) -> Void) {
        if let channel = child.channel { add(channel, .readable, .launching) }
        if let raw = outputNumber { add(raw, .readable, .output) }
    }

    private var outputNumber: CInt? {
        switch output {
        case .some(let output): output.raw
        case .none: nil
        }
    }

    /// - Returns: the answer where the program did not come to run; the process has been reaped then.
    func finishLaunch() -> ProbeAnswer? {
        guard child.channel != nil else { return nil }
        do throws(LaunchError) {
            _ = try child.awaitProgram()
            return nil
        } catch {
            return Self.answer(to: error)
        }
    }

    static func answer(to error: LaunchError) -> ProbeAnswer {
        ProbeAnswer(exitCode: error.exitCode, output: "\(error)")
    }

    /// Reads once; what is more than is kept is thrown away, so that the program goes on.
    /// - Returns: whether there may be more.
    @discardableResult
    func takeOutput(_ buffer: inout [UInt8]) -> Bool {
        guard let raw = outputNumber else { return false }
        var span = buffer.mutableSpan
        let count: Int?
        do throws(KernelError) {
            count = try span.withUnsafeMutableBytes { bytes throws(KernelError) in
                try readSome(raw, into: bytes, object: "a probe's output")
            }
        } catch {
            output = nil
            return false
        }
        guard let count else { return false }
        if count == 0 { output = nil } else { said.add(buffer[..<count]) }
        return count > 0
    }

    /// It was reaped: what it has written is in the pipe, and no more of it is taken than a pipe holds, since others may write on.
    func answer(to end: WaitStatus, _ buffer: inout [UInt8]) -> ProbeAnswer {
        if let failure = finishLaunch() { return failure }
        for _ in 0..<16 where takeOutput(&buffer) {}
        output = nil
        return ProbeAnswer(exitCode: end.exitCode, output: said.text)
    }

    /// Ends it and whatever it has started.
    func kill() {
        output = nil
        do throws(KernelError) {
            _ = try sendSignal(SIGKILL, to: child.pidfd)
            try group.killAll()
        } catch {
            Complaint.write("a health probe could not be ended: \(error)")
        }
    }
}

/// Which of a probe's descriptors.
enum ProbeEnd: Sendable { case launching, output, socket }

/// Nothing to read, and one pipe for all that a probe says. The program's ends are closed with the value.
struct ProbeStreams: ~Copyable {
    private let input: OwnedFD
    private let writer: OwnedFD
    private var reader: OwnedFD?

    static func make() throws(LaunchError) -> ProbeStreams {
        do throws(KernelError) {
            let input = try openFile("/dev/null", O_RDONLY)
            var pipe = try Pipe()
            let reader = pipe.takeReader()
            try reader.setNonblocking()
            return ProbeStreams(input, pipe.takeWriter(), reader)
        } catch {
            throw LaunchError(step: .plan, kernel: error)
        }
    }

    private init(_ input: consuming OwnedFD, _ writer: consuming OwnedFD, _ reader: consuming OwnedFD) {
        self.input = input
        self.writer = writer
        self.reader = consume reader
    }

    /// For the length of the launch.
    var programEnds: StandardStreams { .descriptors(stdin: input.raw, stdout: writer.raw, stderr: writer.raw) }

    /// Never waits.
    mutating func takeReader() -> OwnedFD? { reader.take() }
}
