// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux
internal import Runtime
internal import ShimProtocol
internal import SystemPackage

/// The company of one running container: one thread, one poll(2), which waits for nobody in particular.
///
///     direct    (no log, no terminal) the container's pipes are lent to a client; without one, output is thrown away
///     relayed   the shim reads, writes the log, and feeds a client by a pipe or socket of its own
///
/// It ends when PID 1 has ended, that is recorded, and whoever was promised output has it.
final class ShimServer {
    let configuration: ShimConfiguration
    let started: ShimStarted
    let initProcess: RunningInit
    private let listener: OwnedFD
    let childSignals: SignalDescriptor
    var log: LogWriter?
    /// The shim's hold on the container's stdin; nil where it has none (any more).
    var stdin: OwnedFD?
    let outputs: [ContainerOutput]
    var terminalInput: TerminalInput?
    /// Further processes.
    var execs: ExecRegistry
    /// nil: nobody asks for it.
    let health: HealthMonitor?

    var clients: [ShimClient] = []
    /// The one that has the streams.
    var attached: ShimClient?
    /// Until then output stays where it is, for a first client; nil: nobody is waited for (any more).
    var firstClientDeadline: Moment?
    var exit: ShimExit?
    /// Its status then asks the daemon to try again.
    var leavesCgroup = false
    var sentSignals = SentSignals()
    /// A stop is under way: PID 1 is killed then.
    var dueKill: (at: Moment, request: String?)?
    /// Before the first process of the container.
    let begin: Moment
    /// When the container's output last moved.
    var lastOutput = Moment.now
    /// A terminal that nobody in the container has open is looked at again then.
    private var terminalReopens: Moment?
    /// What its start needed is given back then: it waits from there on, beside hundreds of its kind. Where the container ends before, most of
    /// it is needed once more at once.
    private var settles: Moment? = Moment.now.advanced(byMilliseconds: ShimPatience.settling)

    private var poll = Poll<Source>()
    /// Not before the first output: most containers are silent.
    lazy var chunk = [UInt8](repeating: 0, count: 64 << 10)

    init(
        _ configuration: ShimConfiguration, started: ShimStarted, initProcess: consuming RunningInit, listener: consuming OwnedFD,
        childSignals: consuming SignalDescriptor, stdin: consuming OwnedFD?, outputs: [ContainerOutput], log: consuming LogWriter?,
        traits: ContainerTraits, begin: Moment, health: HealthMonitor? = nil
    ) {
        self.health = health
        execs = ExecRegistry(traits: traits)
        self.configuration = configuration
        self.started = started
        self.initProcess = initProcess
        self.listener = listener
        self.childSignals = childSignals
        self.stdin = stdin
        self.outputs = outputs
        self.log = log
        self.begin = begin
        if configuration.expectsAttach { firstClientDeadline = Moment.now.advanced(byMilliseconds: ShimPatience.firstClient) }
    }

    var isRelayed: Bool { configuration.tty || configuration.logDirectory != nil }

    /// Serves until there is nothing left to do.
    func run() {
        while !isDone {
            serveOnce()
            keepDeadlines(Moment.now)
        }
        for output in outputs { log?.end(output.stream) }
        log?.finish()
    }

    /// A client that still is to get something is waited for, as long as it takes something.
    private var isDone: Bool {
        guard exit != nil, firstClientDeadline == nil, execs.isDone else { return false }
        return !isRelayed || outputs.allSatisfy { $0.isEnded && $0.feed == nil }
    }

    // MARK: One round

    /// Which descriptor a poll entry stands for.
    private enum Source: Sendable {
        case listener, children, client(Int), output(Int), feed(Int), typed, terminal, log, exec(Int, ExecProcess.End), health(
            Int, ProbeEnd)
    }

    private func serveOnce() {
        watchAll()
        do throws(KernelError) { try poll.wait(milliseconds: timeout) } catch {
            // ENOMEM passes; anything else would be a bug, and is written down once a round.
            Complaint.write("\(error)")
            usleep(100_000)
            return
        }
        // Of those that were watched: a handler may take one off the list.
        let watched = execs.processes
        for (source, _) in poll.ready {
            if case .exec(let index, let end) = source { serveExec(watched[index], end) } else { serve(source) }
        }
        sweepExecs()
        // The engine has gone: a client that it has sent to a further process is on its way, and there will be no other.
        if clients.contains(where: { $0.isClosed && $0.watchesExecs }) { for process in execs.processes { process.hurryClient() } }
        clients.removeAll { $0.isClosed }
        if let attached, attached.isClosed { detach() }
    }

    private func watchAll() {
        poll.removeAll()
        if clients.count < ShimPatience.connections { poll.add(listener.raw, .readable, .listener) }
        if exit == nil || execs.areRunning { poll.add(childSignals.descriptor.raw, .readable, .children) }
        for (index, client) in clients.enumerated() { poll.add(client.connection.descriptor, .readable, .client(index)) }
        for (index, output) in outputs.enumerated() {
            if reads(output), let raw = output.descriptor { poll.add(raw, .readable, .output(index)) }
            if let feed = output.feed, feed.isBehind { poll.add(feed.descriptor, .writable, .feed(index)) }
        }
        for (index, process) in execs.processes.enumerated() {
            process.watch { raw, events, end in poll.add(raw, events, .exec(index, end)) }
        }
        health?.watch { raw, events, probe, end in poll.add(raw, events, .health(probe, end)) }
        if let raw = log?.waitingDescriptor { poll.add(raw, .writable, .log) }
        if let terminalInput {
            if terminalInput.wantsToRead { poll.add(terminalInput.descriptor, .readable, .typed) }
            if terminalInput.wantsToWrite, let raw = terminal?.descriptor { poll.add(raw, .writable, .terminal) }
        }
    }

