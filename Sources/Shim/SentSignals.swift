// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import OCI
internal import ShimProtocol

/// Which signals were sent to PID 1 by way of this shim, and for what: so that its end has a reason.
struct SentSignals {
    private struct Note {
        var signal: Int32
        var request: String
        var time: String
        var isUnhealthy = false
    }
    /// A client's own.
    private static let attach = "attach"
    private var notes: [Int32: Note] = [:]
    /// The last that was sent to end it.
    private var stop: Note?

    /// The requests that are for an end of it.
    static let ending: Set<String> = ["stop", "restart", "rm"]

    mutating func note(_ signal: Int32, by request: String?) {
        let note = Note(signal: signal, request: request ?? Self.attach, time: Timestamp.now())
        notes[signal] = note
        if Self.ending.contains(note.request) { stop = note }
    }

    /// The shim's own, for a container that is unhealthy. - Parameter action: "kill", "stop", "restart".
    mutating func note(_ signal: Int32, unhealthy action: String) {
        let note = Note(signal: signal, request: action, time: Timestamp.now(), isUnhealthy: true)
        notes[signal] = note
        stop = note
    }

    /// The engine's, each once.
    var requests: [String] { Set(notes.values.map(\.request)).subtracting([Self.attach]).sorted() }

    /// - Parameter victimOfMemory: whether the kernel killed PID 1 for want of memory; nil where it killed somebody, and does not say whom.
    func cause(of end: WaitStatus, victimOfMemory: Bool?) -> ShimExitCause {
        guard let signal = end.signal else {
            // It may have caught the signal and ended in its own way.
            return stop.map(Self.cause) ?? ShimExitCause(kind: .itself)
        }
        if signal == SIGKILL, victimOfMemory ?? (notes[SIGKILL] == nil) { return ShimExitCause(kind: .outOfMemory) }
        return notes[signal].map(Self.cause) ?? ShimExitCause(kind: .unknown)
    }

    private static func cause(_ note: Note) -> ShimExitCause {
        ShimExitCause(kind: note.isUnhealthy ? .unhealthy : .request, request: note.request, signal: note.signal, sentAt: note.time)
    }
}
