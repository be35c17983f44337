// SPDX-License-Identifier: Apache-2.0

package import APITypes
internal import Linux
internal import Logging
internal import Metadata
internal import Runtime

extension ContainerService {
    /// Changes the limits of a container: of one that runs at once, and for every later start.
    ///
    /// - Returns: every limit that holds now.
    /// - Throws: `ContainerError.limitRefused` with the kernel's word, `.invalidRequest`; the limits are then as they were.
    package func update(_ container: Container, _ change: ResourceRequest) async throws(ContainerError) -> ResourceRequest {
        try await container.exclusively { () throws(ContainerError) in
            let old = container.memo.request.resources
            let new = old.updated(by: change)
            try await self.hostLook.wait(for: HostLook.Paths(devices: ((old.devices ?? []) + (new.devices ?? [])).map(\.path)))
            // The machine may have shrunk since the old ones were asked for.
            let (before, after) = (try ResourceLimits(old, checking: ResourceRequest()), try ResourceLimits(new, checking: change))
            // The limits of one that is just being started are the shim's business.
            _ = await self.hasStarted(container, within: .seconds(5))
            guard container.life.phase != .removing else { throw self.wrongState(container, "update") }
            let wasLive = container.life.isLive
            try await self.pool.run { () throws(ContainerError) in
                // First: the next daemon takes back what this one had not finished.
                container.setUpdate(new)
                self.persist(container)
                ContainerStep.updateNoted.reach()
                do throws(ContainerError) { try self.change(container, from: before, to: after, wasLive: wasLive) } catch {
                    container.setUpdate(nil)
                    self.persist(container)
                    throw error
                }
                container.finishUpdate(new)
                self.persist(container)
                ContainerStep.updateRecorded.reach()
            }
            // A start that came meanwhile may have read the old ones.
            if !wasLive, container.life.isLive { try await self.applyToStarted(container, old, before, after) }
            self.publish("update", container)
            return new
        }
    }

    /// When the start is done: before, its groups may not be there.
    private func applyToStarted(
        _ container: Container, _ old: ResourceRequest, _ before: ResourceLimits, _ after: ResourceLimits
    ) async throws(ContainerError) {
        _ = await container.startOutcome?.wait()
        guard container.life.isLive else { return }
        try await pool.run { () throws(ContainerError) in
            do throws(ContainerError) { try self.apply(after, over: before, to: container) } catch {
                try self.writeLimits(before, of: container)
                container.finishUpdate(old)
                self.persist(container)
                throw error
            }
        }
    }

    private func change(
        _ container: Container, from before: ResourceLimits, to after: ResourceLimits, wasLive: Bool
    ) throws(ContainerError) {
        if wasLive { try apply(after, over: before, to: container) }
        ContainerStep.limitsApplied.reach()
        do throws(ContainerError) { try writeLimits(after, of: container) } catch {
            if wasLive { revert(to: before, from: after, container) }
            throw error
        }
        ContainerStep.limitsWritten.reach()
    }

    /// An update that the last daemon had not finished is undone: nobody was told that it was made.
    func undoUpdate(of container: Container) {
        guard let unfinished = container.memo.update else { return }
        do throws(ContainerError) {
            let before = try ResourceLimits(container.memo.request.resources, checking: ResourceRequest())
            let after = try ResourceLimits(unfinished, checking: ResourceRequest())
            if container.life.isLive { revert(to: before, from: after, container) }
            try writeLimits(before, of: container)
            container.setUpdate(nil)
            persist(container)
        } catch {
            logger.error("an update that was not finished could not be undone", metadata: ["id": "\(container.id)", "error": "\(error)"])
        }
    }

    private func apply(_ limits: ResourceLimits, over old: ResourceLimits, to container: Container) throws(ContainerError) {
        var cgroup = try liveCgroup(of: container)
        let unified = cgroup.directory(of: "cpu")?.hierarchy.isUnified ?? false
        do throws(LaunchError) {
            try CgroupUpdate.apply(limits.change(from: old, unifiedCPU: unified), to: &cgroup)
        } catch {
            // It has ended just now: then the record is what counts.
            guard container.life.isLive else { return }
            revert(to: old, from: limits, container)
            throw .limitRefused(id: container.id.short, error.explanation)
        }
    }

    /// Some of the files may have been written before one was refused.
    private func revert(to old: ResourceLimits, from new: ResourceLimits, _ container: Container) {
        do {
            var cgroup = try liveCgroup(of: container)
            let unified = cgroup.directory(of: "cpu")?.hierarchy.isUnified ?? false
            try CgroupUpdate.apply(old.change(from: new, unifiedCPU: unified), to: &cgroup)
        } catch {
            logger.error("limits of a container are changed in part", metadata: ["id": "\(container.id)", "error": "\(error)"])
        }
    }
}