    /// A lent stream is its client's to read; one that waits for a client stays where it is; a feed that is full is waited for.
    func reads(_ output: ContainerOutput) -> Bool {
        if output.isEnded || firstClientDeadline != nil || (output.stream == .terminal && terminalReopens != nil) { return false }
        return isRelayed ? output.feed?.isFull != true : attached == nil
    }

    var terminal: ContainerOutput? { outputs.first { $0.stream == .terminal } }

    private func serve(_ source: Source) {
        switch source {
        case .listener: acceptClient()
        case .children: reapChildren()
        case .client(let index): serveClient(clients[index])
        case .output(let index): _ = take(outputs[index])
        case .feed(let index):
            outputs[index].feed?.continueGiving()
            outputs[index].releaseFeedIfDone()
        case .typed: terminalInput?.read()
        case .terminal: terminalInput?.write()
        case .log: log?.continueWriting()
        case .health(let probe, let end): serveHealth(end, of: probe)
        case .exec: break
        }
    }

    /// Takes what is there. In the direct form that is: throws it away.
    /// - Returns: how many bytes; 0 at the end, too.
    func take(_ output: ContainerOutput) -> Int {
        switch output.read(into: &chunk) {
        case .nothing: break
        case .bytes(let count):
            lastOutput = .now
            if log != nil { log?.write(chunk[..<count], from: output.stream) }
            output.feed?.give(chunk[..<count])
            return count
        case .end where output.stream == .terminal && exit == nil:
            // Its last user has closed it, which is no end: another process of the container may open it again.
            terminalReopens = Moment.now.advanced(byMilliseconds: ShimPatience.terminalReopens)
        case .end:
            output.end()
            if log != nil { log?.end(output.stream) }
        }
        return 0
    }

    private func acceptClient() {
        do throws(KernelError) {
            guard let socket = try UnixSocket.accept(listener) else { return }
            let connection = ShimConnection(socket)
            // The path's mode says the same; this holds also where somebody has widened it.
            guard try connection.peer().isRootOrMember(of: configuration.socketGroup) else { return }
            clients.append(ShimClient(connection))
        } catch {
            Complaint.write("a connection could not be taken: \(error)")
            // Out of descriptors: it stays in the queue, and asking again at once would not help.
            usleep(10_000)
        }
    }

    // MARK: Time

    private var timeout: CInt? {
        let now = Moment.now
        let own = [
            firstClientDeadline, terminalReopens, quietDeadline, feedDeadline, execs.nextMoment, dueKill?.at, settles,
            exit == nil ? health?.nextMoment : nil,
        ]
        return (own + execs.processes.map(\.nextMoment)).compactMap { $0?.milliseconds(from: now) }.min()
    }

    private func keepDeadlines(_ now: Moment) {
        if let due = firstClientDeadline, now >= due { stopAwaitingClient() }
        if let due = terminalReopens, now >= due { terminalReopens = nil }
        if let due = settles, now >= due {
            settles = nil
            ResidentMemory.releaseWithStack()
        }
        if let due = quietDeadline, now >= due {
            for output in outputs where !output.isEnded { output.end() }
        }
        if let due = feedDeadline, now >= due {
            for output in outputs { output.feed = nil }
        }
        if let due = dueKill, now >= due.at { killInit(for: due.request) }
        if exit != nil { terminalReopens = nil }
        keepExecDeadlines(now)
        keepHealthDeadlines(now)
    }

    func stopAwaitingClient() {
        firstClientDeadline = nil
        lastOutput = .now
    }

    /// Somebody outside of the container may hold its streams open, so that they never end: silence after PID 1's end is one.
    private var quietDeadline: Moment? {
        guard exit != nil, outputs.contains(where: reads) else { return nil }
        return lastOutput.advanced(byMilliseconds: ShimPatience.silence)
    }

    /// A client that takes nothing must not keep an ended container.
    private var feedDeadline: Moment? {
        guard exit != nil else { return nil }
        return outputs.compactMap { $0.feed }.filter { $0.isBehind }.map { $0.lastTaken.advanced(byMilliseconds: ShimPatience.idleClient) }
            .min()
    }
}

/// How long, in milliseconds, and how many.
enum ShimPatience {
    static let firstClient: UInt64 = 10_000
    /// A further process ends without its client, so that the client may be slow.
    static let execClient: UInt64 = 60_000
    static let silence: UInt64 = 2_000
    static let idleClient: UInt64 = 60_000
    static let terminalReopens: UInt64 = 500
    static let settling: UInt64 = 250
    /// More than further processes, each of which has a client.
    static let connections = 256
}
