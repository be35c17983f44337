// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import Glibc
internal import JSON
internal import Linux
internal import Logging
internal import Metadata
internal import OCI
internal import Runtime
internal import ShimProtocol
internal import Snapshots
internal import SystemPackage

extension ContainerService {
    /// Spawns the shim and waits until PID 1 has been exec'd, or the start has failed.
    /// - Throws: `ContainerError.startFailed` with the exit code that `run` gives back; the container is then as it was before.
    /// - Parameter byHand: not by its restart policy: what that has counted is forgotten.
    package func start(_ container: Container, byHand: Bool = true) async throws(ContainerError) {
        do throws(ContainerError) { try await startOnce(container, byHand: byHand) } catch {
            await dismissShim(of: container)
            throw error
        }
        // Somebody else has started it.
        await dismissShim(of: container)
    }

    private func startOnce(_ container: Container, byHand: Bool) async throws(ContainerError) {
        if byHand { container.clearPendingRestart() }
        if container.life.phase == .stopped { _ = await hasEnded(container, within: Self.tidyingTime) }
        // Copies of the last run: they keep its root mounted.
        await endFiles(of: container) { $0.use == .live || $0.isEnding }
        let outcome: FirstAnswer<ContainerError?>
        do throws(LifeCycle.Refusal) { outcome = try container.beginStart() } catch {
            switch error {
            case .alreadyRunning:
                // Somebody else's start, which may still fail.
                if byHand, let failure = await container.startOutcome?.wait() { throw failure }
                return
            case .filesInUse: throw .filesInUse(id: container.id.short, verb: "start")
            case .wrongState(let state): throw .wrongState(id: container.id.short, verb: "start", state: state)
            }
        }
        do throws(ContainerError) { try await startClaimed(container, byHand: byHand) } catch {
            outcome.give(error)
            throw error
        }
        outcome.give(nil)
        await lookForShell(container)
    }

    private func startClaimed(_ container: Container, byHand: Bool) async throws(ContainerError) {
        // Whoever asks for its end notes that first, and this looks afterwards: one of the two sees the other.
        if !byHand, container.restart.memo.isStopped {
            container.decide { $0.startFailed() }
            container.noteShimGone()
            throw .wrongState(id: container.id.short, verb: "restart", state: container.life.state)
        }
        container.setWarnings([])
        let counted = container.restart
        container.setRuns(true)
        // After the end of the machine nothing else tells that it ran. One with --rm is removed then.
        let isNoted = byHand && (!container.memo.request.autoRemove || container.life.lastExit != nil)
        if byHand, counted.isActive { container.decideRestart { $0.startedByHand() } }
        do throws(ContainerError) {
            try await startNow(container, byHand: byHand, isNoted: isNoted)
        } catch {
            container.decide { $0.startFailed() }
            container.setRuns(false)
            container.noteShimGone()
            if byHand, counted.isActive { container.decideRestart { $0.takeBack(to: counted) } }
            if isNoted { await pool.run { self.persist(container) } }
            throw error
        }
        if !byHand {
            ContainerStep.restartMade.reach()
            // It may have ended already, and the next one been counted.
            container.decideRestart { if $0.memo.count == counted.memo.count { $0.restarted() } }
            let wasRestarting = container.setRestartingByHand(false)
            await pool.run { self.persist(container) }
            if wasRestarting { await removeAfterRestart(container) }
        }
    }

    private func startNow(_ container: Container, byHand: Bool, isNoted: Bool) async throws(ContainerError) {
        do throws(ContainerError) {
            let shim = try await pool.run { () throws(ContainerError) in
                try self.beginShim(of: container, byHand: byHand, isNoted: isNoted)
            }
            try await follow(shim, of: container)
        } catch {
            await pool.run {
                // Of a start that failed nothing stays, also where the shim could not remove all of it. Where it was refused because others are in its
                // group, they are not its own.
                if !error.isRefusedGroup { self.killLeftovers(of: container) }
                self.forgetVolatile(container)
                self.discardState(of: container)
            }
            throw error
        }
    }

    /// A monitor that was spawned while its container was made, or one that gets ready while the start is prepared.
    private func beginShim(of container: Container, byHand: Bool, isNoted: Bool) throws(ContainerError) -> SpawnedShim {
        let shim = try waitingShim(of: container)
        do throws(ContainerError) {
            let shared = try sharedNamespaces(of: container)
            try renewDevices(of: container)
            try renewNetworkFiles(of: container)
            try prepareState(of: container, byHand: byHand, shared.plan)
            // When the state directory is there: where the daemon is killed now, that tells that nothing has run yet. And before it runs: it may end at
            // once, and what is recorded is not its end.
            if isNoted { persist(container) }
            ContainerStep.shimConfigured.reach()
            container.noteShim(pid: shim.pid)
            try begin(shim, container, shared)
            ContainerStep.shimBegun.reach()
            try kernelStep("listen to the shim") { () throws(KernelError) in try monitor.expect(shim.answer, on: shim.line) }
            return shim
        } catch {
            killAndReap(shim.pid, of: container)
            throw error
        }
    }

