// SPDX-License-Identifier: Apache-2.0

internal import APITypes
package import Linux
internal import ShimProtocol
internal import SystemPackage

/// What a container had used at a moment.
package struct GroupReading: Sendable {
    package let container: Container
    package let moment: Moment
    package let usage: CgroupUsage
    package let network: InterfaceCounters?
}

extension ContainerService {
    /// One walk over the containers' counter files. One that has ended meanwhile is left out.
    package func readUsage(of containers: [Container]) async throws(ContainerError) -> [GroupReading] {
        try await pool.run { () throws(ContainerError) in
            let layout = try kernelStep("find the cgroups") { () throws(KernelError) in try CgroupLayout.detect() }
            var readings: [GroupReading] = []
            readings.reserveCapacity(containers.count)
            for container in containers {
                if let reading = try self.read(container, layout) { readings.append(reading) }
            }
            return readings
        }
    }

    private func read(_ container: Container, _ layout: CgroupLayout) throws(ContainerError) -> GroupReading? {
        guard container.life.isLive else { return nil }
        do throws(KernelError) {
            let usage = try CgroupHandle(existing: Self.relative(container.memo.cgroup), layout).usage()
            return GroupReading(container: container, moment: .now, usage: usage, network: try network(of: container))
        } catch  where error.isOfVanishedGroup {
            return nil
        } catch {
            throw .kernel("read what container \(container.id.short) uses", error)
        }
    }

    /// The host's interfaces are not a container's.
    private func network(of container: Container) throws(KernelError) -> InterfaceCounters? {
        guard container.memo.request.network != .host, let pid = container.started?.pid else { return nil }
        return try InterfaceCounters.ofProcess(pid)
    }
}
