// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import Runtime
import SystemPackage

/// Copies between this process's streams and the terminal of a process, until the process ends. Who else has the terminal open is no matter:
/// the process may leave others on it, and may itself let go of it and live on.
struct TerminalRelay {
    private let terminal: CInt
    private let pid: Int32
    private var buffer = [UInt8](repeating: 0, count: 16384)
    /// What was typed and is not yet taken. A program may read only when what it writes is read, so nobody waits here.
    private var pending: ArraySlice<UInt8> = []
    private var inputIsOpen = true
    private var outputIsOpen = true
    /// Whether anybody had the terminal open at the last look.
    private var isUsed = true
    private var size = Foreground.terminalSize()

    private enum Source: Sendable {
        case process, terminal, input
    }

    /// - Parameters:
    ///   - terminal: the main end; it outlives this value.
    ///   - pid: a child that is not reaped.
    init(_ terminal: CInt, for pid: Int32) {
        self.terminal = terminal
        self.pid = pid
    }

    /// Returns when the process has ended and what it wrote is shown.
    mutating func run() throws(KernelError) {
        let process = try openProcess(pid)
        let (terminal, number) = (terminal, process.raw)
        let flags = try kernel("fcntl(2)", "terminal") { fcntl(terminal, F_GETFL) }
        try kernel("fcntl(2)", "terminal") { fcntl(terminal, F_SETFL, flags | O_NONBLOCK) }
        while try relay(until: number) {}
        drain()
    }

    /// One round.
    /// - Returns: false when the process has ended.
    private mutating func relay(until process: CInt) throws(KernelError) -> Bool {
        var poll = Poll<Source>()
        poll.add(process, .readable, .process)
        // One that nobody has open is always ready: it is only looked at from time to time.
        if isUsed {
            poll.add(terminal, pending.isEmpty ? .readable : [.readable, .writable], .terminal)
            if inputIsOpen, pending.isEmpty { poll.add(0, .readable, .input) }
        }
        try poll.wait(milliseconds: 250)
        Foreground.passSignals(to: pid)
        passSize()
        let ready = poll.ready.map(\.mark)
        if ready.contains(.input) { readInput() }
        typePending()
        if ready.contains(.process) { return false }
        if !isUsed || ready.contains(.terminal) { isUsed = showOutput() != .unused }
        return true
    }

    private mutating func passSize() {
        let now = Foreground.terminalSize()
        guard now != size else { return }
        size = now
        setTerminalSize(terminal, rows: size.rows, columns: size.columns)
    }

    // MARK: To the program

    private mutating func readInput() {
        let count = (try? read(0)) ?? 0
        guard count > 0 else {
            inputIsOpen = false
            // What a terminal's user would type to end the input.
            pending = [4]
            return
        }
        pending = buffer[..<count]
    }

    private mutating func typePending() {
        let terminal = terminal
        do throws(KernelError) {
            while !pending.isEmpty {
                let count = try pending.span.withUnsafeBytes { bytes throws(KernelError) in
                    try writeSome(terminal, bytes, object: "terminal")
                }
                if count == 0 { return }
                pending.removeFirst(count)
            }
        } catch {
            // EIO: nobody has the terminal open, so nobody can be meant.
            pending = []
        }
    }

    // MARK: From the program

    private enum Output: Hashable {
        case shown(Int)
        case none
        /// Nobody has the terminal open.
        case unused
    }

    private mutating func showOutput() -> Output {
        // Past its last byte: EIO.
        guard let count = try? read(terminal) ?? -1, count != 0 else { return .unused }
        guard count > 0 else { return .none }
        write(count)
        return .shown(count)
    }

    /// Where nobody wants the output any more the program still gets rid of it.
    private mutating func write(_ count: Int) {
        var rest = buffer[..<count]
        while !rest.isEmpty, outputIsOpen {
            do throws(KernelError) {
                let written = try rest.span.withUnsafeBytes { bytes throws(KernelError) in try writeSome(1, bytes, object: "stdout") }
                rest.removeFirst(written)
                if written == 0 { try waitForOutput() }
            } catch {
                outputIsOpen = false
            }
        }
    }

    /// The caller's stream may be one that does not block.
    private func waitForOutput() throws(KernelError) {
        var poll = Poll<Source>()
        poll.add(1, .writable, .terminal)
        try poll.wait(milliseconds: nil)
    }

    /// What the program had written is there at its end: a read first does what the kernel has put off. Others may go on writing, so there is an
    /// end to it: more than this no terminal holds.
    private mutating func drain() {
        var rest = 1 << 18
        while rest > 0, case .shown(let count) = showOutput() { rest -= count }
    }

    private mutating func read(_ source: CInt) throws(KernelError) -> Int? {
        var span = buffer.mutableSpan
        return try span.withUnsafeMutableBytes { bytes throws(KernelError) in
            try readSome(source, into: bytes, object: "descriptor \(source)")
        }
    }
}
