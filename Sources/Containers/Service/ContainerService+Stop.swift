// SPDX-License-Identifier: Apache-2.0

package import APITypes
internal import Glibc
internal import Linux
internal import Logging
internal import Metadata
internal import OCI
internal import ShimProtocol
internal import SystemPackage

extension ContainerService {
    /// Sends the stop signal, waits, then sends SIGKILL; says whether PID 1 could hear the signal: where it can't, there is nothing to wait for.
    /// A container that has ended answers at once with its record. One that waits without end, and is cancelled, leaves it as a program that runs on.
    /// - Parameter verb: for what it is stopped; the exit record tells it.
    /// - Throws: `ContainerError.wrongState` for one that never ran; `.invalidRequest` for a time that is none.
    package func stop(_ container: Container, _ request: StopRequest, for verb: String = "stop") async throws(ContainerError)
        -> StopResponse
    {
        let seconds = try StopTimeout.check(request.timeoutSeconds ?? container.memo.stopTimeoutSeconds)
        await callOffRestarts(container, for: verb)
        ContainerStep.stopNoted.reach()
        // A monitor on the way to its container takes no signal, and the start may fail.
        guard await hasStarted(container, within: Self.shimPatience) else {
            throw .shim(id: container.id.short, "its start is not done after \(Self.shimPatience); `rm -f` gives that up")
        }
        if let record = container.life.exit { return StopResponse(exit: record) }
        guard container.life.isLive else { throw .wrongState(id: container.id.short, verb: "stop", state: container.life.state) }
        container.decide { $0.beginStop() }
        // The next daemon has no client that waits.
        if container.setStopOpen(seconds < 0) { await pool.run { self.persist(container) } }
        publish("stop", container)
        var unheard: UnheardSignal?
        var isHeardByMonitor = true
        if seconds != 0 {
            // Asked before, too: a handler that ends the program may take itself away at once, as Python's interpreter does.
            let wasUnheard = await self.unheard(container) != nil
            // Its monitor keeps the end of the time, too: the stop is finished also where this daemon is killed.
            do throws(ContainerError) {
                let killAfter = seconds > 0 ? seconds : nil
                isHeardByMonitor = try await signal(container, container.memo.stopSignal, for: verb, killAfter: killAfter)
            } catch {
                container.decide { $0.stopGivenUp() }
                throw error
            }
            ContainerStep.stopSignalled.reach()
            // Before one that is paused goes on: what it does with the signal is then what it will do.
            unheard = wasUnheard ? await self.unheard(container) : nil
            await thawIfPaused(container)
            if let unheard { publish("signal-unheard", container, ["signal": "\(unheard.signal)", "reason": unheard.reason.rawValue]) }
            if unheard == nil || seconds < 0 || request.waitFull == true {
                if let record = await wait(container, for: .stopped, seconds: seconds < 0 ? nil : seconds) {
                    ContainerStep.stopFinished.reach()
                    return StopResponse(exit: record, unheard: unheard)
                }
                if Task.isCancelled {
                    if seconds < 0 { container.decide { $0.stopGivenUp() } }
                    let rest = seconds < 0 ? "" : ", and SIGKILL follows after \(seconds) s"
                    throw .shim(id: container.id.short, "the stop was given up by its client; the signal has been sent\(rest)")
                }
            }
        }
        let record = try await end(container, for: verb, byMonitor: isHeardByMonitor)
        ContainerStep.stopFinished.reach()
        return StopResponse(exit: record, unheard: unheard)
    }

    /// Whether a stop may last as long as the container does.
    package func waitsWithoutEnd(_ container: Container, _ request: StopRequest) -> Bool {
        request.timeoutSeconds ?? container.memo.stopTimeoutSeconds < 0
    }

    /// SIGKILL, which needs nobody's ear. A monitor that stands still is ended, too: it would not tell the end.
    private func end(_ container: Container, for verb: String, byMonitor: Bool) async throws(ContainerError) -> ExitRecord {
        let isHeard = byMonitor ? try await signal(container, SIGKILL, for: verb) : false
        ContainerStep.stopKilled.reach()
        await thawIfPaused(container)
        if !isHeard {
            logger.warning("a container is ended with its monitor, which does not answer", metadata: ["id": "\(container.id)"])
            container.killShim()
            await pool.run { self.killLeftovers(of: container) }
        }
        guard let record = await wait(container, for: .stopped, seconds: 30) else {
            throw .shim(
                id: container.id.short, "SIGKILL was sent, and PID 1 is still there after 30 s: it may be in an uninterruptible wait")
        }
        return record
    }

    /// Whether PID 1 can hear its stop signal now. Where it could neither before the signal was sent nor after it, it did not hear it, or will not be
    /// ready for it in time.
    private func unheard(_ container: Container) async -> UnheardSignal? {
        let signal = container.memo.stopSignal
        guard let started = container.started, container.life.exit == nil,
            let masks = await settledMasks(of: started.pid, for: signal),
            (try? ProcessStat(of: started.pid))?.startTicks == started.startTicks,
            let discard = masks.discards(signal), let reason = UnheardSignal.Reason(rawValue: discard.rawValue)
        else { return nil }
        let name = SignalName.name(of: signal)
        let words =
            switch reason {
            case .ignored: "PID 1 ignores \(name)"
            case .defaultOfInit: "PID 1 does not catch \(name), and the kernel does not end a PID 1 by it"
            }
        return UnheardSignal(signal: Int(signal), reason: reason, message: words)
    }

