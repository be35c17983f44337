// SPDX-License-Identifier: Apache-2.0

package import Linux
package import ShimProtocol
internal import Synchronization
internal import SystemPackage

/// What a shim's connection brings after its start.
package enum ShimEvent: Sendable {
    case exited(ShimExit)
    /// The further processes that it has, or had: the answer to `watch`.
    case execs([ShimExecStatus])
    case execExited(id: String, exit: ShimExit)
    case health(ShimHealthReport)
    /// The connection ended: so did the shim, or it was killed.
    case gone
}

/// A connection to a shim that several hold, one after the other; closed with the last of them.
package final class ShimLine: Sendable {
    let connection: ShimConnection
    package init(_ connection: consuming ShimConnection) { self.connection = connection }
}

/// One thread that listens to every shim of this node: a running container costs the daemon a descriptor and no thread.
package final class ShimMonitor: Sendable {
    package typealias Handler = @Sendable (ShimEvent) -> Void

    /// A dictionary can't hold what can't be copied.
    private final class Watch: Sendable {
        enum Listener: Sendable {
            case events(Handler)
            case answer(ShimAnswer)
        }
        let line: ShimLine
        let listener: Listener
        init(_ line: ShimLine, _ listener: Listener) {
            self.line = line
            self.listener = listener
        }
    }
    private struct State {
        var watches: [CInt: Watch] = [:]
        var stopped = false
    }

    private let epoll: Epoll
    private let state = Mutex(State())

    package init() throws(KernelError) { epoll = try Epoll.make() }

    /// The handler is called on the monitor's thread and must not block.
    package func watch(_ line: ShimLine, handler: @escaping Handler) throws(KernelError) { try watch(line, .events(handler)) }

    /// Listens until one message has come.
    package func expect(_ answer: ShimAnswer, on line: ShimLine) throws(KernelError) { try watch(line, .answer(answer)) }

    /// Lets go of an answer that is not waited for any more.
    package func forget(_ answer: ShimAnswer) {
        let watches = state.withLock { $0.watches }
        for (raw, watch) in watches {
            if case .answer(let other) = watch.listener, other === answer, remove(watch, raw) { return }
        }
    }

    private func watch(_ line: ShimLine, _ listener: Watch.Listener) throws(KernelError) {
        let raw = line.connection.descriptor
        let watch = Watch(line, listener)
        state.withLock { $0.watches[raw] = watch }
        do throws(KernelError) { try epoll.add(raw) } catch {
            state.withLock { _ = $0.watches.removeValue(forKey: raw) }
            throw error
        }
    }

    /// The body of the monitor's thread; returns after `stop()`.
    package func run() {
        while !state.withLock({ $0.stopped }) {
            // It fails only for a bad set, which would be a bug here: the loop ends instead of spinning.
            guard let ready = try? epoll.wait() else { return }
            for descriptor in ready { serve(descriptor) }
        }
    }

    package func stop() {
        state.withLock { $0.stopped = true }
        epoll.ring()
    }

    private func serve(_ descriptor: CInt) {
        guard let watch = state.withLock({ $0.watches[descriptor] }) else { return }
        let message: ShimMessage?
        do throws(KernelError) {
            message = try watch.line.connection.receiveMessage(waiting: false)
        } catch  where error.errno == .wouldBlock || error.errno == .resourceTemporarilyUnavailable {
            // The number was another connection's when epoll(7) told of it.
            return
        } catch {
            // What is no message of the protocol ends the connection as an end does.
            message = nil
        }
        switch watch.listener {
        case .answer(let answer):
            guard remove(watch, descriptor) else { return }
            answer.give(message.map { .message($0) } ?? .closed)
        case .events(let handler):
            guard let message else {
                _ = remove(watch, descriptor)
                return handler(.gone)
            }
            Self.tell(handler, message)
        }
    }

    private static func tell(_ handler: Handler, _ message: ShimMessage) {
        switch message {
        case .exited(let exit): handler(.exited(exit))
        case .execs(let statuses): handler(.execs(statuses))
        case .execExited(let id, let exit): handler(.execExited(id: id, exit: exit))
        case .health(let report): handler(.health(report))
        default: break
        }
    }

    /// - Returns: false where somebody else has done it. The descriptor is the connection's as long as the caller holds the watch.
    private func remove(_ watch: Watch, _ descriptor: CInt) -> Bool {
        let isThere = state.withLock { state in
            guard state.watches[descriptor] === watch else { return false }
            state.watches[descriptor] = nil
            return true
        }
        if isThere { epoll.remove(descriptor) }
        return isThere
    }
}
