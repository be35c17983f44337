// SPDX-License-Identifier: Apache-2.0

internal import Glibc
package import Linux
package import ShimProtocol
package import SystemPackage

/// A client at a container's streams: what is typed goes in, what comes out is shown, signals are passed on; until it has ended.
package struct AttachSession {
    private let socket: FilePath
    private let usesStdin: Bool
    private let tty: Bool

    private static let passedSignals: [CInt] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGCONT, SIGTSTP, SIGWINCH]

    package init(socket: FilePath, stdin: Bool, tty: Bool) {
        self.socket = socket
        usesStdin = stdin
        self.tty = tty
    }

    /// - Returns: how PID 1 ended; nil where the shim went without a word.
    /// - Throws: `KernelError` where the shim can't be reached, or refused.
    package func run() throws(KernelError) -> ShimExit? {
        let connection = try ShimConnection.connect(to: socket)
        try connection.send(.attach(stdin: usesStdin))
        var early: ShimExit?
        guard var delivery = try connection.receive() else { return nil }
        // PID 1 may end between the connection and the request: its output is still to come.
        if case .exited(let exit) = delivery.message {
            early = exit
            guard let next = try connection.receive() else { return early }
            delivery = next
        }
        guard case .attached(let streams) = delivery.message else {
            throw KernelError(call: "attach", object: "\(delivery.message)", errno: .resourceBusy)
        }
        var ends = Ends()
        for stream in streams {
            guard let descriptor = delivery.takeDescriptor() else { break }
            switch stream {
            case .stdin: ends.input = Box(descriptor)
            case .stdout: ends.output = Box(descriptor)
            case .stderr: ends.errors = Box(descriptor)
            case .terminal:
                let box = Box(descriptor)
                ends.input = usesStdin ? box : nil
                ends.output = box
            }
        }
        let signals = try SignalDescriptor(Self.passedSignals)
        // A reader that has gone is told by write(2), not by the end of this process.
        signal(SIGPIPE, SIG_IGN)
        let before = tty && usesStdin && isTerminal(0) ? try TerminalMode(of: 0) : nil
        try before?.raw.apply(to: 0)
        defer { try? before?.apply(to: 0) }
        if tty { sendSize(connection) }
        return try relay(connection, signals, &ends) ?? early
    }

    private final class Box {
        let descriptor: OwnedFD
        init(_ descriptor: consuming OwnedFD) { self.descriptor = descriptor }
    }

    private struct Ends {
        var input: Box?
        var output: Box?
        var errors: Box?
        /// Typed, and not taken by the container yet.
        var typed: ArraySlice<UInt8> = []
        var stdinEnded = false
    }

    private enum Mark: Sendable { case connection, signals, stdin, input, output, errors }

    private func relay(_ connection: borrowing ShimConnection, _ signals: borrowing SignalDescriptor, _ ends: inout Ends)
        throws(KernelError) -> ShimExit?
    {
        var exit: ShimExit?
        var isConnected = true
        while isConnected || ends.output != nil || ends.errors != nil {
            var poll = Poll<Mark>()
            if isConnected { poll.add(connection.descriptor, .readable, .connection) }
            poll.add(signals.descriptor.raw, .readable, .signals)
            if let input = ends.input {
                if !ends.typed.isEmpty {
                    poll.add(input.descriptor.raw, .writable, .input)
                } else if !ends.stdinEnded {
                    poll.add(0, .readable, .stdin)
                }
            }
            if let output = ends.output { poll.add(output.descriptor.raw, .readable, .output) }
            if let errors = ends.errors { poll.add(errors.descriptor.raw, .readable, .errors) }
            // After the end what is in the pipes is still read; nobody else holds their other ends for long.
            if try poll.wait(milliseconds: exit != nil && !isConnected ? 2000 : nil) == 0 { break }
            for (mark, _) in poll.ready {
                switch mark {
                case .connection:
                    let message = try? connection.receiveMessage()
                    if case .exited(let record)? = message { exit = record }
                    if message == nil { isConnected = false }
                    if exit != nil { isConnected = false }
                case .signals: try pass(signals, to: connection)
                case .stdin: readStdin(&ends)
                case .input: writeInput(&ends)
                case .output: if !copy(ends.output, to: 1) { ends.output = nil }
                case .errors: if !copy(ends.errors, to: 2) { ends.errors = nil }
                }
            }
        }
        return exit
    }

    private func pass(_ signals: borrowing SignalDescriptor, to connection: borrowing ShimConnection) throws(KernelError) {
        while let number = try signals.next() {
            if number == SIGWINCH { sendSize(connection) } else { try? connection.send(.signal(number)) }
        }
    }

    private func sendSize(_ connection: borrowing ShimConnection) {
        guard tty, let size = try? WindowSize(of: isTerminal(1) ? 1 : 0) else { return }
        try? connection.send(.resize(rows: size.rows, columns: size.columns))
    }

    private func readStdin(_ ends: inout Ends) {
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = bytes.withUnsafeMutableBytes { read(0, $0.baseAddress, $0.count) }
        if count > 0 {
            ends.typed = bytes[..<count]
            return
        }
        if count < 0, [.interrupted, .resourceTemporarilyUnavailable].contains(lastErrno()) { return }
        // The end of our input is the end of the container's; a terminal stays.
        ends.stdinEnded = true
        if !tty { ends.input = nil }
    }

    private func writeInput(_ ends: inout Ends) {
        guard let input = ends.input else { return }
        // At most what a pipe takes at once after poll(2): so much never waits, even where the descriptor does.
        let piece = ends.typed.prefix(4096)
        let count = piece.withUnsafeBytes { write(input.descriptor.raw, $0.baseAddress, $0.count) }
        if count > 0 {
            ends.typed = ends.typed.dropFirst(count)
        } else if ![.interrupted, .resourceTemporarilyUnavailable].contains(lastErrno()) {
            ends.input = nil
            ends.typed = []
        }
    }

    /// - Returns: false at the stream's end, or where nobody reads us any more.
    private func copy(_ from: Box?, to descriptor: CInt) -> Bool {
        guard let from else { return false }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = bytes.withUnsafeMutableBytes { read(from.descriptor.raw, $0.baseAddress, $0.count) }
        guard count > 0 else { return count < 0 && [.interrupted, .resourceTemporarilyUnavailable].contains(lastErrno()) }
        var rest = bytes[..<count]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if written > 0 { rest = rest.dropFirst(written) } else if lastErrno() != .interrupted { return false }
        }
        return true
    }
}
