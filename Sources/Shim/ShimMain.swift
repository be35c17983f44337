// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import JSON
internal import Linux
internal import OCI
internal import Runtime
internal import ShimProtocol
package import SystemPackage

/// From `shim.json` to a running container and through its life. Single-threaded from first to last: launch(2)'s child runs Swift.
package enum ShimMain {
    /// Where the engine's end of a pair is, where there is an engine.
    private static let engineDescriptor: CInt = 3

    /// - Returns: the process's exit status: 0 after a container's life, 1 where none began.
    package static func run(configurationPath: FilePath) -> CInt {
        umask(0)
        for signal in [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGUSR1, SIGUSR2] { _ = Glibc.signal(signal, SIG_IGN) }
        _ = ctr_set_subreaper(1)
        let engine = takeEngineConnection()
        do throws(ShimFailure) {
            let server = try start(configurationPath)
            if let engine {
                engine.tell(.started(server.started))
                server.clients.append(engine)
            }
            server.run()
            return 0
        } catch {
            engine?.tell(.failed(error))
            return 1
        }
    }

    private static func takeEngineConnection() -> ShimClient? {
        guard fcntl(engineDescriptor, F_GETFD) >= 0 else { return nil }
        _ = fcntl(engineDescriptor, F_SETFD, FD_CLOEXEC)
        return ShimClient(ShimConnection(OwnedFD(owning: engineDescriptor)))
    }

    private static func start(_ path: FilePath) throws(ShimFailure) -> ShimServer {
        let configuration = try read(ShimConfiguration.self, path)
        let bundle = FilePath(configuration.bundle)
        var spec = try read(RuntimeSpec.self, bundle.appending("config.json"))
        let seccomp = try seccompProgram(configuration, &spec)
        let listener = try step("listen") { () throws(KernelError) in
            try UnixSocket.listen(
                at: FilePath(configuration.stateDirectory).appending("shim.sock"), .packets, mode: 0o660, group: configuration.socketGroup)
        }
        let signals = try step("signals") { () throws(KernelError) in try SignalDescriptor([SIGCHLD]) }
        var log: LogWriter?
        if let directory = configuration.logDirectory {
            log = try step("open-log") { () throws(KernelError) in try LogWriter(directory: FilePath(directory)) }
        }
        let launch = try launch(configuration, spec, bundle, seccomp)
        let started = ShimStarted(
            pid: launch.initProcess.pid, startTicks: launch.initProcess.startTicks, startedAt: Timestamp.now(),
            timings: launch.initProcess.timings.map { ShimStep(step: $0.step.rawValue, microseconds: $0.microseconds) })
        return ShimServer(
            configuration, listener: listener, childSignals: signals, initProcess: launch.initProcess, started: started, streams: launch.streams, log: log)
    }

    private struct Launch: ~Copyable {
        var initProcess: RunningInit
        var streams: ContainerStreams
    }

    private static func launch(
        _ configuration: ShimConfiguration, _ spec: RuntimeSpec, _ bundle: FilePath, _ seccomp: SeccompProgram?
    ) throws(ShimFailure) -> Launch {
        do throws(LaunchError) {
            if configuration.tty {
                let size = configuration.terminalSize
                let plan = try InitPlan(
                    spec: spec, bundle: bundle, rootfs: rootfs(configuration), stdio: .terminal(rows: size?.rows ?? 0, columns: size?.columns ?? 0),
                    seccomp: seccomp)
                var launched = try Runtime.launch(plan)
                let terminal = launched.takeTerminal()
                return Launch(initProcess: launched, streams: ContainerStreams(stdin: nil, stdout: terminal, stderr: nil))
            }
            let streams = try streams(configuration)
            let plan = try InitPlan(spec: spec, bundle: bundle, rootfs: rootfs(configuration), stdio: streams.far.streams, seccomp: seccomp)
            return Launch(initProcess: try Runtime.launch(plan), streams: streams.near)
        } catch {
            throw ShimFailure(step: error.step.rawValue, reason: error.reason, kernel: error.kernel, exitCode: error.exitCode)
        }
    }

    private static func streams(_ configuration: ShimConfiguration) throws(LaunchError) -> ContainerStreams.Pair {
        do throws(KernelError) { return try ContainerStreams.pipes(openStdin: configuration.openStdin) } catch {
            throw LaunchError(step: .plan, reason: "make the standard streams", kernel: error)
        }
    }

    private static func rootfs(_ configuration: ShimConfiguration) -> RootfsSource {
        let root = configuration.rootfs
        let upper: OverlayMount.Upper
        if let directory = root.upper, let work = root.work {
            upper = .directories(upper: FilePath(directory), work: FilePath(work), volatile: root.volatile)
        } else {
            upper = .memory(sizeInBytes: nil)
        }
        return .overlay(
            OverlayMount(store: FilePath(root.store), lowerdirs: root.lowerdirs.map { FilePath($0) }, upper: upper),
            at: FilePath(configuration.stateDirectory).appending("rootfs"))
    }

    /// The engine compiled it once; without it the spec's own profile is compiled now.
    private static func seccompProgram(_ configuration: ShimConfiguration, _ spec: inout RuntimeSpec) throws(ShimFailure) -> SeccompProgram? {
        guard let path = configuration.seccompProgram, spec.linux?.seccomp != nil else { return nil }
        let bytes = try step("read-seccomp") { () throws(KernelError) in try readFile(FilePath(path)) }
        do throws(LaunchError) { return try SeccompProgram(instructions: bytes) } catch {
            throw ShimFailure(step: error.step.rawValue, reason: error.reason, kernel: error.kernel, exitCode: 125)
        }
    }

    private static func read<Value: Decodable>(_ type: Value.Type, _ path: FilePath) throws(ShimFailure) -> Value {
        let bytes = try step("read-configuration") { () throws(KernelError) in try readFile(path, limit: 16 << 20) }
        do throws(JSONError) { return try JSON.decode(type, from: bytes) } catch {
            throw ShimFailure(step: "read-configuration", reason: "\(path.string): \(error)", kernel: nil, exitCode: 125)
        }
    }

    private static func step<Value: ~Copyable>(_ name: String, _ body: () throws(KernelError) -> Value) throws(ShimFailure) -> Value {
        do throws(KernelError) { return try body() } catch { throw ShimFailure(step: name, reason: nil, kernel: error, exitCode: 125) }
    }
}
