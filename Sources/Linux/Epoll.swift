// SPDX-License-Identifier: Apache-2.0

internal import CLinux

/// A set of descriptors that one thread waits for, and a bell that wakes it. Source: epoll(7), eventfd(2).
package struct Epoll: ~Copyable, Sendable {
    private let set: OwnedFD
    private let bell: OwnedFD

    private init(_ set: consuming OwnedFD, _ bell: consuming OwnedFD) {
        self.set = set
        self.bell = bell
    }

    package static func make() throws(KernelError) -> Epoll {
        let set = OwnedFD(owning: try kernel("epoll_create1(2)", "epoll") { ctr_epoll_create() })
        let bell = OwnedFD(owning: try kernel("eventfd(2)", "epoll") { ctr_eventfd() })
        let epoll = Epoll(set, bell)
        try epoll.add(epoll.bell.raw)
        return epoll
    }

    /// The descriptor stays the caller's; it is to be removed before it is closed.
    package borrowing func add(_ descriptor: CInt) throws(KernelError) {
        let set = set.raw
        try kernel("epoll_ctl(2)", "descriptor \(descriptor)") { ctr_epoll_add(set, descriptor) }
    }

    package borrowing func remove(_ descriptor: CInt) {
        // It fails only for one that is not in the set.
        _ = ctr_epoll_remove(set.raw, descriptor)
    }

    /// Waits until something can be read, or the bell rings.
    /// - Returns: the ready ones, without the bell.
    package borrowing func wait() throws(KernelError) -> [CInt] {
        var ready = [CInt](repeating: -1, count: 64)
        let set = set.raw
        let count = try kernel("epoll_wait(2)", "epoll") { ctr_epoll_wait(set, &ready, 64) }
        let bell = bell.raw
        return ready[..<Int(count)].filter { $0 != bell }
    }

    /// Wakes the waiter, for good: meant for the end.
    package borrowing func ring() { _ = ctr_eventfd_signal(bell.raw) }
}
