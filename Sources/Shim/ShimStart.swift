// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import JSON
internal import Linux
internal import OCI
internal import Runtime
internal import ShimProtocol
internal import SystemPackage

/// From the two files that the engine wrote (shim.json, config.json) to a running container: named steps, each undone where a later one fails.
struct ShimStart {
    static let socketName: FilePath.Component = "shim.sock"
    /// config.json of a hostile size is not read into memory.
    private static let documentLimit = 16 << 20

    private let begin = Moment.now
    private let configuration: ShimConfiguration
    private let bundle: FilePath
    private let spec: RuntimeSpec
    private let shared: ForeignNamespaces
    private let namespaces: [CInt]

    /// - Parameter namespaces: descriptors of those that are shared, which are closed after the start.
    init(_ path: FilePath, _ namespaces: [CInt]) throws(ShimFailure) {
        self.namespaces = namespaces
        configuration = try Self.read(ShimConfiguration.self, path)
        bundle = FilePath(configuration.bundle)
        shared = try Self.foreign(configuration.sharedNamespaces, namespaces)
        spec = shared.entered(by: try Self.read(RuntimeSpec.self, bundle.appending("config.json")))
    }

    func start() throws(ShimFailure) -> ShimServer {
        let socket = FilePath(configuration.stateDirectory).appending(Self.socketName)
        let listener = try Self.step("listen") { () throws(KernelError) in
            let listener = try UnixSocket.listen(at: socket, .packets, mode: 0o660, group: configuration.socketGroup)
            try listener.setNonblocking()
            return listener
        }
        // What belongs to another container must not live on with this one's monitor.
        defer { for descriptor in namespaces { close(descriptor) } }
        do throws(ShimFailure) {
            return try start(listener)
        } catch {
            try? unlinkFile(socket)
            throw error
        }
    }

    private func start(_ listener: consuming OwnedFD) throws(ShimFailure) -> ShimServer {
        let signals = try Self.step("signals") { () throws(KernelError) in try SignalDescriptor([SIGCHLD], blockingAll: true) }
        let log = try openLog()
        var streams = try makeStreams()
        let prepared = Moment.now
        let plan = try plan(streams)
        let traits = ContainerTraits(of: plan, spec)
        var running = try launch(plan)
        let started = started(running, prepared)
        do throws(KernelError) {
            let outputs = try outputs(&running, &streams)
            return ShimServer(
                configuration, started: started, initProcess: running, listener: listener, childSignals: signals,
                stdin: streams?.takeInput(), outputs: outputs, log: log, traits: traits, begin: begin,
                health: healthMonitor())
        } catch {
            // The container runs, and nobody would hear it.
            try? running.discard()
            throw ShimFailure(step: "streams", reason: nil, kernel: error, exitCode: 125)
        }
    }

    private static func foreign(
        _ shared: ShimConfiguration.SharedNamespaces?, _ namespaces: [CInt]
    ) throws(ShimFailure) -> ForeignNamespaces {
        guard let shared else { return ForeignNamespaces() }
        let places = shared.places.values + (shared.sharedMemory.map { [$0] } ?? [])
        guard places.allSatisfy(namespaces.indices.contains) else {
            let reason = "shim.json shares namespaces that did not come along (\(namespaces.count) did)"
            throw ShimFailure(step: "read-configuration", reason: reason, kernel: nil, exitCode: 125)
        }
        return ForeignNamespaces(
            descriptors: shared.places.mapValues { namespaces[$0] }, sharedMemory: shared.sharedMemory.map { namespaces[$0] })
    }

    private func healthMonitor() -> HealthMonitor? {
        guard let settings = configuration.health, let process = spec.process else { return nil }
        return HealthMonitor(settings, process: process, startedAt: .now)
    }

    private func openLog() throws(ShimFailure) -> LogWriter? {
        guard let directory = configuration.logDirectory else { return nil }
        return try Self.step("open-log") { () throws(KernelError) in
            try LogWriter.open(in: FilePath(directory), configuration.logLimits ?? LogLimits())
        }
    }

