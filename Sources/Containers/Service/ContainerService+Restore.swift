// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import CLinux
internal import Glibc
internal import JSON
internal import Linux
internal import Logging
internal import Metadata
internal import OCI
internal import ShimProtocol
internal import Synchronization
internal import SystemPackage

extension ContainerService {
    /// Finds the containers of the last daemon again: running ones are listened to, missed ends are read, what is not recorded is swept.
    package func restore() async throws(ContainerError) {
        let records: [ContainerRecord]
        do throws(MetadataError) {
            records = try await pool.run { () throws(MetadataError) in try self.metadata.containers() }
        } catch {
            throw .metadata(error)
        }
        // At once: a monitor that does not answer is waited for.
        await withTaskGroup { group in
            for record in records {
                guard let id = ContainerID(record.id), let memo = try? JSON.decode(ContainerMemo.self, from: record.json) else {
                    logger.error("a container record can't be read; it is left as it is", metadata: ["id": "\(record.id)"])
                    unseen.withLock { $0[record.id] = Unseen(layerIDs: record.layerIDs) }
                    continue
                }
                group.addTask {
                    if await !self.restore(id, memo, record.layerIDs) { self.restoreLater(id, memo, record.layerIDs) }
                }
            }
        }
        let recorded = Set(records.map(\.id))
        await pool.run {
            _ = self.sweepState { recorded }
            self.releaseLostIdentities()
        }
        for container in index.all { startWithDaemon(container) }
    }

    /// Of removals that were not finished.
    /// - Parameter known: asked after the directories were listed.
    /// - Returns: what went.
    func sweepState<Failure: Error>(_ known: () throws(Failure) -> Set<String>) throws(Failure) -> [String] {
        let directory = configuration.state.appending("containers")
        let listed: [EntryName]
        do throws(KernelError) {
            listed = try openFile(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW).entries(of: directory.string).map { name, _ in name }
        } catch {
            logger.error("state directories are left", metadata: ["path": "\(directory)", "error": "\(error)"])
            return []
        }
        let recorded = try known()
        var gone: [String] = []
        for name in listed {
            guard let id = ContainerID(String(decoding: name, as: UTF8.self)), !recorded.contains(id.text) else { continue }
            do {
                if try hasShim(id) {
                    logger.error("a shim runs whose container is not recorded; it is left as it is", metadata: ["id": "\(id)"])
                    continue
                }
                killLeftovers(inCgroup: ContainerPlan.cgroup(of: id, configuration))
                try removeTree(paths(of: id).state)
                gone.append(paths(of: id).state.string)
            } catch {
                logger.error("a state directory is left", metadata: ["id": "\(id)", "error": "\(error)"])
            }
        }
        return gone
    }

    /// - Returns: whether it is there now.
    private func restore(_ id: ContainerID, _ memo: ContainerMemo, _ layerIDs: [Int64], again: Bool = false) async -> Bool {
        var known = memo
        known.exit = nil
        let (exit, fixed) = (memo.exit, known)
        let container: Container
        do throws(ContainerError) {
            container = try await adopt(id, fixed, lastExit: exit, layerIDs)
        } catch {
            // It may run: what can't be asked is not ended, nor forgotten.
            if !again {
                logger.error("a container can't be found again; it is left as it is", metadata: ["id": "\(id)", "error": "\(error)"])
            }
            return false
        }
        logger.info("found again", metadata: ["id": "\(id)", "state": "\(container.life.state.rawValue)"])
        await goOn(with: container)
        if container.memo.isToBeRemoved == true { removeLater(container) }
        if memo.request.autoRemove && memo.isRestarting != true && !container.life.hasShim { await removeEnded(container) }
        return true
    }

    /// What the last daemon was killed in. It may take its time, and nobody waits for it.
    private func removeLater(_ container: Container) {
        Task { [weak self] in
            do throws(ContainerError) { try await self?.remove(container, force: true) } catch {
                self?.logger.error("a container could not be removed", metadata: ["id": "\(container.id)", "error": "\(error)"])
            }
        }
    }

    /// One whose monitor does not answer is asked again every second: it must not be lost from sight.
    private func restoreLater(_ id: ContainerID, _ memo: ContainerMemo, _ layerIDs: [Int64]) {
        let text = id.text
        unseen.withLock { $0[text] = Unseen(layerIDs: layerIDs) }
        let search = Task { [weak self] in
            while true {
                do { try await Task.sleep(for: .seconds(1)) } catch { return }
                guard let self else { return }
                if await self.restore(id, memo, layerIDs, again: true) {
                    self.unseen.withLock { $0[text] = nil }
                    if let container = self.index.container(id) { self.startWithDaemon(container) }
                    return
                }
            }
        }
        unseen.withLock { $0[text]?.search = search }
    }

    /// What the last daemon had begun with it is finished, or undone.
    private func goOn(with container: Container) async {
        await pool.run { self.undoUpdate(of: container) }
        guard container.life.isLive else { return }
        if container.life.phase == .stopping {
            if container.memo.isRestarting == true { container.finishRestartLater() }
            await thawIfPaused(container)
        } else if container.setRestartingByHand(false) {
            // The stop had not begun, or the start was made.
            await pool.run { self.persist(container) }
        }
    }

