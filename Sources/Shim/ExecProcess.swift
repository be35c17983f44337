// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux
internal import OCI
internal import Runtime
internal import ShimProtocol
internal import SystemPackage

/// A further process of the container, from its clone until its end is told: its streams, its client, its group.
///
///     launching --exec--> running --exit--> ended
///         |                  ^ |
///         +- failed: gone    | +- its client goes: its group is killed
///                            +- a client comes, within a minute; else it is killed
///
/// Without a terminal the client gets the shim's own ends of the pipes, and no byte of it passes here.
final class ExecProcess {
    let id: String
    let isDetached: Bool
    let startedAt: String
    let group: ExecCgroup
    private var child: ExecChild
    /// The one that asked for it, while it is launched; then the one that is attached.
    var client: ShimClient?
    /// Until then a first client is waited for.
    private(set) var deadline: Moment?
    private(set) var exit: ShimExit?

    private var stdin: OwnedFD?
    private var outputs: [ContainerOutput]
    private(set) var terminal: ContainerOutput?
    private(set) var terminalInput: TerminalInput?
    /// A terminal that nobody has open is looked at again then.
    private var terminalReopens: Moment?
    /// When the terminal last gave something.
    private var lastOutput = Moment.now

    /// - Parameter child: just begun.
    init(
        _ request: ShimExec, _ child: consuming ExecChild, _ streams: inout ContainerStreams?, group: ExecCgroup, for client: ShimClient
    ) throws(KernelError) {
        id = request.id
        isDetached = request.detached
        startedAt = Timestamp.now()
        self.group = group
        self.client = client
        let main = child.takeTerminal()
        self.child = child
        outputs = []
        if let main { terminal = try ContainerOutput(.terminal, main) }
        stdin = streams?.takeInput()
        outputs = try streams?.takeOutputs() ?? []
    }

    var pid: Int32 { child.pid }
    var status: ShimExecStatus { ShimExecStatus(id: id, pid: pid, startedAt: startedAt, exit: exit) }

    // MARK: Life

    /// Readable when the launch is over; nil after it.
    var launching: CInt? { child.channel }

    /// - Throws: `LaunchError`; then the process is gone, and reaped.
    func finishLaunch() throws(LaunchError) {
        _ = try child.awaitProgram()
        client = nil
        if !isDetached { deadline = Moment.now.advanced(byMilliseconds: ShimPatience.execClient) }
    }

    func noteExit(_ record: ShimExit) {
        exit = record
        lastOutput = .now
        stdin = nil
        client?.tell(.exited(record))
        // What its terminal still has is given all the same; the client's going means nothing any more.
        client = nil
    }

    /// Ends it and whatever it has started.
    func kill() {
        do throws(KernelError) {
            // Also without a group of its own it goes.
            _ = try sendSignal(SIGKILL, to: child.pidfd)
            try group.killAll()
        } catch {
            Complaint.write("exec \(id) could not be ended: \(error)")
        }
    }

    /// The container has ended, or the engine has: a client does not have much longer to come.
    func hurryClient() {
        guard let due = deadline else { return }
        deadline = min(due, Moment.now.advanced(byMilliseconds: ShimPatience.firstClient))
    }

    /// No client will come.
    func abandon() {
        deadline = nil
        stdin = nil
        outputs = []
        if exit == nil { kill() }
    }

    /// Its client has gone: for ever, and with it what it was run for.
    func leaveClient() {
        client = nil
        terminalInput = nil
        terminal?.feed = nil
        if exit == nil { kill() }
    }

    /// Nothing more is to be told or given.
    var isDone: Bool {
        guard exit != nil, deadline == nil else { return false }
        guard let terminal else { return true }
        return terminal.isEnded && terminal.feed == nil
    }

    // MARK: Requests of its client

    /// Gives the streams to a client.
    func attach(_ client: ShimClient, stdin wantsStdin: Bool) {
        guard launching == nil, !isDetached else { return client.tell(.refused("exec \(id) has no streams to attach to")) }
        guard deadline != nil else { return client.tell(.refused("exec \(id) has, or had, its client already")) }
        do throws(KernelError) {
            var offer = StreamOffer()
            if terminal != nil {
                try offerTerminal(&offer)
            } else {
                if wantsStdin, let end = stdin.take() { offer.add(.stdin, end) }
                for output in outputs {
                    if let copy = try output.lend() { offer.add(output.stream, copy) }
                }
            }
            client.tell(.attached(streams: offer.streams), with: offer.descriptors)
        } catch {
            return client.tell(.refused("the streams could not be made: \(error)"))
        }
        // The client's are the only holds now: what it closes, the process sees.
        stdin = nil
        outputs = []
        deadline = nil
        client.exec = self
        if let exit { return client.tell(.exited(exit)) }
        self.client = client
    }