    /// nil: the launch makes a terminal.
    private func makeStreams() throws(ShimFailure) -> ContainerStreams? {
        if configuration.tty { return nil }
        return try Self.step("streams") { () throws(KernelError) in try ContainerStreams.make(openStdin: configuration.openStdin) }
    }

    private func plan(_ streams: borrowing ContainerStreams?) throws(ShimFailure) -> InitPlan {
        do throws(LaunchError) {
            return try InitPlan(
                spec: spec, bundle: bundle, rootfs: rootfs, stdio: standardStreams(streams), seccomp: try seccompProgram(), foreign: shared)
        } catch {
            throw ShimFailure(error)
        }
    }

    private func launch(_ plan: InitPlan) throws(ShimFailure) -> RunningInit {
        do throws(LaunchError) { return try Runtime.launch(plan) } catch { throw ShimFailure(error) }
    }

    private func standardStreams(_ streams: borrowing ContainerStreams?) -> StandardStreams {
        switch streams {
        case .some(let streams): streams.containerEnds
        case .none: .terminal(rows: configuration.terminalSize?.rows ?? 0, columns: configuration.terminalSize?.columns ?? 0)
        }
    }

    private func outputs(_ running: inout RunningInit, _ streams: inout ContainerStreams?) throws(KernelError) -> [ContainerOutput] {
        guard let terminal = running.takeTerminal() else { return try streams?.takeOutputs() ?? [] }
        return [try ContainerOutput(.terminal, terminal)]
    }

    private var rootfs: RootfsSource {
        let root = configuration.rootfs
        let upper: OverlayMount.Upper
        if let directory = root.upper, let work = root.work {
            upper = .directories(upper: FilePath(directory), work: FilePath(work), volatile: root.volatile)
        } else {
            upper = .memory(sizeInBytes: root.memorySizeInBytes, inodes: root.memoryInodes)
        }
        return .overlay(
            OverlayMount(store: FilePath(root.store), lowerdirs: root.lowerdirs.map { FilePath($0) }, upper: upper),
            at: FilePath(configuration.stateDirectory).appending("rootfs"))
    }

    /// The engine compiled it once; without it the spec's own profile is compiled now, which takes milliseconds.
    private func seccompProgram() throws(LaunchError) -> SeccompProgram? {
        guard let path = configuration.seccompProgram, spec.linux?.seccomp != nil else { return nil }
        let bytes: [UInt8]
        do throws(KernelError) { bytes = try readFile(FilePath(path)) } catch { throw LaunchError(step: .seccomp, kernel: error) }
        return try SeccompProgram(instructions: bytes)
    }

    private func started(_ running: borrowing RunningInit, _ prepared: Moment) -> ShimStarted {
        let own = ShimStep(step: "prepare-shim", microseconds: Int64(clamping: (prepared.nanoseconds &- begin.nanoseconds) / 1000))
        let steps = running.timings.map { ShimStep(step: $0.step.rawValue, microseconds: $0.microseconds) }
        return ShimStarted(pid: running.pid, startTicks: running.startTicks, startedAt: Timestamp.now(), timings: [own] + steps)
    }

    static func read<Value: Decodable>(_ type: Value.Type, _ path: FilePath) throws(ShimFailure) -> Value {
        let bytes = try step("read-configuration") { () throws(KernelError) in try readFile(path, limit: documentLimit) }
        do throws(JSONError) { return try JSON.decode(type, from: bytes) } catch {
            throw ShimFailure(step: "read-configuration", reason: "\(path.string): \(error)", kernel: nil, exitCode: 125)
        }
    }

    private static func step<Value: ~Copyable>(_ name: String, _ body: () throws(KernelError) -> Value) throws(ShimFailure) -> Value {
        do throws(KernelError) { return try body() } catch { throw ShimFailure(step: name, reason: nil, kernel: error, exitCode: 125) }
    }
}
