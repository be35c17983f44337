// SPDX-License-Identifier: Apache-2.0

public import APITypes
internal import Containers
internal import Linux
internal import OCI

// What is done to containers by way of their cgroups.
extension NodeRuntime {
    /// Stops every process of a container where it is.
    public func pauseContainer(_ id: String) async throws(EngineError) {
        let container = try find(id)
        do throws(ContainerError) { try await containers.pause(container) } catch { throw EngineError(error) }
    }

    public func unpauseContainer(_ id: String) async throws(EngineError) {
        let container = try find(id)
        do throws(ContainerError) { try await containers.unpause(container) } catch { throw EngineError(error) }
    }

    /// Changes limits, now and for later starts.
    public func updateContainer(_ id: String, _ request: UpdateContainerRequest) async throws(EngineError) -> UpdateContainerResponse {
        let container = try find(id)
        do throws(ContainerError) {
            let resources = try await containers.update(container, request.resources)
            return UpdateContainerResponse(id: container.id.text, name: container.memo.name, resources: resources)
        } catch {
            throw EngineError(error)
        }
    }

    /// The processes of a container that runs, by number.
    public func containerProcesses(_ id: String) async throws(EngineError) -> [ContainerProcess] {
        let container = try find(id)
        do throws(ContainerError) {
            return try await containers.processes(of: container).map(ContainerProcess.init)
        } catch {
            throw EngineError(error)
        }
    }

    /// - Parameter names: of containers that run; empty: of all that run at the moment of each sample.
    /// - Throws: for a name that there is not, or a container that does not run.
    public func statistics(of names: [String]) throws(EngineError) -> StatisticsSampler {
        var named: [Container] = []
        for name in names {
            let container = try find(name)
            guard container.life.isLive else {
                throw EngineError(.wrongState(id: container.id.short, verb: "show what is used by", state: container.life.state))
            }
            named.append(container)
        }
        return StatisticsSampler(containers, named: names.isEmpty ? nil : named)
    }
}

extension ContainerProcess {
    init(_ process: ProcessDetails) {
        self.init(
            pid: process.pid, parentPID: process.parent, pidInside: process.pidInside, uid: process.uid, gid: process.gid,
            state: process.state, threads: process.threads, terminal: process.terminal, cpuMilliseconds: process.cpuMilliseconds,
            startedAt: Timestamp.rfc3339(seconds: process.startedAtSeconds, nanoseconds: 0),
            elapsedMilliseconds: process.elapsedMilliseconds,
            residentBytes: process.residentBytes, virtualBytes: process.virtualBytes, name: process.name, arguments: process.arguments)
    }
}