    private func offerTerminal(_ offer: inout StreamOffer) throws(KernelError) {
        guard let terminal, let raw = terminal.descriptor else { return }
        var pair = try UnixSocket.Pair(.stream)
        offer.add(.terminal, pair.takeSecond())
        let near = pair.takeFirst()
        try near.setNonblocking()
        if terminal.isEnded { return }
        terminalInput = TerminalInput(from: try near.duplicate(), to: raw)
        terminal.feed = ClientFeed(near)
    }

    /// What the connection of its client asks.
    func answer(_ request: ShimRequest) -> ShimMessage {
        if let exit { return .exited(exit) }
        do throws(KernelError) {
            switch request {
            case .signal(let number, _, _):
                guard (1...64).contains(number) else { return .refused("there is no signal \(number)") }
                _ = try sendSignal(number, to: child.pidfd)
            case .resize(let rows, let columns):
                guard let raw = terminal?.descriptor else { return .refused("exec \(id) has no terminal") }
                try WindowSize(rows: rows, columns: columns).apply(to: raw)
            case .closeStdin, .closeOutput:
                // The client's ends are the only ones.
                guard terminal == nil else { return .refused("a terminal has no such stream to close") }
            case .begin, .attach, .attachExec, .exec, .status, .watch, .probe: return .refused("this connection is exec \(id)'s")
            }
            return .done
        } catch {
            return .refused("\(error)")
        }
    }

    // MARK: The terminal

    /// What is waited for on its descriptors.
    enum End: Sendable { case launching, output, feed, typed, terminal }

    func watch(_ add: (CInt, PollEvents, End) -> Void) {
        if let launching { add(launching, .readable, .launching) }
        guard let terminal, let raw = terminal.descriptor else { return }
        if readsTerminal { add(raw, .readable, .output) }
        if let feed = terminal.feed, feed.isBehind { add(feed.descriptor, .writable, .feed) }
        guard let terminalInput, !terminal.isEnded else { return }
        if terminalInput.wantsToRead { add(terminalInput.descriptor, .readable, .typed) }
        if terminalInput.wantsToWrite { add(raw, .writable, .terminal) }
    }

    /// Until a client is there, what was written stays where it is.
    private var readsTerminal: Bool {
        guard let terminal, !terminal.isEnded, deadline == nil, launching == nil || isDetached, terminalReopens == nil else { return false }
        return terminal.feed?.isFull != true
    }

    /// For everything but the launch.
    func serve(_ end: End, with buffer: inout [UInt8]) {
        switch end {
        case .launching: break
        case .output: takeOutput(&buffer)
        case .feed:
            terminal?.feed?.continueGiving()
            terminal?.releaseFeedIfDone()
        case .typed: terminalInput?.read()
        case .terminal: terminalInput?.write()
        }
    }

    private func takeOutput(_ buffer: inout [UInt8]) {
        guard let terminal else { return }
        switch terminal.read(into: &buffer) {
        case .nothing: break
        case .bytes(let count):
            lastOutput = .now
            terminal.feed?.give(buffer[..<count])
        case .end where exit == nil: terminalReopens = Moment.now.advanced(byMilliseconds: ShimPatience.terminalReopens)
        case .end: terminal.end()
        }
    }

    // MARK: Time

    var nextMoment: Moment? {
        let candidates: [Moment?] = [deadline, terminalReopens, quietDeadline, feedDeadline]
        return candidates.compactMap(\.self).min()
    }

    func keepDeadlines(_ now: Moment) {
        if let due = deadline, now >= due { abandon() }
        if let due = terminalReopens, now >= due || exit != nil { terminalReopens = nil }
        if let due = quietDeadline, now >= due { terminal?.end() }
        if let due = feedDeadline, now >= due { terminal?.feed = nil }
    }

    /// What it left running may hold the terminal open, so that it never ends.
    private var quietDeadline: Moment? {
        guard exit != nil, readsTerminal else { return nil }
        return lastOutput.advanced(byMilliseconds: ShimPatience.silence)
    }

    /// A client that takes nothing must not keep an ended process.
    private var feedDeadline: Moment? {
        guard exit != nil, let feed = terminal?.feed, feed.isBehind else { return nil }
        return feed.lastTaken.advanced(byMilliseconds: ShimPatience.idleClient)
    }
}
