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
    /// A further process of the container; nil is the first one.
    private let exec: String?

    private static let passedSignals: [CInt] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGCONT, SIGTSTP, SIGWINCH]

    package init(socket: FilePath, stdin: Bool, tty: Bool, exec: String? = nil) {
        self.socket = socket
        usesStdin = stdin
        self.tty = tty
        self.exec = exec
    }

    /// - Returns: how the process ended; nil where the shim has gone, or goes without a word.
    /// - Throws: `KernelError` where the shim can't be reached, or refused.
    package func run() throws(KernelError) -> ShimExit? {
        guard let connection = try connect() else { return nil }
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
        var ends = Ends(delivery: &delivery, streams, usesStdin: usesStdin)
        let signals = try SignalDescriptor(Self.passedSignals)
        // A reader that has gone is told by write(2), not by the end of this process.
        signal(SIGPIPE, SIG_IGN)
        let before = tty && usesStdin && isTerminal(0) ? try TerminalMode(of: 0) : nil
        try before?.raw.apply(to: 0)
        defer { try? before?.apply(to: 0) }
        if tty { sendSize(connection) }
        return try relay(connection, signals, &ends) ?? early
    }

    private func connect() throws(KernelError) -> ShimConnection? {
        do throws(KernelError) {
            let connection = try ShimConnection.connect(to: socket)
            try connection.send(exec.map { .attachExec(id: $0, stdin: usesStdin) } ?? .attach(stdin: usesStdin))
            return connection
        } catch  where error.meansNoShim && (error.errno != .noSuchFileOrDirectory || seesContainers) {
            return nil
        }
    }

    /// A socket that is not there has gone with its container, or is somewhere that this process does not see.
    private var seesContainers: Bool {
        let containers = socket.removingLastComponent().removingLastComponent()
        return withCPath(containers) { access($0, F_OK) } == 0
    }

    private func relay(_ connection: borrowing ShimConnection, _ signals: borrowing SignalDescriptor, _ ends: inout Ends)
        throws(KernelError) -> ShimExit?
    {
        var exit: ShimExit?
        var isConnected = true
        while isConnected || !ends.outputs.isEmpty {
            var poll = Poll<Mark>()
            if isConnected { poll.add(connection.descriptor, .readable, .connection) }
            poll.add(signals.descriptor.raw, .readable, .signals)
            ends.watch(&poll)
            // After the end what is in the pipes is still read; nobody else holds their other ends for long.
            let isWaitedFor = isConnected || ends.outputs.contains { $0.sink.isBehind }
            if try poll.wait(milliseconds: isWaitedFor ? nil : 2000) == 0 { break }
            for (mark, _) in poll.ready {
                switch mark {
                case .connection:
                    let message = try? connection.receiveMessage()
                    if case .exited(let record)? = message { exit = record }
                    if message == nil || exit != nil { isConnected = false }
                case .signals: try pass(signals, to: connection)
                case .stdin: ends.readStdin(keepsInput: tty)
                case .input: ends.writeInput()
                case .output(let index): ends.outputs[index].copy()
                case .sink(let index): ends.outputs[index].continueGiving()
                }
            }
            for output in ends.removeEnded() where isConnected { tell(connection, nobodyReads: output) }
        }
        return exit
    }

    /// The container's next write has to fail, as it would at a shell's pipe. A terminal can't be half closed: it is hung up.
    private func tell(_ connection: borrowing ShimConnection, nobodyReads stream: ShimStream) {
        try? connection.send(stream == .terminal ? .signal(SIGHUP) : .closeOutput(stream))
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
}
