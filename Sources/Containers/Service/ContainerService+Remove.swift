// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import Linux
internal import Logging
internal import Metadata
internal import Snapshots

extension ContainerService {
    /// Forgets a container: its writable layer goes to the trash, its record out of the database.
    /// - Parameter force: also one that runs; it is killed.
    /// - Throws: `ContainerError.wrongState` for one that runs. After a failure it is still listed, and can be removed again.
    package func remove(_ container: Container, force: Bool) async throws(ContainerError) {
        // Before it is ended: the next daemon finishes what this one is killed in.
        guard force, container.life.hasShim else { return try await endAndRemove(container, force: force) }
        await noteRemoval(of: container, true)
        do throws(ContainerError) { try await endAndRemove(container, force: force) } catch {
            await noteRemoval(of: container, false)
            throw error
        }
    }

    private func noteRemoval(of container: Container, _ isToBeRemoved: Bool) async {
        guard container.setToBeRemoved(isToBeRemoved), index.container(container.id) != nil else { return }
        await pool.run { self.persist(container) }
        if isToBeRemoved { ContainerStep.removalNoted.reach() }
    }

    private func endAndRemove(_ container: Container, force: Bool) async throws(ContainerError) {
        if force {
            await callOffRestarts(container, for: "rm")
            try await endForRemoval(container)
            await endFiles(of: container) { _ in true }
        } else if container.isRestartDue {
            throw .wrongState(id: container.id.short, verb: "remove", state: .restarting)
        } else if container.life.phase == .stopped {
            _ = await hasEnded(container, within: Self.tidyingTime)
        }
        await endFiles(of: container) { $0.isEnding }
        let mayVanish = force || container.memo.request.autoRemove
        do throws(LifeCycle.Refusal) {
            try container.decide { life throws(LifeCycle.Refusal) in try life.beginRemove(force: mayVanish) }
        } catch {
            if container.life.phase == .removing {
                if await isRemovedByOther(container) { return }
                return try await endAndRemove(container, force: force)
            }
            switch error {
            case .alreadyRunning: return
            case .filesInUse: throw .filesInUse(id: container.id.short, verb: "remove")
            case .wrongState(let state): throw .wrongState(id: container.id.short, verb: "remove", state: state)
            }
        }
        do throws(ContainerError) {
            try await pool.run { () throws(ContainerError) in try self.removeNow(container) }
        } catch {
            container.decide { $0.removeFailed() }
            throw error
        }
        index.remove(container)
        publish("remove", container)
        container.waiters.signal(.removed, container.life.exit)
    }

    /// The record goes first: from then on the directories are an orphan that the next start would sweep.
    private func removeNow(_ container: Container) throws(ContainerError) {
        // One with --rm that comes back after a power cut is removed by the next start: it is not worth a sync at every end.
        let isOfGoneImage: Bool
        do throws(MetadataError) {
            isOfGoneImage = try metadata.delete(container: container.id.text, durably: !container.memo.request.autoRemove)
        } catch {
            throw .metadata(error)
        }
        StoreStep.containerForgotten.reach()
        do { try snapshots.removeContainer(container.id.text) } catch {
            logger.error(
                "the directories of a removed container are left until the next start",
                metadata: ["id": "\(container.id)", "error": "\(error)"])
        }
        StoreStep.containerDiscarded.reach()
        discardState(of: container)
        StoreStep.containerStateRemoved.reach()
        // Images that it had mounted may have been removed by force, too.
        if isOfGoneImage || container.memo.imageMounts != nil { removeLayersOfGoneImage(container) }
    }

    /// An image that was removed by force left its layers to its containers: they go with the last of these.
    private func removeLayersOfGoneImage(_ container: Container) {
        do { _ = try snapshots.removeUnreferencedLayers() } catch {
            logger.error(
                "layers of a removed image are left until the next start",
                metadata: ["id": "\(container.id)", "error": "\(error)"])
        }
    }

    /// - Returns: false where the other's removal failed, and the container is there again.
    private func isRemovedByOther(_ container: Container) async -> Bool {
        while container.life.phase == .removing, index.container(container.id) != nil, !Task.isCancelled {
            await withTaskGroup { group in
                group.addTask { _ = await container.waiters.wait(for: .removed) { nil } }
                group.addTask { try? await Task.sleep(for: .seconds(1)) }
                await group.next()
                group.cancelAll()
            }
        }
        return Task.isCancelled || index.container(container.id) == nil
    }

    private func endForRemoval(_ container: Container) async throws(ContainerError) {
        // A start that is stuck can't be stopped: its monitor is busy with it.
        if await !hasStarted(container), container.shimPID != nil {
            container.killShim()
            container.giveUpStart()
            for _ in 0..<500 where container.life.phase == .starting { try? await Task.sleep(for: .milliseconds(20)) }
        }
        if container.life.isLive { _ = try await stop(container, StopRequest(timeoutSeconds: 0), for: "rm") }
        if await hasEnded(container, within: Self.tidyingTime) { return }
        // The monitor still waits for a client that was announced, or for a slow reader of output: nobody wants either now.
        container.killShim()
        _ = await hasEnded(container, within: .seconds(10))
        await pool.run { self.killLeftovers(of: container) }
    }

    /// A start takes some milliseconds. - Returns: false where one is still under way after a while.
    func hasStarted(_ container: Container, within limit: Duration = .seconds(2)) async -> Bool {
        for _ in 0..<limit.components.seconds * 100 where container.life.phase == .starting {
            do { try await Task.sleep(for: .milliseconds(10)) } catch { break }
        }
        return container.life.phase != .starting
    }

    /// How long a monitor may take after PID 1's end, which is told first.
    static let tidyingTime = Duration.seconds(2)

    /// The monitor tidies up after PID 1's end; it is given the time for that.
    func hasEnded(_ container: Container, within limit: Duration) async -> Bool {
        guard container.life.hasShim else { return true }
        return await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                _ = await container.waiters.wait(for: .shimGone) { container.life.hasShim ? nil : container.life.exit }
                return !container.life.hasShim
            }
            group.addTask {
                try? await Task.sleep(for: limit)
                return false
            }
            let ended = await group.next() ?? false
            group.cancelAll()
            return ended || !container.life.hasShim
        }
    }

    /// Ends every process that is left in the container's cgroup, and removes the cgroup. For containers whose shim is gone.
    func killLeftovers(of container: Container) { killLeftovers(inCgroup: container.memo.cgroup) }

    func killLeftovers(inCgroup path: String) {
        do throws(KernelError) {
            let layout = try CgroupLayout.detect()
            var handle = CgroupHandle(layout, path: String(path.drop { $0 == "/" }))
            for index in handle.directories.indices { handle.directories[index].created = true }
            try handle.killAll()
            try handle.delete()
        } catch {
            logger.warning("a cgroup may be left", metadata: ["cgroup": "\(path)", "error": "\(error)"])
        }
    }
}
