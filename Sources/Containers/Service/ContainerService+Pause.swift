// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import Glibc
internal import Linux
internal import Logging
internal import Metadata
internal import SystemPackage

extension ContainerService {
    /// How long processes may take to stand still.
    private static let freezeLimit = 10_000

    /// Stops every process of the container where it is. One that is paused already stays so.
    /// - Throws: `ContainerError.wrongState` for one that does not run; `.kernel` where a process did not stand still in time: all go on then.
    package func pause(_ container: Container) async throws(ContainerError) {
        try await container.exclusively { () throws(ContainerError) in
            if container.life.isPaused { return }
            guard container.life.phase == .running else { throw self.wrongState(container, "pause") }
            try await self.pool.run { () throws(ContainerError) in
                try self.changeGroup(of: container, "pause") { group throws(KernelError) in try group.freeze(within: Self.freezeLimit) }
                ContainerStep.frozen.reach()
                // A stop that has come meanwhile is not to be held up.
                guard container.decide({ $0.paused() }) else {
                    self.thaw(container)
                    throw self.wrongState(container, "pause")
                }
            }
            self.publish("pause", container)
        }
    }

    /// Lets the processes of a paused container go on.
    /// - Throws: `ContainerError.wrongState` for one that is not paused.
    package func unpause(_ container: Container) async throws(ContainerError) {
        try await container.exclusively { () throws(ContainerError) in
            guard container.life.isPaused, container.life.phase == .running else { throw self.wrongState(container, "unpause") }
            try await self.pool.run { () throws(ContainerError) in
                try self.changeGroup(of: container, "unpause") { group throws(KernelError) in try group.thaw() }
                ContainerStep.thawed.reach()
            }
            container.decide { $0.resumed() }
            self.publish("unpause", container)
        }
    }

    /// Freezes or thaws; says so where the container has ended meanwhile, and its group with it.
    private func changeGroup(
        of container: Container, _ verb: String, _ change: (CgroupHandle) throws(KernelError) -> Void
    ) throws(ContainerError) {
        let cgroup = try liveCgroup(of: container)
        do throws(KernelError) { try change(cgroup) } catch {
            throw error.isOfVanishedGroup ? endedMeanwhile(container, verb) : .kernel("\(verb) container \(container.id.short)", error)
        }
    }

    /// For those that are to end: a signal reaches nobody who stands still.
    func thawIfPaused(_ container: Container) async {
        guard container.life.isPaused else { return }
        await pool.run { self.thaw(container) }
        container.decide { $0.resumed() }
    }

    private func thaw(_ container: Container) {
        do { try liveCgroup(of: container).thaw() } catch {
            // Of one that has ended meanwhile there is nothing to thaw.
            guard container.life.isLive else { return }
            logger.error("a container could not be thawed", metadata: ["id": "\(container.id)", "error": "\(error)"])
        }
    }

    func wrongState(_ container: Container, _ verb: String) -> ContainerError {
        .wrongState(id: container.id.short, verb: verb, state: container.life.state)
    }

    /// For a step that finds it ended where nobody has told yet.
    func endedMeanwhile(_ container: Container, _ verb: String) -> ContainerError {
        .wrongState(id: container.id.short, verb: verb, state: .stopped)
    }

    /// The groups that are there, in whichever hierarchy the shim has made them.
    func liveCgroup(of container: Container) throws(ContainerError) -> CgroupHandle {
        try kernelStep("find the cgroup of \(container.id.short)") { () throws(KernelError) in
            CgroupHandle(existing: Self.relative(container.memo.cgroup), try CgroupLayout.detect())
        }
    }

    static func relative(_ cgroup: String) -> String { String(cgroup.drop { $0 == "/" }) }
}
