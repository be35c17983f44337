// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux
internal import OCI
internal import Runtime
internal import ShimProtocol
internal import SystemPackage

// Further processes of the container. The launch is begun here and waited for in the loop: one that hangs (a working directory on a
// filesystem that does not answer) holds up nobody else.
extension ShimServer {
    /// Answered when the program runs, or does not.
    func exec(_ request: ShimExec, for client: ShimClient) {
        if let exit { return client.tell(.exited(exit)) }
        guard ShimExec.isValid(id: request.id), execs.process(id: request.id) == nil else {
            return client.tell(.refused("\"\(request.id)\" is no new exec id"))
        }
        guard !execs.isFull else { return client.tell(.refused("\(ExecRegistry.mostProcesses) execs are running in it already")) }
        guard !isFrozen else { return client.tell(.refused("it is paused")) }
        do throws(ShimFailure) { try begin(request, for: client) } catch {
            // The container may have ended in this moment; that is then the reason, and is told.
            reapChildren()
            if exit == nil, !isEnding { client.tell(.failed(error)) }
        }
    }

    /// A PID 1 that ends takes its other processes along before it can be reaped: that they end is no failure of theirs. Who waits is told of the end.
    var isEnding: Bool { (try? ProcessStat(of: initProcess.pid))?.isExiting == true }

    private func begin(_ request: ShimExec, for client: ShimClient) throws(ShimFailure) {
        let process = try readProcess(request.id)
        var streams = try makeStreams(request, terminal: process.terminal == true)
        let group: ExecCgroup
        let child: ExecChild
        do throws(LaunchError) {
            let plan = try ExecPlan(process, execs.traits, stdio: standardStreams(streams, process))
            guard let name = FilePath.Component("exec-\(request.id)") else { return }
            group = try ExecCgroup(making: name, in: initProcess.currentCgroup.inhabitable)
            do throws(LaunchError) {
                child = try beginExec(plan, in: ExecTarget(pid: initProcess.pid, pidfd: initProcess.pidfd.raw, cgroup: group))
            } catch {
                execs.release(group)
                throw error
            }
        } catch {
            throw ShimFailure(error)
        }
        let pid = child.pid
        do throws(KernelError) {
            execs.insert(try ExecProcess(request, child, &streams, group: group, for: client))
        } catch {
            // It runs, and nobody would hear it; the loop reaps it.
            kill(pid, SIGKILL)
            execs.release(group)
            throw ShimFailure(step: "streams", reason: nil, kernel: error, exitCode: 125)
        }
    }

    private func readProcess(_ id: String) throws(ShimFailure) -> RuntimeSpec.Process {
        let path = FilePath(configuration.stateDirectory).appending(ShimExec.processFile(id: id))
        return try ShimStart.read(RuntimeSpec.Process.self, path)
    }

    /// nil: the launch makes a terminal.
    private func makeStreams(_ request: ShimExec, terminal: Bool) throws(ShimFailure) -> ContainerStreams? {
        if terminal { return nil }
        do throws(KernelError) {
            return request.detached ? try ContainerStreams.makeNull() : try ContainerStreams.make(openStdin: request.openStdin)
        } catch {
            throw ShimFailure(step: "streams", reason: nil, kernel: error, exitCode: 125)
        }
    }

    private func standardStreams(_ streams: borrowing ContainerStreams?, _ process: RuntimeSpec.Process) -> StandardStreams {
        switch streams {
        case .some(let streams): streams.containerEnds
        case .none:
            .terminal(
                rows: UInt16(clamping: process.consoleSize?.height ?? 0), columns: UInt16(clamping: process.consoleSize?.width ?? 0))
        }
    }

    // MARK: Its life

    func serveExec(_ process: ExecProcess, _ end: ExecProcess.End) {
        if end == .launching { finishLaunch(of: process) } else { process.serve(end, with: &chunk) }
    }

    private func finishLaunch(of process: ExecProcess) {
        guard process.launching != nil else { return }
        let requester = process.client
        do throws(LaunchError) {
            try process.finishLaunch()
            requester?.tell(.execStarted(id: process.id, pid: process.pid))
            // Nobody will attach to what nobody knows of.
            if requester?.isClosed != false { process.abandon() }
        } catch {
            execs.forget(process)
            if !isEnding { requester?.tell(.failed(ShimFailure(error))) }
        }
    }

    /// A child that has been reaped, and is not PID 1.
    /// - Returns: whether it was a further process; else it was an orphan.
    func noteExecEnd(_ pid: Int32, _ end: WaitStatus) -> Bool {
        guard let process = execs.process(pid: pid) else { return false }
        // It may have ended before its exec was seen here, or without one.
        finishLaunch(of: process)
        guard execs.process(id: process.id) != nil else { return true }
        let record = ShimExit(
            exitCode: end.exitCode, signal: end.signal, outOfMemory: false, startedAt: process.startedAt, finishedAt: Timestamp.now())
        process.noteExit(record)
        for client in clients where client.watchesExecs { client.tell(.execExited(id: process.id, exit: record)) }
        for id in execs.noteEnd(of: process) { removeProcessFile(id) }
        return true
    }

    private func removeProcessFile(_ id: String) {
        do throws(KernelError) {
            try unlinkFile(FilePath(configuration.stateDirectory).appending(ShimExec.processFile(id: id)))
        } catch {
            Complaint.write("\(error)")
        }
    }

    /// After each round: those whose client has gone, and those of which nothing is left to do.
    func sweepExecs() {
        for process in execs.processes where process.client?.isClosed == true { process.leaveClient() }
        execs.sweep()
    }

    func keepExecDeadlines(_ now: Moment) {
        for process in execs.processes { process.keepDeadlines(now) }
        // What is over by its time alone wakes nobody again.
        execs.sweep()
        execs.removeGroups(now)
    }

    func attachExec(_ id: String, _ client: ShimClient, stdin: Bool) {
        guard let process = execs.process(id: id) else { return client.tell(.refused("there is no exec \"\(id)\" to attach to")) }
        guard client !== attached, client.exec == nil else { return client.tell(.refused("this connection is attached already")) }
        process.attach(client, stdin: stdin)
    }
}

extension ShimFailure {
    init(_ error: LaunchError) {
        self.init(step: error.step.rawValue, reason: error.reason, kernel: error.kernel, exitCode: error.exitCode)
    }
}