    /// Asks the shim, where one is there; reads what it left, where none is.
    /// - Parameter lastExit: as it was recorded; there may have been another since.
    private func adopt(
        _ id: ContainerID, _ memo: ContainerMemo, lastExit: ExitRecord?, _ layerIDs: [Int64]
    ) async throws(ContainerError) -> Container {
        for _ in 0..<Self.restoreAttempts {
            if let (status, line) = try await status(of: id) {
                var known = memo
                // Earlier daemons did not note each run.
                known.runs = status.exit == nil && (memo.runs == true || lastExit != nil || !memo.request.autoRemove) ? true : nil
                if status.exit != nil { known.isStopOpen = nil }
                return try await pool.run { [known] () throws(ContainerError) in
                    try self.adopt(id, known, layerIDs, status, line, isNews: known.runs != memo.runs)
                }
            }
            // One that was spawned this moment does not listen yet; one that is about to go must have gone before the next is started.
            let ended = try await pool.run { () throws(ContainerError) in
                try self.isLocked(id) ? nil : self.ended(id, memo, lastExit, layerIDs)
            }
            if let ended { return ended }
            try? await Task.sleep(for: .milliseconds(5))
        }
        throw .shim(id: id.short, "it is there, and does not answer")
    }

    /// Five seconds.
    private static let restoreAttempts = 1000

    /// - Returns: nil where no shim is there, or it is about to go.
    private func status(of id: ContainerID) async throws(ContainerError) -> (ShimStatus, ShimLine)? {
        guard let (answer, line) = try await converse(with: id, .status) else { return nil }
        switch answer {
        case .status(let status): return (status, line)
        case .exited: return nil
        case let other: throw .shim(id: id.short, "unexpected message \(other)")
        }
    }

    private func isLocked(_ id: ContainerID) throws(ContainerError) -> Bool {
        try kernelStep("look for the shim of \(id.short)") { () throws(KernelError) in
            try ShimLock.isHeld(paths(of: id).shimConfiguration)
        }
    }

    /// One without a shim.
    ///
    /// A state directory tells that it was started in this run of the machine: by a shim's socket, which only a shim that was killed leaves, or
    /// by the record of an end. Without both of them the start came to nothing. After a restart of the machine there is none: the record tells
    /// whether it ran then.
    private func ended(_ id: ContainerID, _ memo: ContainerMemo, _ lastExit: ExitRecord?, _ layerIDs: [Int64]) -> Container {
        let paths = paths(of: id)
        let ended = Container(
            id: id, paths: paths, memo: memo, layerIDs: layerIDs,
            life: LifeCycle(phase: lastExit == nil ? .created : .stopped, exit: lastExit))
        ended.setRuns(false)
        _ = ended.setStopOpen(false)
        index.insert(ended)
        var record = lastExit
        if !exists(paths.state) {
            if memo.runs == true { record = unseenEnd(of: ended) }
        } else if exists(paths.socket) || exists(paths.exitRecord) {
            record = endWithoutShim(ended)
        } else {
            killLeftovers(of: ended)
            forgetVolatile(ended)
            discardState(of: ended)
        }
        if let record { ended.decide { $0 = LifeCycle(phase: .stopped, exit: record) } }
        if record != lastExit || memo.runs == true || memo.isStopOpen == true { persist(ended) }
        return ended
    }

    private func adopt(
        _ id: ContainerID, _ memo: ContainerMemo, _ layerIDs: [Int64], _ status: ShimStatus, _ line: ShimLine, isNews: Bool
    ) throws(ContainerError) -> Container {
        let layout = try kernelStep("find the cgroups") { () throws(KernelError) in try CgroupLayout.detect() }
        let isPaused = status.exit == nil && (try? CgroupHandle(existing: Self.relative(memo.cgroup), layout).isFreezing) == true
        // nil is from a shim that does not tell.
        let signalled = status.signalledBy.map { Set($0) }
        let wasStopped = signalled?.isDisjoint(with: ["stop", "restart", "rm"]) == false
        // Who waited without end waits no longer, but for a restart that is to be finished.
        let isStopping = wasStopped && (memo.isStopOpen != true || memo.isRestarting == true)
        let life = LifeCycle(
            phase: status.exit != nil ? .stopped : isStopping ? .stopping : .running, exit: status.exit.map(ExitRecord.init), hasShim: true,
            isPaused: isPaused)
        let container = Container(
            id: id, paths: paths(of: id), memo: memo, layerIDs: layerIDs, life: life, started: status.started,
            shim: ShimProcess(adopted: status.shimPID),
            health: status.health)
        index.insert(container)
        let isOtherwise =
            container.restart.isActive && life.isLive
            && container.decideRestart { $0.isFoundRunning(wasSignalled: signalled?.isEmpty != true) }
        if life.exit != nil || isOtherwise || isNews { persist(container) }
        container.setUnclaimedExecs(execFiles(of: container))
        // Its answer comes to the monitor. One of before that was there would cut the connection.
        if status.execs == true { try? line.connection.send(.watch) }
        do throws(ContainerError) { try listen(to: line, of: id, shimPID: nil) } catch {
            index.remove(container)
            throw error
        }
        return container
    }

    private func execFiles(of container: Container) -> [String] {
        let state = container.paths.state
        let names = try? openFile(state, O_RDONLY | O_DIRECTORY | O_NOFOLLOW).entries(of: state.string).map { name, _ in
            String(decoding: name, as: UTF8.self)
        }
        return (names ?? []).compactMap(ShimExec.id(ofProcessFile:))
    }

    /// Whether somebody listens, also one who takes nobody.
    private func hasShim(_ id: ContainerID) throws(ContainerError) -> Bool {
        do throws(KernelError) {
            _ = try ShimConnection.connect(to: paths(of: id).socket, waiting: false)
            return true
        } catch  where error.meansNoShim {
            return false
        } catch  where error.meansBusyShim {
            return true
        } catch {
            throw .kernel("connect to the shim of \(id.short)", error)
        }
    }

    private func exists(_ path: FilePath) -> Bool { (try? openFile(path, CTR_O_PATH | O_NOFOLLOW)) != nil }
}