    private func begin(
        _ shim: SpawnedShim, _ container: Container, _ shared: borrowing SharedNamespaces
    ) throws(ContainerError) {
        do throws(KernelError) { try shim.begin(container.paths, shared) } catch {
            if error.errno == .brokenPipe || error.errno == .connectionReset { throw endedEarly(container) }
            throw .kernel("tell the shim to begin", error)
        }
    }

    private func waitingShim(of container: Container) throws(ContainerError) -> SpawnedShim {
        if let ahead = container.takeShimAhead() {
            if !hasReaped(ahead.pid) { return ahead }
            logger.notice("the monitor that was spawned ahead was killed", metadata: ["id": "\(container.id)", "pid": "\(ahead.pid)"])
        }
        return try spawnShim(of: container.id)
    }

    func spawnShim(of id: ContainerID) throws(ContainerError) -> SpawnedShim {
        try kernelStep("spawn \(configuration.shimPath.string)") { () throws(KernelError) in
            try SpawnedShim.spawn(binary: shim.raw, configuration: paths(of: id).shimConfiguration)
        }
    }

    /// Ends one that was spawned ahead and is not needed.
    private func dismissShim(of container: Container) async {
        if let shim = container.takeShimAhead() { await end(shim) }
    }

    /// No thread waits: a start may be stuck at a filesystem that does not answer.
    private func follow(_ shim: SpawnedShim, of container: Container) async throws(ContainerError) {
        do throws(ContainerError) {
            container.setPendingStart(shim.answer)
            defer { container.setPendingStart(nil) }
            let started = try await awaitStart(of: container, shim.answer)
            ContainerStep.startTold.reach()
            container.noteStarted(started)
            // Before the listening: its end is told after its start.
            publish("start", container)
            try listen(to: shim.line, of: container.id, shimPID: shim.pid)
            ContainerStep.startListened.reach()
        } catch {
            // It ends by itself, or can't be listened to.
            monitor.forget(shim.answer)
            container.forgetShimPID()
            await end(shim)
            throw error
        }
    }

    /// A monitor may itself be stuck at a filesystem that does not answer, where no signal reaches it: then nobody waits for it but a thread of its own.
    func end(_ shim: SpawnedShim) async {
        Glibc.kill(shim.pid, SIGKILL)
        for _ in 0..<400 {
            if hasReaped(shim.pid) { return }
            try? await Task.sleep(for: .milliseconds(5))
        }
        logger.warning("a monitor can't be ended: it may be in an uninterruptible wait", metadata: ["pid": "\(shim.pid)"])
        do throws(KernelError) { try startThread(name: "reap") { self.reap(shim.pid) } } catch {
            logger.error("a monitor is left unreaped", metadata: ["pid": "\(shim.pid)", "error": "\(error)"])
        }
    }

    /// Without waiting.
    private func hasReaped(_ pid: Int32) -> Bool {
        var status: Int32 = 0
        return waitpid(pid, &status, WNOHANG) != 0
    }

    func listen(to line: ShimLine, of id: ContainerID, shimPID: Int32?) throws(ContainerError) {
        do throws(KernelError) {
            try monitor.watch(line) { [weak self] event in self?.shimEvent(event, of: id, shimPID: shimPID) }
        } catch {
            throw .kernel("listen to the shim", error)
        }
    }

    private func awaitStart(of container: Container, _ answer: ShimAnswer) async throws(ContainerError) -> ShimStarted {
        switch await answer.wait() {
        case .message(.started(let started)): return started
        case .message(.failed(let failure)):
            throw .startFailed(
                id: container.id.short, step: failure.step, reason: failure.explanation, exitCode: Int(failure.exitCode))
        case .message(let other): throw .shim(id: container.id.short, "unexpected message \(other)")
        case .closed, .late: throw endedEarly(container)
        }
    }

    private func endedEarly(_ container: Container) -> ContainerError {
        let words = (try? readFile(container.paths.shimLog, limit: 4096)).map { String(decoding: $0, as: UTF8.self) } ?? ""
        return .shim(id: container.id.short, "it ended before the container started\(words.isEmpty ? "" : ": \(words.prefix(500))")")
    }

