// SPDX-License-Identifier: Apache-2.0

package import Linux
package import ShimProtocol
internal import Synchronization

/// What a shim's connection brings after its start.
package enum ShimEvent: Sendable {
    case exited(ShimExit)
    /// The further processes that it has, or had: the answer to `watch`.
    case execs([ShimExecStatus])
    case execExited(id: String, exit: ShimExit)
    /// The connection ended: so did the shim, or it was killed.
    case gone
}

/// One thread that listens to every shim of this node: a running container costs the daemon a descriptor and no thread.
package final class ShimMonitor: Sendable {
    package typealias Handler = @Sendable (ShimEvent) -> Void

    /// A dictionary can't hold what can't be copied.
    private final class Watch: Sendable {
        let connection: ShimConnection
        let handler: Handler
        init(_ connection: consuming ShimConnection, _ handler: @escaping Handler) {
            self.connection = connection
            self.handler = handler
        }
    }
    private struct State {
        var watches: [CInt: Watch] = [:]
        var stopped = false
    }

    private let epoll: Epoll
    private let state = Mutex(State())

    package init() throws(KernelError) { epoll = try Epoll.make() }

    /// Takes a connection over for good; the handler is called on the monitor's thread and must not block.
    package func watch(_ connection: consuming ShimConnection, handler: @escaping Handler) throws(KernelError) {
        let raw = connection.descriptor
        let watch = Watch(connection, handler)
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
        // What is no message of the protocol ends the connection as an end does.
        switch try? watch.connection.receiveMessage() {
        case .exited(let exit): watch.handler(.exited(exit))
        case .execs(let statuses): watch.handler(.execs(statuses))
        case .execExited(let id, let exit): watch.handler(.execExited(id: id, exit: exit))
        case .some: break
        case nil:
            epoll.remove(descriptor)
            state.withLock { _ = $0.watches.removeValue(forKey: descriptor) }
            watch.handler(.gone)
        }
    }
}
