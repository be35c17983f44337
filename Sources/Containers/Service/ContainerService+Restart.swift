// SPDX-License-Identifier: Apache-2.0

package import APITypes
internal import JSON
internal import Linux
internal import Logging
internal import Metadata
internal import OCI
internal import ShimProtocol

extension ContainerService {
    /// Stops it where it runs, and starts it.
    /// - Returns: what the stop has found; nil: it did not run.
    package func restart(_ container: Container, _ request: StopRequest) async throws(ContainerError) -> StopResponse? {
        var stopped: StopResponse?
        let wasLive = container.life.isLive
        if wasLive {
            await noteRestart(of: container, true)
            ContainerStep.restartNoted.reach()
            do throws(ContainerError) { stopped = try await stop(container, request, for: "restart") } catch {
                await noteRestart(of: container, false)
                throw error
            }
        }
        // A task of its own: what has been stopped is started, also where its client has gone meanwhile.
        let start = Task { () -> Result<Void, ContainerError> in
            do throws(ContainerError) { return .success(try await self.finishRestart(container, wasLive: wasLive)) } catch {
                return .failure(error)
            }
        }
        try await start.value.get()
        return stopped
    }

    private func finishRestart(_ container: Container, wasLive: Bool) async throws(ContainerError) {
        if wasLive {
            // Its monitor still tidies up; a client that reads slowly is not waited for longer than by `rm -f`.
            if await !hasEnded(container, within: .seconds(10)) { container.killShim() }
            _ = await hasEnded(container, within: .seconds(10))
        }
        ContainerStep.restartStopped.reach()
        do throws(ContainerError) { try await start(container) } catch {
            await noteRestart(of: container, false)
            throw error
        }
        ContainerStep.restartStarted.reach()
        await noteRestart(of: container, false)
        publish("restart", container)
    }

    /// Recorded before the stop: the next daemon makes the start where this one is killed meanwhile.
    private func noteRestart(of container: Container, _ isRestarting: Bool) async {
        guard container.setRestartingByHand(isRestarting) else { return }
        await pool.run { self.persist(container) }
        if !isRestarting { await removeAfterRestart(container) }
    }

    /// One with --rm that a restart has kept over its end, and that has not come to life, or has ended again at once.
    func removeAfterRestart(_ container: Container) async {
        let life = container.life
        guard container.memo.request.autoRemove, !life.isLive, !life.hasShim, life.phase != .removing else { return }
        await removeEnded(container)
    }

    /// After an end whose monitor has gone: by the container's policy.
    func restartIfWanted(_ container: Container) async {
        guard container.restart.isActive, container.life.phase == .stopped, let exit = container.life.exit else { return }
        await restart(container, afterEndWith: exit.exitCode, ran: Self.duration(of: exit), exit.actionOnHealth)
    }

    private func restart(
        _ container: Container, afterEndWith exitCode: Int, ran: Duration, _ unhealthy: HealthAction? = nil
    ) async {
        let before = container.restart.memo
        guard let delay = container.restartDelay(afterEnd: { $0.ended(exitCode: exitCode, after: ran, unhealthy: unhealthy) }) else {
            if container.restart.memo != before { await pool.run { self.persist(container) } }
            return
        }
        // On the disk before it is due: a limit of restarts holds over a daemon that is killed.
        await pool.run { self.persist(container) }
        ContainerStep.restartCounted.reach()
        container.setPendingRestart(at: Self.time(after: delay)) { [weak self] in
            do { try await Task.sleep(for: delay) } catch { return }
            await self?.restartNow(container)
        }
        // Somebody may have asked for its end meanwhile, or have started it.
        if container.restart.memo.isDue != true { container.clearPendingRestart() }
    }

    private func restartNow(_ container: Container) async {
        guard !Task.isCancelled, index.container(container.id) != nil, !container.restart.memo.isStopped else { return }
        // Before the start: it may end at once, and be due again.
        container.takePendingRestart()
        do throws(ContainerError) {
            try await start(container, byHand: false)
        } catch {
            await noteRestart(of: container, false)
            // Somebody else starts or removes it.
            if case .wrongState = error { return }
            logger.warning("a restart failed", metadata: ["id": "\(container.id)", "error": "\(error)"])
            publish("restart-failed", container, ["error": "\(error)"])
            var exitCode = 125
            if case .startFailed(_, _, _, let code, _) = error { exitCode = code }
            await restart(container, afterEndWith: exitCode, ran: .zero)
        }
    }

    /// Somebody asks for its end: its policy does not start it again.
    func callOffRestarts(_ container: Container, for verb: String) async {
        // One that the last daemon left half done; the restart that is its own stop goes on.
        let wasRestarting = verb != "restart" && container.setRestartingByHand(false)
        guard container.restart.isActive || wasRestarting else { return }
        container.decideRestart { $0.stoppedByHand() }
        container.clearPendingRestart()
        await pool.run { self.persist(container) }
        if wasRestarting, verb != "rm" { await removeAfterRestart(container) }
    }

