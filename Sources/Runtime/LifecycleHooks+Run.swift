// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import JSON
internal import Linux
internal import SystemPackage

extension LifecycleHooks.Moment {
    var step: LaunchStep {
        switch self {
        case .prestart, .createRuntime, .poststart, .poststop: .createHooks
        case .createContainer: .containerHooks
        case .startContainer: .startHooks
        }
    }
}

extension LifecycleHooks.Hook {
    func run(_ moment: LifecycleHooks.Moment, _ state: HookState) throws(LaunchError) {
        let bytes: [UInt8]
        do throws(JSONError) {
            bytes = try JSON.encode(state)
        } catch {
            throw LaunchError(step: moment.step, reason: "\(moment) hook: \(error)")
        }
        let (status, output) = try during(moment.step, "\(moment) hook") { () throws(KernelError) in try execute(bytes) }
        switch status {
        case .code(0): return
        case .code(let code): throw failure(moment, "ended with code \(code)", output)
        case .signal(let signal): throw failure(moment, "was ended by signal \(signal)", output)
        case .late: throw failure(moment, "did not end within \(timeoutSeconds ?? 0) s", output)
        }
    }

    private enum End {
        case code(CInt)
        case signal(CInt)
        case late
    }

    private func failure(_ moment: LifecycleHooks.Moment, _ what: String, _ output: String) -> LaunchError {
        LaunchError(step: moment.step, reason: "\(moment) hook \"\(path)\" \(what)" + (output.isEmpty ? "" : ": \(output)"))
    }

    /// Streams are files in memory: a hook that reads nothing or writes much holds nobody up.
    private func execute(_ state: [UInt8]) throws(KernelError) -> (End, output: String) {
        let input = try Self.file("state")
        let output = try Self.file("hook output")
        try state.span.withUnsafeBytes { bytes throws(KernelError) in try writeAll(input, bytes, object: "state") }
        let (inputNumber, outputNumber) = (input.raw, output.raw)
        try kernel("lseek(2)", "state") { lseek(inputNumber, 0, SEEK_SET) }
        // The runtime itself makes files with exact modes; a hook has the usual mask.
        let mask = umask(0o022)
        defer { umask(mask) }
        let pid = try spawn(
            path, arguments: arguments, environment: environment,
            descriptors: [(inputNumber, 0), (outputNumber, 1), (outputNumber, 2)])
        let end = try wait(for: pid)
        return (end, Self.text(of: output))
    }

    private static func file(_ name: String) throws(KernelError) -> OwnedFD {
        OwnedFD(owning: try kernel("memfd_create(2)", name) { ctr_memory_file(name) })
    }

    private func wait(for pid: Int32) throws(KernelError) -> End {
        var isLate = false
        if let seconds = timeoutSeconds {
            let process = try openProcess(pid)
            let deadline = monotonicNanoseconds() &+ UInt64(seconds) &* 1_000_000_000
            var poll = Poll<Int>()
            poll.add(process.raw, .readable, 0)
            while try poll.wait(milliseconds: Self.milliseconds(until: deadline)) == 0 {
                guard monotonicNanoseconds() >= deadline else { continue }
                isLate = try sendSignal(SIGKILL, to: process)
                break
            }
        }
        var status: CInt = 0
        try kernel("waitpid(2)", "hook \(path)") { waitpid(pid, &status, 0) }
        if isLate { return .late }
        let signal = status & 0x7F
        return signal == 0 ? .code((status >> 8) & 0xFF) : .signal(signal)
    }

    private static func milliseconds(until deadline: UInt64) -> CInt {
        let now = monotonicNanoseconds()
        return now >= deadline ? 0 : CInt(clamping: (deadline - now) / 1_000_000 + 1)
    }

    /// The beginning of what it said, on one line.
    private static func text(of output: borrowing OwnedFD) -> String {
        var buffer = [UInt8](repeating: 0, count: 512)
        let raw = output.raw
        let count = buffer.withUnsafeMutableBytes { pread(raw, $0.baseAddress, $0.count, 0) }
        let bytes = buffer.prefix(max(count, 0)).map { $0 >= 0x20 && $0 != 0x7F ? $0 : 0x20 }
        var text = String(decoding: bytes, as: UTF8.self)
        while text.hasSuffix(" ") { text.removeLast() }
        return text
    }
}
