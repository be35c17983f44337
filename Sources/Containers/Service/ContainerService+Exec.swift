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
        guard container.life.phase == .running else { throw wrongState(container) }
        return try await execPool.run { () throws(ContainerError) in try self.execNow(container, request) }
    }

    private func wrongState(_ container: Container) -> ContainerError {
        .wrongState(id: container.id.short, verb: "exec in", state: container.life.state)
    }

    private func execNow(_ container: Container, _ request: ExecRequest) throws(ContainerError) -> ExecResponse {
        let spec = try execSpec(container, request)
        let id = Self.newExecID()
        let file = container.paths.execProcess(id)
        let bytes: [UInt8]
        do throws(JSONError) { bytes = try JSON.encode(spec.process) } catch { throw .encoding("encode the process: \(error)") }
        try kernelStep("write \(file.string)") { () throws(KernelError) in try replaceFile(file, with: bytes) }
        ContainerStep.execDescribed.reach()
        container.execs.begin(id, spec.process.args, at: Timestamp.now())
        do throws(ContainerError) {
            let pid = try launch(ShimExec(id: id, openStdin: request.openStdin, detached: request.detach), in: container)
            if let entry = container.execs.started(id, pid: pid) {
                publishExec("exec_start", entry, container)
                if entry.exit != nil { publishExec("exec_die", entry, container) }
            }
            return ExecResponse(id: id, pid: pid, attachSocket: request.detach ? nil : container.paths.socket.string)
        } catch {
            container.execs.failed(id)
            try? unlinkFile(file)
            throw error
        }
    }

    private func execSpec(_ container: Container, _ request: ExecRequest) throws(ContainerError) -> ExecSpec {
        guard let started = container.started else { throw wrongState(container) }
        let root = try kernelStep("open the root of \(container.id.short)") { () throws(KernelError) in
            try LiveRoot.open(pid: started.pid, startTicks: started.startTicks)
        }
        switch consume root {
        case .some(let root): return try ExecSpec(request, of: container, in: root)
        case .none: throw wrongState(container)
        }
    }

    /// How long a process may take to its program: its working directory may be on a filesystem that does not answer.
    private static let launchSeconds = 30

    private func launch(_ exec: ShimExec, in container: Container) throws(ContainerError) -> Int32 {
        let answer: ShimMessage?
        do throws(KernelError) {
            let connection = try ShimConnection.connect(to: container.paths.socket)
            try connection.limitWaits(seconds: Self.launchSeconds)
            try connection.send(.exec(exec))
            ContainerStep.execRequested.reach()
            answer = try connection.receiveMessage()
        } catch  where error.meansNoShim {
            throw wrongState(container)
        } catch  where error.errno == .resourceTemporarilyUnavailable || error.errno == .wouldBlock {
            // The shim ends it when this connection closes.
            throw .execRefused(
                id: container.id.short, "no program within \(Self.launchSeconds) s; is a filesystem on the way to it stuck?")
        } catch {
            throw .kernel("ask the shim of \(container.id.short)", error)
        }
        switch answer {
        case .execStarted(_, let pid):
            ContainerStep.execStarted.reach()
            return pid
        case .failed(let failure):
            let reason = [failure.reason, failure.kernel.map { "\($0)" }].compactMap(\.self).joined(separator: ": ")
            throw .execFailed(id: container.id.short, step: failure.step, reason: reason, exitCode: Int(failure.exitCode))
        case .refused(let reason): throw .execRefused(id: container.id.short, reason)
        case .exited, .none: throw .wrongState(id: container.id.short, verb: "exec in", state: .stopped)
        case .some(let other): throw .shim(id: container.id.short, "unexpected message \(other)")
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
