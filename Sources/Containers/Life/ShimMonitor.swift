// SPDX-License-Identifier: Apache-2.0

internal import Glibc
package import Linux
package import ShimProtocol
internal import Synchronization
internal import SystemPackage

/// What a shim's connection brings after its start.
package enum ShimEvent: Sendable {
    case exited(ShimExit)
    /// The connection ended: so did the shim, or it was killed.
    case gone
}

/// One thread that listens to every shim of this node by epoll(7): a running container costs the daemon a descriptor and no thread.
package final class ShimMonitor: Sendable {
    package typealias Handler = @Sendable (ShimEvent) -> Void

    private struct State: ~Copyable {
        var watches: [CInt: (handler: Handler, box: ConnectionBox)] = [:]
        var stopped = false
    }
    /// A dictionary can't hold what can't be copied.
    private final class ConnectionBox: Sendable {
        let connection: ShimConnection
        init(_ connection: consuming ShimConnection) { self.connection = connection }
    }

    private let epoll: OwnedFD
    private let wake: OwnedFD
    private let state = Mutex(State())

    package init() throws(KernelError) {
        epoll = OwnedFD(owning: try kernel("epoll_create1(2)", "shim monitor") { epoll_create1(CInt(EPOLL_CLOEXEC)) })
        wake = OwnedFD(owning: try kernel("eventfd(2)", "shim monitor") { eventfd(0, CInt(EFD_CLOEXEC)) })
        try add(wake.raw)
    }

    /// Hands a connection over for good; the handler is called on the monitor's thread and must not block.
    package func watch(_ connection: consuming ShimConnection, handler: @escaping Handler) throws(KernelError) {
        let raw = connection.descriptor
        let box = ConnectionBox(connection)
        state.withLock { $0.watches[raw] = (handler, box) }
        do throws(KernelError) { try add(raw) } catch {
            state.withLock { _ = $0.watches.removeValue(forKey: raw) }
            throw error
        }
    }

    /// The body of the monitor's thread; returns after `stop()`.
    package func run() {
        var events = [epoll_event](repeating: epoll_event(), count: 64)
        while !state.withLock({ $0.stopped }) {
            let count = epoll_wait(epoll.raw, &events, CInt(events.count), -1)
            guard count > 0 else { continue }
            for event in events[..<Int(count)] where event.data.fd != wake.raw { serve(event.data.fd) }
        }
    }

    package func stop() {
        state.withLock { $0.stopped = true }
        _ = eventfd_write(wake.raw, 1)
    }

    private func add(_ raw: CInt) throws(KernelError) {
        var event = epoll_event(events: EPOLLIN.rawValue | EPOLLRDHUP.rawValue, data: epoll_data_t(fd: raw))
        try kernel("epoll_ctl(2)", "shim monitor") { epoll_ctl(epoll.raw, EPOLL_CTL_ADD, raw, &event) }
    }

    private func serve(_ raw: CInt) {
        guard let watch = state.withLock({ $0.watches[raw] }) else { return }
        let message = try? watch.box.connection.receiveMessage()
        switch message {
        case .some(.some(.exited(let exit))): watch.handler(.exited(exit))
        case .some(.some): break
        case .none, .some(.none):
            _ = epoll_ctl(epoll.raw, EPOLL_CTL_DEL, raw, nil)
            state.withLock { _ = $0.watches.removeValue(forKey: raw) }
            watch.handler(.gone)
        }
    }
}
