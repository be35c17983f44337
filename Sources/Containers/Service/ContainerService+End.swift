// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import Glibc
internal import JSON
internal import Linux
internal import Logging
internal import Metadata
internal import OCI
internal import ShimProtocol

extension ExitRecord {
    init(_ exit: ShimExit) {
        self.init(
            exitCode: Int(exit.exitCode), signal: exit.signal.map(Int.init), outOfMemory: exit.outOfMemory, startedAt: exit.startedAt,
            finishedAt: exit.finishedAt)
        timings = exit.timings?.map { StepTiming(step: $0.step, microseconds: $0.microseconds) }
        droppedLogRecords = exit.droppedLogRecords
        cause = exit.cause.flatMap { cause in
            ExitCause.Kind(rawValue: cause.kind.rawValue).map {
                ExitCause(kind: $0, request: cause.request, signal: cause.signal.map(Int.init), sentAt: cause.sentAt)
            }
        }
        memory = exit.memory.map { memory in
            OutOfMemoryRecord(
                level: memory.level.flatMap(OutOfMemoryRecord.Level.init), cgroup: memory.cgroup,
                victim: memory.victim.map { OutOfMemoryRecord.Victim(pid: $0.pid, name: $0.name) }, kills: memory.kills,
                limitInBytes: memory.limitInBytes, peakInBytes: memory.peakInBytes)
        }
    }
}

extension ContainerService {
    /// Called on the monitor's thread: hands the work on at once.
    func shimEvent(_ event: ShimEvent, of id: ContainerID, shimPID: Int32?) {
        guard let container = index.container(id) else { return }
        container.inOrder {
            switch event {
            case .exited(let exit): await self.noteExit(ExitRecord(exit), of: container)
            case .execs(let statuses): await self.noteExecs(statuses, of: container)
            case .execExited(let id, let exit): self.noteExecEnd(id, exit, of: container)
            case .health(let report): self.noteHealth(report, of: container)
            case .gone: await self.shimGone(container, shimPID: shimPID)
            }
        }
    }

    /// PID 1's end is known: recorded, told to those who wait.
    func noteExit(_ record: ExitRecord, of container: Container) async {
        guard container.noteExit(record) else { return }
        ContainerStep.endHeard.reach()
        if !container.memo.request.autoRemove { await pool.run { self.persist(container) } }
        ContainerStep.endRecorded.reach()
        var attributes = ["exitCode": "\(record.exitCode)"]
        if let signal = record.signal { attributes["signal"] = "\(signal)" }
        if let cause = record.cause {
            attributes["cause"] = cause.kind.rawValue
            if let request = cause.request { attributes["request"] = request }
        }
        if record.outOfMemory { publish("oom", container, Self.attributes(of: record.memory)) }
        publish("die", container, attributes)
        container.waiters.signal(.stopped, record)
    }

    private static func attributes(of memory: OutOfMemoryRecord?) -> [String: String] {
        var attributes: [String: String] = [:]
        attributes["level"] = memory?.level?.rawValue
        attributes["victim"] = memory?.victim.map { "\($0.pid)" }
        return attributes
    }

    /// What has changed about it since it was made: its last end, its restarts.
    func persist(_ container: Container) {
        do { try metadata.update(container: container.id.text) { try JSON.encode(container.record) } } catch {
            logger.error("the state of a container could not be recorded", metadata: ["id": "\(container.id)", "error": "\(error)"])
        }
    }

    /// The monitor ended. Where it had not told an end, it was killed: whatever is left of the container is ended too.
    func shimGone(_ container: Container, shimPID: Int32?) async {
        ContainerStep.monitorGone.reach()
        await pool.run {
            // One that was killed, or isn't this daemon's child, may have left the cgroup behind.
            // So may an update that came while the shim deleted it.
            let resources = container.memo.request.resources
            let mayHaveMore = resources.cpusetCPUs != nil || resources.cpusetMemoryNodes != nil
            if shimPID != nil { container.forgetShimPID() }
            if shimPID.map(self.reap) != 0 || mayHaveMore, container.life.exit != nil { self.killLeftovers(of: container) }
        }
        if container.life.exit == nil {
            let record = await pool.run { self.endWithoutShim(container) }
            await noteExit(record, of: container)
        }
        endExecs(of: container)
        ContainerStep.endTidied.reach()
        // Before it may be started again: a next run has no end yet.
        let end = container.life.exit
        container.noteShimGone()
        // One that is being restarted ends for that.
        if container.memo.request.autoRemove, container.memo.isRestarting != true {
            await removeEnded(container)
        } else {
            container.waiters.signal(.shimGone, end)
            if container.finishesRestart { return startWithDaemon(container) }
            await restartIfWanted(container)
        }
    }

    /// One that nobody wants after its end.
    func removeEnded(_ container: Container) async {
        await endFiles(of: container) { _ in true }
        do throws(ContainerError) { try await remove(container, force: false) } catch {
            // Somebody has started it.
            if case .wrongState = error, container.life.hasShim { return }
            logger.error("a container could not be removed", metadata: ["id": "\(container.id)", "error": "\(error)"])
        }
    }

    /// The record that the shim left, or one that says that nobody saw the end; that is left in its place, so that exit.json always tells
    /// the end of the last run. Kills what may still live in the cgroup.
    func endWithoutShim(_ container: Container) -> ExitRecord {
        killLeftovers(of: container)
        let path = container.paths.exitRecord
        if let bytes = try? readFile(path, limit: 1 << 16), let exit = try? JSON.decode(ExitRecord.self, from: bytes) { return exit }
        let record = unseenEnd(of: container)
        do { try replaceFile(path, with: try JSON.encode(record)) } catch {
            logger.error("the end of a container could not be kept", metadata: ["id": "\(container.id)", "error": "\(error)"])
        }
        return record
    }

    func unseenEnd(of container: Container) -> ExitRecord {
        var record = ExitRecord(
            exitCode: 137, signal: Int(SIGKILL), startedAt: container.started?.startedAt ?? container.memo.createdAt,
            finishedAt: Timestamp.now(),
            note: "the end was not seen: the monitor was killed, or the machine stopped; what was left of the container was killed")
        record.cause = ExitCause(kind: .unknown)
        return record
    }
}
