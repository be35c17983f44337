// SPDX-License-Identifier: Apache-2.0

internal import Linux
internal import ShimProtocol
internal import SystemPackage

/// One connection to the shim: the engine's, or a client's. A class, because a list of what can't be copied can't be walked.
final class ShimClient {
    let connection: ShimConnection
    private(set) var isClosed = false
    private(set) var knowsExit = false
    /// Before its first request a connection hears nothing: its first message is an answer, whatever happens meanwhile.
    var hasAsked = false
    /// The further process whose client this is; nil for one of the container's.
    var exec: ExecProcess?
    /// It hears of the end of each further process.
    var watchesExecs = false

    init(_ connection: consuming ShimConnection) { self.connection = connection }

    func close() { isClosed = true }

    /// It hears of the end of PID 1, and has not heard of it yet.
    var awaitsExit: Bool { hasAsked && exec == nil && !knowsExit }

    /// The same for what can be left out where the other one is slow: what comes later tells it again.
    func offer(_ message: ShimMessage) {
        guard !isClosed else { return }
        do throws(KernelError) { try connection.send(message, waiting: false) } catch {
            if error.errno != .wouldBlock && error.errno != .resourceTemporarilyUnavailable { isClosed = true }
        }
    }

    /// One that does not read its messages is closed: the shim waits for nobody.
    func tell(_ message: ShimMessage, with descriptors: [CInt] = []) {
        guard !isClosed else { return }
        if case .exited = message { knowsExit = true }
        do throws(KernelError) { try connection.send(message, with: descriptors, waiting: false) } catch { isClosed = true }
    }
}