    /// A shell that makes a process blocks every signal for a moment, which is no wish to take them in another way.
    private func settledMasks(of pid: Int32, for signal: Int32) async -> SignalMasks? {
        var masks = try? SignalMasks(of: pid)
        for _ in 0..<20 {
            guard masks?.blocks(signal) == true else { break }
            try? await Task.sleep(for: .microseconds(100))
            masks = try? SignalMasks(of: pid)
        }
        return masks
    }

    /// Sends one signal to PID 1. One that is paused is told when it goes on; SIGKILL lets it go on.
    /// - Throws: `ContainerError.wrongState` where nothing runs.
    package func kill(_ container: Container, signal number: Int32) async throws(ContainerError) {
        guard container.life.isLive else { throw .wrongState(id: container.id.short, verb: "kill", state: container.life.state) }
        // As with Docker: what ends it by somebody's will is no failure to be repaired.
        if number == SIGKILL || number == container.memo.stopSignal { await callOffRestarts(container, for: "kill") }
        try await signal(container, number, for: "kill")
        ContainerStep.killSignalled.reach()
        if number == SIGKILL { await thawIfPaused(container) }
        publish("kill", container, ["signal": "\(number)"])
    }

    /// Waits for an end, or a removal.
    /// - Returns: the record.
    /// - Throws: `ContainerError.notFound` where the container was removed without ever having run.
    package func wait(_ container: Container, for condition: ExitWaiters.Condition) async throws(ContainerError) -> ExitRecord {
        if let record = await wait(container, for: condition, seconds: nil) { return record }
        throw .notFound(container.id.short)
    }

    private func wait(_ container: Container, for condition: ExitWaiters.Condition, seconds: Int?) async -> ExitRecord? {
        guard let seconds else { return await waitWithoutEnd(container, for: condition) }
        return await withTaskGroup(of: ExitRecord?.self) { group in
            group.addTask { await self.waitWithoutEnd(container, for: condition) }
            group.addTask {
                try? await Task.sleep(for: .seconds(seconds))
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            // The end may have come in the same moment as the deadline.
            return first ?? container.life.exit
        }
    }

    private func waitWithoutEnd(_ container: Container, for condition: ExitWaiters.Condition) async -> ExitRecord? {
        await container.waiters.wait(for: condition) {
            let life = container.life
            return switch condition {
            case .stopped: life.exit
            case .shimGone: life.hasShim ? nil : life.exit
            case .removed: nil
            }
        }
    }

    /// By way of the shim, which tells afterwards who sent it; to PID 1 itself where the shim stands still.
    /// - Returns: whether the shim has heard of it.
    @discardableResult
    private func signal(
        _ container: Container, _ number: Int32, for verb: String, killAfter seconds: Int? = nil
    ) async throws(ContainerError) -> Bool {
        do throws(ContainerError) {
            try await signalByMonitor(container, number, for: verb, killAfter: seconds)
            return true
        } catch {
            guard case .shim = error, !Task.isCancelled, signalDirectly(container, number) else { throw error }
            return false
        }
    }

    /// - Returns: whether there was a process to signal.
    private func signalDirectly(_ container: Container, _ number: Int32) -> Bool {
        guard let started = container.started else { return false }
        do throws(KernelError) {
            guard let process = try openProcess(started.pid, startTicks: started.startTicks) else { return false }
            return try sendSignal(number, to: process)
        } catch {
            logger.error("PID 1 could not be signalled", metadata: ["id": "\(container.id)", "error": "\(error)"])
            return false
        }
    }

    private func signalByMonitor(
        _ container: Container, _ number: Int32, for verb: String, killAfter seconds: Int?
    ) async throws(ContainerError) {
        let request = ShimRequest.signal(number, by: verb, killAfterMilliseconds: seconds.map { UInt64($0) * 1000 + Self.monitorsGrace })
        // A shim that does not answer is not there yet, or just gone: then its last word is on the way.
        for _ in 0..<500 {
            switch try await ask(container.id, request) {
            case .done, .exited: return
            case .refused(let reason): throw .shim(id: container.id.short, reason)
            case .some(let other): throw .shim(id: container.id.short, "unexpected answer \(other) to signal \(number)")
            case .none: break
            }
            let life = container.life
            guard life.isLive else {
                if life.exit != nil { return }
                // A start that has failed.
                throw .wrongState(id: container.id.short, verb: verb, state: life.state)
            }
            guard !Task.isCancelled else { break }
            try? await Task.sleep(for: .milliseconds(20))
        }
        throw .shim(id: container.id.short, "no answer to signal \(number)")
    }

    /// In milliseconds: a daemon that is there does it itself, and the monitor finds nothing left to do.
    private static let monitorsGrace: UInt64 = 500
}
