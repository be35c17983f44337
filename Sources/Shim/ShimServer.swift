// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import JSON
internal import Linux
internal import OCI
internal import Runtime
internal import ShimProtocol
internal import SystemPackage

/// The company of one running container: one thread, one poll(2).
///
///     direct  (no log)   the container's own descriptors are lent to one client; without one, output is thrown away
///     logged             the shim reads, writes the log, and feeds clients through pipes of their own
///
/// It ends when PID 1 has ended, its end is recorded, and whoever was promised output has it.
final class ShimServer {
    let configuration: ShimConfiguration
    let listener: OwnedFD
    let childSignals: SignalDescriptor
    var initProcess: RunningInit
    let started: ShimStarted
    var clients: [ShimClient] = []
    var stdin: OwnedFD?
    var output: ContainerOutput
    var errors: ContainerOutput
    var log: LogWriter?
    var exit: ShimExit?
    /// Monotonic nanoseconds after which nobody is waited for any more.
    var deadline: UInt64?
    /// Until the announced client has come, output stays in the pipes.
    var awaitsClient: Bool

    static let patience: UInt64 = 10_000_000_000

    init(
        _ configuration: ShimConfiguration, listener: consuming OwnedFD, childSignals: consuming SignalDescriptor, initProcess: consuming RunningInit,
        started: ShimStarted, streams: consuming ContainerStreams, log: consuming LogWriter?
    ) {
        self.configuration = configuration
        self.listener = listener
        self.childSignals = childSignals
        self.initProcess = initProcess
        self.started = started
        self.log = log
        stdin = streams.stdin.take()
        let output = streams.stdout.take()
        let errors = streams.stderr.take()
        self.output = ContainerOutput(.stdout, output)
        self.errors = ContainerOutput(.stderr, errors)
        awaitsClient = configuration.expectsAttach
        if awaitsClient { deadline = Self.now() + Self.patience }
    }

    static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    var isLogged: Bool { log != nil }

    /// Serves until there is nothing left to do.
    func run() {
        while !isDone {
            serveOnce()
            if let due = deadline, Self.now() >= due {
                deadline = nil
                awaitsClient = false
            }
        }
        if log != nil { log?.finish() }
    }

    private var isDone: Bool {
        guard exit != nil else { return false }
        if deadline == nil { return !awaitsClient && !isLogged || outputsEnded || exitPatienceOver }
        if awaitsClient { return false }
        return isLogged ? outputsEnded && !clients.contains { $0.isBehind } : true
    }

    private var outputsEnded: Bool { output.raw == nil && errors.raw == nil }
    private var exitPatienceOver: Bool { deadline == nil }

    /// Which descriptor a poll entry stands for.
    private enum Source {
        case listener, children, client(Int), output, errors, feed(Int, ShimStream)
    }

    private func serveOnce() {
        var entries: [pollfd] = []
        var sources: [Source] = []
        func watch(_ descriptor: CInt, _ events: Int32, _ source: Source) {
            entries.append(pollfd(fd: descriptor, events: Int16(events), revents: 0))
            sources.append(source)
        }
        watch(listener.raw, POLLIN, .listener)
        watch(childSignals.descriptor.raw, POLLIN, .children)
        for (index, client) in clients.enumerated() {
            watch(client.connection.descriptor, POLLIN, .client(index))
            if let feed = client.output?.feed.isBehind == true ? client.output : nil { watch(feed.feed.descriptor, POLLOUT, .feed(index, .stdout)) }
            if let feed = client.errors?.feed.isBehind == true ? client.errors : nil { watch(feed.feed.descriptor, POLLOUT, .feed(index, .stderr)) }
        }
        if readsOutput {
            if let raw = output.raw { watch(raw, POLLIN, .output) }
            if let raw = errors.raw { watch(raw, POLLIN, .errors) }
        }
        guard poll(&entries, nfds_t(entries.count), timeout) > 0 else { return }
        for (entry, source) in zip(entries, sources) where entry.revents != 0 { serve(source) }
        dropClosedClients()
    }

    private var timeout: CInt {
        guard let deadline else { return exit == nil ? -1 : 0 }
        let now = Self.now()
        return deadline <= now ? 0 : CInt(clamping: (deadline - now) / 1_000_000 + 1)
    }

    /// A lent stream is the client's to read; one that waits for its client stays where it is; a client that is far behind is waited for.
    private var readsOutput: Bool {
        if awaitsClient { return false }
        if isLogged { return !clients.contains { $0.isFull } }
        return !clients.contains { $0.holdsStreams }
    }

    private func serve(_ source: Source) {
        switch source {
        case .listener: acceptClient()
        case .children: reapChildren()
        case .client(let index): serveClient(clients[index])
        case .output: forward(read: output.read(), from: .stdout)
        case .errors: forward(read: errors.read(), from: .stderr)
        case .feed(let index, .stderr): clients[index].errors?.feed.continueGiving()
        case .feed(let index, _): clients[index].output?.feed.continueGiving()
        }
    }

    private func forward(read bytes: [UInt8]?, from stream: ShimStream) {
        guard let bytes, !bytes.isEmpty else {
            if bytes == nil { endFeeds(of: stream) }
            return
        }
        if log != nil { log?.write(bytes[...], from: stream) }
        for client in clients { (stream == .stderr ? client.errors : client.output)?.feed.give(bytes[...]) }
    }

    /// The container's stream has ended: a client that has everything sees its end, too.
    private func endFeeds(of stream: ShimStream) {
        for client in clients {
            if stream == .stderr {
                if client.errors?.feed.isBehind != true { client.errors = nil }
            } else if client.output?.feed.isBehind != true {
                client.output = nil
            }
        }
    }

    private func acceptClient() {
        do throws(KernelError) {
            guard let socket = try UnixSocket.accept(listener) else { return }
            clients.append(ShimClient(ShimConnection(socket)))
        } catch {
            // Out of descriptors, or the client has gone already: it will see that nobody answers.
        }
    }

    private func dropClosedClients() {
        clients.removeAll { $0.isClosed }
    }
}
