// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux
internal import OCI
internal import Runtime
internal import ShimProtocol
internal import SystemPackage

// Probes are begun, waited for and ended in the loop. No runtime is run for them: a program is cloned as every further process is, and a
// connection is a descriptor among others.
extension ShimServer {
    func keepHealthDeadlines(_ now: Moment) {
        guard let health, exit == nil else { return }
        if let due = health.killDue, now >= due { killUnhealthy(health) }
        if health.isProbing {
            if let due = health.deadline, now >= due {
                endLateProbe(health)
            } else if let due = health.frozenCheck, now >= due {
                if isFrozen { skipProbe(health, now) } else { health.checkFrozenLater(now) }
            }
        } else if !health.isOver, now >= health.tracker.next {
            beginProbe(health, now)
        }
    }

    /// Whether it is told to stand still, or does because a group above is: what is born into its groups then does not come to its exec.
    var isFrozen: Bool { (try? initProcess.cgroup.isFreezing) == true || (try? initProcess.cgroup.isFrozen) == true }

    /// `healthcheck run`: the one that is under way, or a new one. Answered with its result.
    func probe(for client: ShimClient) {
        if let exit { return client.tell(.exited(exit)) }
        guard let health else { return client.tell(.refused("it has no health check")) }
        guard !health.isOver else { return client.tell(.refused("it is being stopped")) }
        guard !isFrozen else { return client.tell(.refused("it is paused")) }
        health.waiting.append(client)
        if !health.isProbing { beginProbe(health, .now) }
    }

    // MARK: Its way

    private func beginProbe(_ health: HealthMonitor, _ now: Moment) {
        if isFrozen { return health.tracker.skip(now) }
        health.noteBegin(now)
        guard health.lingering == nil else { return note(.failed("the last probe can't be ended"), health) }
        if let target = health.settings.target {
            do throws(KernelError) {
                let network = try NetworkProbe(target, inNetworkOf: initProcess.pidfd.raw)
                if let answer = network.begin() { note(answer, health) } else { health.follow(.network(network)) }
            } catch {
                note(.failed("\(error)"), health)
            }
        } else {
            do throws(LaunchError) { health.follow(.program(try beginProgram(health))) } catch {
                // The container may have ended in this moment.
                reapChildren()
                if exit == nil { note(ProgramProbe.answer(to: error), health) }
            }
        }
    }

    private func beginProgram(_ health: HealthMonitor) throws(LaunchError) -> ProgramProbe {
        guard let process = health.process, let name = health.nextGroup() else { throw LaunchError(step: .plan, reason: "no program") }
        var streams = try ProbeStreams.make()
        let plan = try ExecPlan(process, execs.traits, stdio: streams.programEnds)
        let group = try ExecCgroup(making: name, in: initProcess.currentCgroup.inhabitable)
        do throws(LaunchError) {
            let child = try beginExec(plan, in: ExecTarget(pid: initProcess.pid, pidfd: initProcess.pidfd.raw, cgroup: group))
            return ProgramProbe(child, output: streams.takeReader(), group: group)
        } catch {
            execs.release(group)
            throw error
        }
    }

    func serveHealth(_ end: ProbeEnd, of serial: Int) {
        guard let health, let probe = health.probe, health.serial == serial else { return }
        switch probe {
        case .network(let network):
            guard let answer = network.serve(&chunk) else { return }
            health.clearProbe()
            note(answer, health)
        case .program(let program) where end == .launching:
            guard let failure = program.finishLaunch() else { return }
            health.clearProbe()
            execs.release(program.group)
            note(failure, health)
        case .program(let program): program.takeOutput(&chunk)
        }
    }

    /// A child that has been reaped, and is neither PID 1 nor a further process.
    func noteProbeEnd(_ pid: Int32, _ end: WaitStatus) {
        guard let health else { return }
        if let program = health.lingering, program.pid == pid {
            health.clearLingering()
            execs.release(program.group)
        } else if case .program(let program)? = health.probe, program.pid == pid {
            health.clearProbe()
            let answer = program.answer(to: end, &chunk)
            // A check leaves nothing running.
            program.kill()
            execs.release(program.group)
            note(answer, health)
        }
    }

    private func endLateProbe(_ health: HealthMonitor) {
        // A program may have ended in this moment.
        reapChildren()
        guard exit == nil, let probe = health.probe else { return }
        if isFrozen { return skipProbe(health, .now) }
        var words = "it took more than \(health.settings.timeoutMilliseconds) ms"
        if case .network(let network) = probe { words += ": \(network.state)" }
        health.dropProbe()
        note(ProbeAnswer(exitCode: -1, output: words), health)
    }

    /// The container stands still: what a probe of it would say is nothing about it.
    private func skipProbe(_ health: HealthMonitor, _ now: Moment) {
        health.dropProbe()
        health.tracker.skip(now)
        tellWaiting(health, .refused("it is paused"))
    }

    // MARK: What it says

    private func note(_ answer: ProbeAnswer, _ health: HealthMonitor) {
        if answer.exitCode != 0, isEnding { return health.tracker.skip(.now) }
        let result = ShimHealthResult(
            startedAt: health.begunAt, finishedAt: Timestamp.now(), exitCode: answer.exitCode, output: answer.output)
        let hasChanged = health.tracker.note(result, begun: health.begun, now: .now)
        var report = health.tracker.report
        report.result = result
        for client in clients where client.watchesExecs { client.offer(.health(report)) }
        tellWaiting(health, .health(report))
        if hasChanged, report.status == .unhealthy { act(health) }
    }

    private func tellWaiting(_ health: HealthMonitor, _ message: ShimMessage) {
        for client in health.waiting { client.tell(message) }
        health.waiting = []
    }

    /// All that is kept, for an engine that was not there. One at a time, since each may be large.
    func tellHealth(_ client: ShimClient) {
        guard let health else { return }
        for result in health.tracker.results {
            var report = health.tracker.report
            report.result = result
            client.offer(.health(report))
        }
    }

    /// PID 1 has ended, or is to end: no probe tells anything any more.
    func endHealth() {
        guard let health, !health.isOver else { return }
        health.end()
        // The end of PID 1 is told to everybody in a moment.
        if exit == nil { tellWaiting(health, .refused("it is being stopped")) }
        health.waiting = []
    }

    // MARK: What follows

    /// The shim does it, since a daemon may not be there; what comes after the end is the daemon's.
    private func act(_ health: HealthMonitor) {
        guard let action = health.settings.action else { return }
        endHealth()
        if action == .kill || health.settings.stopTimeoutSeconds == 0 { return killUnhealthy(health) }
        let number = health.settings.stopSignal
        let isUnheard = (try? SignalMasks(of: initProcess.pid))?.discards(number) != nil
        send(number, health)
        if isUnheard { return killUnhealthy(health) }
        let seconds = health.settings.stopTimeoutSeconds
        if seconds > 0 { health.killDue = Moment.now.advanced(byMilliseconds: UInt64(seconds) * 1000) }
    }

    private func killUnhealthy(_ health: HealthMonitor) {
        health.killDue = nil
        send(SIGKILL, health)
        // Nobody who stands still hears it.
        if isFrozen { try? initProcess.cgroup.thaw() }
    }

    private func send(_ number: Int32, _ health: HealthMonitor) {
        sentSignals.note(number, unhealthy: health.settings.action?.rawValue ?? "kill")
        do throws(KernelError) { _ = try sendSignal(number, to: initProcess.pidfd) } catch {
            Complaint.write("the unhealthy container could not be told: \(error)")
        }
    }
}
