// SPDX-License-Identifier: Apache-2.0

package import APITypes
internal import Glibc
internal import JSON
internal import Linux
internal import Logging
internal import Metadata
internal import OCI
internal import ShimProtocol
internal import SystemPackage

extension ContainerService {
    /// Runs a further process in a container, and returns when its program runs.
    /// - Throws: `ContainerError.wrongState` where the container does not run, `.execRefused` where it can't be entered now, `.execFailed` with
    ///   the exit code that `exec` gives back.
    package func exec(_ container: Container, _ request: ExecRequest) async throws(ContainerError) -> ExecResponse {
        guard container.life.canBeEntered else { throw wrongState(container, "exec in") }
        let exec = try await execPool.run { () throws(ContainerError) in try self.beginExec(container, request) }
        do throws(ContainerError) {
            let question = ShimRequest.exec(ShimExec(id: exec.id, openStdin: request.openStdin, detached: request.detach))
            guard try await put(question, to: container.id, exec.answer) != nil else { throw ended(container) }
            ContainerStep.execRequested.reach()
            let pid = try await launched(exec, in: container)
            if let entry = container.execs.started(exec.id, pid: pid) {
                publishExec("exec_start", entry, container)
                if entry.exit != nil { publishExec("exec_die", entry, container) }
            }
            return ExecResponse(id: exec.id, pid: pid, attachSocket: request.detach ? nil : container.paths.socket.string)
        } catch {
            await execPool.run { self.forgetExec(exec.id, of: container) }
            throw error
        }
    }

    private struct BegunExec: Sendable {
        let id: String
        let answer = ShimAnswer()
    }

    private func forgetExec(_ id: String, of container: Container) {
        container.execs.failed(id)
        try? unlinkFile(container.paths.execProcess(id))
    }

    private func ended(_ container: Container) -> ContainerError { endedMeanwhile(container, "exec in") }

    private func beginExec(_ container: Container, _ request: ExecRequest) throws(ContainerError) -> BegunExec {
        let spec = try execSpec(container, request)
        let id = Self.newExecID()
        let file = container.paths.execProcess(id)
        let bytes: [UInt8]
        do throws(JSONError) { bytes = try JSON.encode(spec.process) } catch { throw .encoding("encode the process: \(error)") }
        do throws(KernelError) { try replaceFile(file, with: bytes) } catch {
            // Its state directory goes with its last end.
            throw error.errno == .noSuchFileOrDirectory ? ended(container) : .kernel("write \(file.string)", error)
        }
        ContainerStep.execDescribed.reach()
        container.execs.begin(id, spec.process.args, at: Timestamp.now())
        return BegunExec(id: id)
    }

    private func execSpec(_ container: Container, _ request: ExecRequest) throws(ContainerError) -> ExecSpec {
        guard let started = container.started else { throw ended(container) }
        let root = try kernelStep("open the root of \(container.id.short)") { () throws(KernelError) in
            try LiveRoot.open(pid: started.pid, startTicks: started.startTicks)
        }
        switch consume root {
        case .some(let root): return try ExecSpec(request, of: container, in: root)
        case .none: throw ended(container)
        }
    }

    /// How long a process may take to its program: its working directory may be on a filesystem that does not answer.
    private static let launchSeconds = 30

    /// Its pid. No thread waits: those that are stuck keep nobody else from entering a container.
    private func launched(_ exec: BegunExec, in container: Container) async throws(ContainerError) -> Int32 {
        let message: ShimMessage
        switch await exec.answer.wait(within: .seconds(Self.launchSeconds)) {
        case .message(let answer): message = answer
        case .closed: throw ended(container)
        case .late:
            // The shim ends it when the connection closes.
            monitor.forget(exec.answer)
            throw .execRefused(
                id: container.id.short, "no program within \(Self.launchSeconds) s; is a filesystem on the way to it stuck?")
        }
        switch message {
        case .execStarted(_, let pid):
            ContainerStep.execStarted.reach()
            return pid
        case .failed(let failure):
            throw .execFailed(
                id: container.id.short, step: failure.step, reason: failure.explanation, exitCode: Int(failure.exitCode))
        case .refused(let reason): throw .execRefused(id: container.id.short, reason)
        case .exited: throw ended(container)
        case let other: throw .shim(id: container.id.short, "unexpected message \(other)")
        }
    }

    private static func newExecID() -> String {
        let digits = String(UInt64.random(in: 0 ... .max), radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    // MARK: Ends

    func noteExecEnd(_ id: String, _ exit: ShimExit, of container: Container) {
        if let entry = container.execs.ended(id, exit) { publishExec("exec_die", entry, container) }
    }

    /// What a shim has that an earlier daemon started.
    func noteExecs(_ statuses: [ShimExecStatus], of container: Container) async {
        let news = await pool.run {
            container.execs.merge(statuses) { id in
                let bytes = (try? readFile(container.paths.execProcess(id), limit: 16 << 20)) ?? []
                return (try? JSON.decode(RuntimeSpec.Process.self, from: bytes))?.args ?? []
            }
        }
        for entry in news { publishExec("exec_die", entry, container) }
        let known = Set(statuses.map(\.id))
        for id in container.takeUnclaimedExecs() where !known.contains(id) { try? unlinkFile(container.paths.execProcess(id)) }
    }

    /// The shim is gone, and the container's cgroup empty.
    func endExecs(of container: Container) {
        let now = Timestamp.now()
        let ended = container.execs.endAll { entry in
            ShimExit(exitCode: 137, signal: SIGKILL, outOfMemory: false, startedAt: entry.startedAt, finishedAt: now)
        }
        for entry in ended { publishExec("exec_die", entry, container) }
    }

    private func publishExec(_ action: String, _ entry: ExecTable.Entry, _ container: Container) {
        var attributes = ["execID": entry.id, "command": entry.command.first ?? ""]
        if action == "exec_die", let exit = entry.exit { attributes["exitCode"] = "\(exit.exitCode)" }
        publish(action, container, attributes)
    }
}
