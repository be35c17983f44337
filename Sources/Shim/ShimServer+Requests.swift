// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux
internal import Runtime
internal import ShimProtocol
internal import SystemPackage

extension ShimServer {
    /// One request, one answer.
    func serveClient(_ client: ShimClient) {
        guard !client.isClosed else { return }
        let request: ShimRequest?
        do throws(KernelError) { request = try client.connection.receiveRequest(waiting: false) } catch {
            if error.errno == .wouldBlock || error.errno == .resourceTemporarilyUnavailable { return }
            client.tell(.refused("\(error)"))
            client.close()
            return
        }
        guard let request else { return client.close() }
        client.hasAsked = true
        answer(request, from: client)
        if let exit, client.awaitsExit { client.tell(.exited(exit)) }
    }

    private func answer(_ request: ShimRequest, from client: ShimClient) {
        if let process = client.exec { return client.tell(process.answer(request)) }
        switch request {
        case .attach(let stdin): attach(client, stdin: stdin)
        case .status: client.tell(.status(status))
        case .begin: client.tell(.refused("the container has begun"))
        case .probe: probe(for: client)
        case .exec(let wanted): exec(wanted, for: client)
        case .attachExec(let id, let stdin): attachExec(id, client, stdin: stdin)
        case .watch:
            client.watchesExecs = true
            client.tell(.execs(execs.statuses))
            tellHealth(client)
        case .closeStdin, .closeOutput, .resize, .signal:
            // After the end it is not refused: what was wanted has become pointless, not wrong.
            client.tell(exit.map { .exited($0) } ?? answerWhileRunning(request, from: client))
        }
    }

    private func answerWhileRunning(_ request: ShimRequest, from client: ShimClient) -> ShimMessage {
        switch request {
        case .resize(let rows, let columns): return resize(WindowSize(rows: rows, columns: columns))
        case .signal(let number, let request, let killAfter):
            let answer = signal(number, for: request)
            if answer == .done, let killAfter { scheduleKill(after: killAfter, for: request) }
            return answer
        case .closeOutput(let stream): return closeOutput(stream, from: client)
        case .closeStdin, .begin, .attach, .status, .exec, .attachExec, .watch, .probe:
            stdin = nil
            return .done
        }
    }

    private func closeOutput(_ stream: ShimStream, from client: ShimClient) -> ShimMessage {
        guard client === attached else { return .refused("only the client that has the streams can close one") }
        guard stream != .terminal, let output = outputs.first(where: { $0.stream == stream }) else {
            return .refused("there is no \(stream.rawValue) to close")
        }
        if isRelayed { output.feed = nil } else { output.close() }
        return .done
    }

    private func resize(_ size: WindowSize) -> ShimMessage {
        guard let raw = terminal?.descriptor else { return .refused("the container has no terminal") }
        do throws(KernelError) {
            try size.apply(to: raw)
            return .done
        } catch {
            return .refused("\(error)")
        }
    }

    private var status: ShimStatus {
        var status = ShimStatus(shimPID: getpid(), started: started, exit: exit, execs: true, health: health?.tracker.report)
        status.signalledBy = sentSignals.requests
        return status
    }

    private func signal(_ number: Int32, for request: String?) -> ShimMessage {
        guard (1...64).contains(number) else { return .refused("there is no signal \(number)") }
        do throws(KernelError) {
            // One that has ended is not reaped yet, or is within this round: its end is told next.
            // Noted first: its end may come before this returns.
            sentSignals.note(number, by: request)
            if request.map(SentSignals.ending.contains) == true { endHealth() }
            _ = try sendSignal(number, to: initProcess.pidfd)
            return .done
        } catch {
            return .refused("\(error)")
        }
    }
}