    /// One that should run, and does not: the daemon was not there when it ended, or the machine was started anew.
    func startWithDaemon(_ container: Container) {
        let life = container.life
        let isRestarting = container.memo.isRestarting == true
        guard !life.isLive, container.memo.isToBeRemoved != true,
            isRestarting || container.restart.startsWithDaemon(exitCode: life.exit?.exitCode, unhealthy: life.exit?.actionOnHealth)
        else { return }
        if life.hasShim {
            // Its monitor is about to go, and is waited for; what its policy wants comes then, too.
            if isRestarting { container.finishRestartLater() } else if !container.restart.memo.isStopped { return }
            if isRestarting, container.life.hasShim { return }
        }
        container.decideRestart { if isRestarting { $0.startedByHand() } else { $0.startsAgain() } }
        container.setPendingRestart(at: Timestamp.now()) { [weak self] in
            guard let self else { return }
            await self.pool.run { self.persist(container) }
            // The end of one whose monitor is about to go is followed by the policy itself.
            guard await self.hasEnded(container, within: .seconds(10)) else { return container.takePendingRestart() }
            await self.restartNow(container)
        }
    }

    private static func duration(of exit: ExitRecord) -> Duration {
        guard let start = Timestamp.parse(exit.startedAt), let end = Timestamp.parse(exit.finishedAt) else { return .zero }
        return .seconds(end.seconds - start.seconds) + .nanoseconds(end.nanoseconds - start.nanoseconds)
    }

    private static func time(after delay: Duration) -> String {
        let now = wallClock()
        let nanoseconds = now.nanoseconds + Int64(delay.components.attoseconds / 1_000_000_000)
        return Timestamp.rfc3339(
            seconds: now.seconds + delay.components.seconds + nanoseconds / 1_000_000_000, nanoseconds: nanoseconds % 1_000_000_000)
    }

    // MARK: What should be known of a start

    /// How long a start that nobody stays with waits for a shell to show what it does. Most have done so within a millisecond.
    private static let shellPatience = 250

    /// Finds a shell that keeps signals from its program, and says so; in the background where a client is waiting for its streams.
    func lookForShell(_ container: Container) async {
        let memo = container.memo
        guard !memo.request.initProcess, ShellWrap.isPossible(memo.arguments), let pid = container.started?.pid else { return }
        let look = Task {
            var seen: Int32?
            for _ in 0..<Self.shellPatience / 2 {
                guard container.life.phase == .running else { return }
                switch ShellWrap.look(at: pid, stopSignal: memo.stopSignal) {
                case .no: return
                case .wraps(let child) where child != seen:
                    // A program stays; a step of a script is gone in a moment.
                    seen = child
                    try? await Task.sleep(for: .milliseconds(20))
                case .wraps:
                    let warning = ShellWrap.warning(memo.stopSignal)
                    container.setWarnings([warning])
                    return self.publish("warning", container, ["warning": warning])
                case .undecided: try? await Task.sleep(for: .milliseconds(2))
                }
            }
        }
        if !memo.request.attach { await look.value }
    }

    // MARK: Names

    /// - Throws: `ContainerError.invalidRequest` for what is no name, `.nameInUse`, `.wrongState` for one that is being removed.
    package func rename(_ container: Container, to name: String) async throws(ContainerError) {
        guard ContainerName.isValid(name) else {
            throw .invalidRequest("container name \"\(name)\"", remedy: "use [a-zA-Z0-9][a-zA-Z0-9_.-]*, at most 128 characters")
        }
        guard container.life.phase != .removing else {
            throw .wrongState(id: container.id.short, verb: "rename", state: container.life.state)
        }
        try index.claim(name: name, for: container.id)
        let old = container.rename(to: name)
        do throws(ContainerError) {
            try await pool.run { () throws(ContainerError) in try self.recordName(of: container) }
        } catch {
            // Another rename may have come after it.
            if container.memo.name == name { _ = container.rename(to: old) }
            index.release(name: name, of: container.id)
            // Removed meanwhile, under this name: the old one, which another rename has left to this, is nobody's either.
            if index.container(container.id) == nil { index.release(name: old, of: container.id) }
            throw error
        }
        index.release(name: old, of: container.id)
        // Removed meanwhile: its new name was claimed for nobody.
        guard index.container(container.id) != nil else {
            index.release(name: name, of: container.id)
            throw .notFound(old)
        }
        publish("rename", container, ["oldName": old])
    }

    private func recordName(of container: Container) throws(ContainerError) {
        let name = container.memo.name
        do throws(MetadataError) {
            try metadata.update(container: container.id.text, name: name) { try JSON.encode(container.record) }
        } catch {
            switch error {
            case .noSuchContainer: throw .notFound(container.id.short)
            default: throw .metadata(error)
            }
        }
        ContainerStep.renameRecorded.reach()
    }
}