    private func prepareState(
        of container: Container, byHand: Bool, _ shared: ShimConfiguration.SharedNamespaces?
    ) throws(ContainerError) {
        let paths = container.paths
        container.execs.removeAll()
        container.resetHealth()
        var configuration = try shimConfiguration(of: container)
        // Nobody comes to its streams.
        if !byHand { configuration.expectsAttach = false }
        configuration.sharedNamespaces = shared
        let bytes: [UInt8]
        do throws(JSONError) { bytes = try JSON.encode(configuration) } catch { throw .encoding("encode shim.json: \(error)") }
        try kernelStep("prepare \(paths.state.string)") { () throws(KernelError) in
            if try !makeDirectory(paths.state, mode: 0o710) {
                // A start after an end: what the last shim left. The directory tells that it was in this run of the machine.
                forgetVolatile(container)
                try removeTree(paths.state)
                try makeDirectory(paths.state, mode: 0o710)
            }
            ContainerStep.stateMade.reach()
            try changeGroup(of: paths.state, to: self.configuration.socketGroup)
            try makeDirectory(paths.rootfs, mode: 0o700)
            try replaceFile(paths.shimConfiguration, with: bytes)
        }
    }

    private func shimConfiguration(of container: Container) throws(ContainerError) -> ShimConfiguration {
        let memo = container.memo
        let paths = container.paths
        return ShimConfiguration(
            id: container.id.text, bundle: paths.bundle.string, stateDirectory: paths.state.string, rootfs: try rootfs(of: container),
            tty: memo.request.tty,
            terminalSize: memo.request.terminalSize.map { ShimConfiguration.Size(rows: $0.rows, columns: $0.columns) },
            openStdin: memo.request.openStdin, expectsAttach: memo.request.attach,
            logDirectory: memo.request.log == .file ? paths.log.string : nil,
            logLimits: try LogPlan.limits(memo.request, configuration.logLimits),
            seccompProgram: IsolationPlan.hasDefaultFilter(memo.request.isolation) ? try seccomp.path() : nil,
            socketGroup: configuration.socketGroup, health: memo.health)
    }

    /// What is mounted as its root.
    func rootfs(of container: Container) throws(ContainerError) -> ShimConfiguration.Rootfs {
        let memo = container.memo
        let paths = container.paths
        let stack: LayerStack
        do throws(SnapshotError) {
            stack = try snapshots.stack(layerIDs: container.stackLayerIDs)
            try snapshots.requireUndamaged(stack)
            for mount in memo.imageMounts ?? [] { try snapshots.requireUndamaged(try snapshots.stack(layerIDs: mount.layerIDs)) }
        } catch {
            throw .snapshots(error)
        }
        let limits = try UpperLimits(memo.request)
        let upper = memo.upperMode == .tmpfs ? nil : paths.directory.appending("upper").string
        let work = memo.upperMode == .tmpfs ? nil : paths.directory.appending("work").string
        return ShimConfiguration.Rootfs(
            store: stack.store.string, lowerdirs: stack.lowerdirs.map(\.string), upper: upper, work: work,
            volatile: memo.upperMode == .volatile,
            memorySizeInBytes: memo.upperMode == .tmpfs ? limits.memorySizeInBytes : nil,
            memoryInodes: memo.upperMode == .tmpfs ? limits.memoryInodes : nil)
    }

    /// overlayfs refuses a workdir that a volatile mount has used. Within one run of the machine nothing was lost by that; after a crash of
    /// it the mark stays, and the start is refused: the upper may be broken.
    func forgetVolatile(_ container: Container) {
        guard container.memo.upperMode == .volatile else { return }
        do throws(KernelError) { try OverlayMount.forgetVolatile(work: container.paths.directory.appending("work")) } catch {
            logger.error("the next start may be refused", metadata: ["id": "\(container.id)", "error": "\(error)"])
        }
    }

    private func killAndReap(_ pid: Int32, of container: Container) {
        container.forgetShimPID()
        Glibc.kill(pid, SIGKILL)
        reap(pid)
    }

    /// Takes a dead child's status, so that it is no zombie. One that is not our child (adopted) is init's.
    /// - Returns: the status as wait(2) gives it; nil for one that is not our child.
    @discardableResult
    func reap(_ pid: Int32) -> Int32? {
        var status: Int32 = 0
        while waitpid(pid, &status, 0) == -1 {
            if lastErrno() != .interrupted { return nil }
        }
        return status
    }

    func discardState(of container: Container) {
        do throws(KernelError) { try removeTree(container.paths.state) } catch {
            logger.error("a state directory is left", metadata: ["path": "\(container.paths.state)", "error": "\(error)"])
        }
    }
}

extension ContainerError {
    fileprivate var isRefusedGroup: Bool {
        guard case .startFailed(_, let step, _, _, _) = self else { return false }
        return step == LaunchStep.cgroup.rawValue
    }
}
