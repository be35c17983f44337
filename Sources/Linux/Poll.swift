// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import SystemPackage

/// What one waits for on a descriptor, and what came. Source: poll(2).
package struct PollEvents: OptionSet, Sendable, Hashable {
    package let rawValue: Int16
    package init(rawValue: Int16) { self.rawValue = rawValue }

    package static let readable = PollEvents(rawValue: Int16(POLLIN))
    package static let writable = PollEvents(rawValue: Int16(POLLOUT))
    /// The other end has gone; what it wrote can still be read. Comes unasked.
    package static let hangup = PollEvents(rawValue: Int16(POLLHUP))
    /// Comes unasked: for a pipe's write end, that nobody reads any more.
    package static let failed = PollEvents(rawValue: Int16(POLLERR) | Int16(POLLNVAL))
}

/// Waits on a few descriptors, each with the caller's own mark: filled anew for each round.
///
/// ```swift
/// var poll = Poll<Source>()
/// poll.add(descriptor.raw, .readable, .input)
/// try poll.wait(milliseconds: nil)
/// for (mark, events) in poll.ready { … }
/// ```
package struct Poll<Mark: Sendable>: Sendable {
    private var entries: [pollfd] = []
    private var marks: [Mark] = []

    package init() {}

    package mutating func add(_ raw: CInt, _ events: PollEvents, _ mark: Mark) {
        entries.append(pollfd(fd: raw, events: events.rawValue, revents: 0))
        marks.append(mark)
    }

    package mutating func removeAll() {
        entries.removeAll(keepingCapacity: true)
        marks.removeAll(keepingCapacity: true)
    }

    /// - Parameter milliseconds: nil waits without end.
    /// - Returns: how many are ready; 0 after the time, and after a signal whose handler ran.
    @discardableResult
    package mutating func wait(milliseconds: CInt?) throws(KernelError) -> Int {
        let count = poll(&entries, nfds_t(entries.count), milliseconds ?? -1)
        if count >= 0 { return Int(count) }
        let errno = lastErrno()
        for index in entries.indices { entries[index].revents = 0 }
        if errno == .interrupted { return 0 }
        throw KernelError(call: "poll(2)", object: "\(entries.count) descriptors", errno: errno)
    }

    /// What the last `wait` found, in the order of adding.
    package var ready: [(mark: Mark, events: PollEvents)] {
        zip(marks, entries).compactMap { mark, entry in
            entry.revents == 0 ? nil : (mark, PollEvents(rawValue: entry.revents))
        }
    }
}
