// SPDX-License-Identifier: Apache-2.0

package import Linux

// One Unix SOCK_SEQPACKET message is one JSON object of at most 64 KiB. The shim is the server of `shim.sock`; the engine
// also inherits it a connected pair (descriptor 3), so that nothing has to be polled for at the start.
//
//   engine or client                      shim
//     |  -- (spawned, descriptor 3) -------->|   it gets ready while the engine makes what it is to run
//     |  begin + fds ----------------------->|   SCM_RIGHTS: its log, the lock, namespaces to enter; without it the shim ends
//     |<------------- started(pid) ----------|   or failed(error), and the shim ends
//     |  attach ---------------------------->|
//     |<------------- attached + fds --------|   SCM_RIGHTS: [stdin], stdout, stderr; or one terminal
//     |  resize, signal, status, close… ---->|
//     |<------------- done / refused / status|   one answer a request, in order
//     |<------------- exited(record) --------|   to every connection, once, after its first answer; then the shim ends
//
// The descriptors of `attached` belong to one client at a time; when its connection closes, the shim takes the streams back.
//
//   no log, no terminal   the container's own pipes, opened once more for the client: no byte is copied
//   a log                 pipes that the shim feeds with what it logs
//   a terminal            a stream socket whose other end the shim connects with the terminal
//
// A further process of the container ("exec") is asked for on one connection and attached to on another, which then is that process's:
// what it asks is about it, and its `exited` tells the end of it.
//
//   engine                                shim
//     |  exec(id) ------------------------->|   the process is in exec-<id>.json, beside shim.json
//     |<------------- execStarted(id, pid) -|   or failed(error), refused, exited
//   client                                shim
//     |  attachExec(id) ------------------->|   within a minute, else it is ended
//     |<------------- attached + fds -------|
//     |  resize, signal, closeStdin… ------>|
//     |<------------- exited(record) -------|   of the further process; a connection that closes before ends its whole group
//   engine                                shim
//     |  watch ---------------------------->|   (the connection that the shim was spawned with watches from the start)
//     |<------------- execs([…]) -----------|   those that run, and the last ones that have ended
//     |<------------- health(report)… ------|   of a container with a health check: one for each result that is kept
//     |<------------- execExited(id, end) --|   each end from now on
//     |<------------- health(report) -------|   each result from now on; left out where the engine is far behind
//
// After the end of PID 1 a request that can't be met any more is answered by `exited` itself. Source: docs/api/attach.md.

/// What a client asks of a shim.
package enum ShimRequest: Codable, Sendable, Hashable {
    /// shim.json and the bundle are there: the first request of the engine, and nobody else's.
    case begin
    /// The streams, please. `stdin` where the client wants to write, too.
    case attach(stdin: Bool)
    /// Closes the shim's own hold on the container's stdin: once the client has closed its descriptor, too, the container sees the end.
    case closeStdin
    /// Nobody reads this stream any more. Where it is lent (no log), the shim closes its own hold, and the container's next write is told
    /// EPIPE; where it is logged, only the client's copy ends.
    case closeOutput(ShimStream)
    case resize(rows: UInt16, columns: UInt16)
    /// `by`: for what request of the engine; nil is a client's own. `killAfterMilliseconds`: where PID 1 is still there then, the shim itself
    /// sends SIGKILL, so that a stop is finished also where the engine has gone. The earliest that was asked for counts.
    case signal(Int32, by: String? = nil, killAfterMilliseconds: UInt64? = nil)
    case status
    /// Runs a further process in the container.
    case exec(ShimExec)
    /// The streams of a further process, please; the connection is that process's from then on.
    case attachExec(id: String, stdin: Bool)
    /// Tell me the ends of further processes, too, and of the container's health.
    case watch
    /// Asks for its health now; answered by `health`, with the result.
    case probe
}

/// What a shim says.
package enum ShimMessage: Codable, Sendable, Hashable {
    case started(ShimStarted)
    case failed(ShimFailure)
    /// The streams whose descriptors came along, in order.
    case attached(streams: [ShimStream])
    case done
    case refused(String)
    case status(ShimStatus)
    case exited(ShimExit)
    case execStarted(id: String, pid: Int32)
    case execs([ShimExecStatus])
    case execExited(id: String, exit: ShimExit)
    case health(ShimHealthReport)
}

package enum ShimStream: String, Codable, Sendable, Hashable { case stdin, stdout, stderr, terminal }

package struct ShimStarted: Codable, Sendable, Hashable {
    package var pid: Int32
    /// Field 22 of /proc/pid/stat: with the pid it names one process for good.
    package var startTicks: UInt64
    package var startedAt: String
    package var timings: [ShimStep]
    package init(pid: Int32, startTicks: UInt64, startedAt: String, timings: [ShimStep]) {
        self.pid = pid
        self.startTicks = startTicks
        self.startedAt = startedAt
        self.timings = timings
    }
}

package struct ShimStep: Codable, Sendable, Hashable {
    package var step: String
    package var microseconds: Int64
    package init(step: String, microseconds: Int64) {
        self.step = step
        self.microseconds = microseconds
    }
}

/// A start that did not come to an exec. Nothing of the container is left.
package struct ShimFailure: Error, Codable, Sendable, Hashable, CustomStringConvertible {
    /// The named step: "mount-overlay", "exec".
    package var step: String
    /// What was wrong, where it was not one kernel call.
    package var reason: String?
    package var kernel: KernelError?
    /// 125, 126 (exec refused), 127 (not found).
    package var exitCode: Int32
    package init(step: String, reason: String?, kernel: KernelError?, exitCode: Int32) {
        self.step = step
        self.reason = reason
        self.kernel = kernel
        self.exitCode = exitCode
    }

    /// Without the step.
    package var explanation: String { [reason, kernel.map { "\($0)" }].compactMap(\.self).joined(separator: ": ") }
    package var description: String { "\(step): \(explanation)" }
}

package struct ShimStatus: Codable, Sendable, Hashable {
    package var shimPID: Int32
    package var started: ShimStarted
    package var exit: ShimExit?
    /// Whether it knows `exec` and `watch`; nil for one that was started before they were there.
    package var execs: Bool?
    /// The engine's requests for which signals were sent to PID 1: "stop", "kill".
    package var signalledBy: [String]?
    /// Of a container with a health check, without results.
    package var health: ShimHealthReport?
    package init(shimPID: Int32, started: ShimStarted, exit: ShimExit?, execs: Bool? = nil, health: ShimHealthReport? = nil) {
        self.shimPID = shimPID
        self.started = started
        self.exit = exit
        self.execs = execs
        self.health = health
    }
}

/// `exit.json`, and the last message.
package struct ShimExit: Codable, Sendable, Hashable {
    /// The process's own code, or 128+n.
    package var exitCode: Int32
    package var signal: Int32?
    package var outOfMemory: Bool
    /// RFC 3339 with nanoseconds, UTC.
    package var startedAt: String
    package var finishedAt: String
    package var cause: ShimExitCause?
    /// Set where `outOfMemory` is.
    package var memory: ShimMemoryEnd?
    /// Of its start.
    package var timings: [ShimStep]?
    /// For a log in the non-blocking mode: how many records it could not take, until then.
    package var droppedLogRecords: Int?
    package init(exitCode: Int32, signal: Int32?, outOfMemory: Bool, startedAt: String, finishedAt: String) {
        self.exitCode = exitCode
        self.signal = signal
        self.outOfMemory = outOfMemory
        self.startedAt = startedAt
        self.finishedAt = finishedAt
    }
}
