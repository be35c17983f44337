// SPDX-License-Identifier: Apache-2.0

package import APITypes
package import ShimProtocol
internal import Synchronization

/// What is known of the further processes of one container. Its shim knows them, too, so that they outlive the daemon.
package final class ExecTable: Sendable {
    package struct Entry: Sendable, Hashable {
        package let id: String
        package let command: [String]
        package fileprivate(set) var startedAt: String
        /// nil while it is launched.
        package fileprivate(set) var pid: Int32?
        package fileprivate(set) var exit: ShimExit?
    }

    private let entries = Mutex<[Entry]>([])
    /// As many as a shim remembers.
    private static let mostEnded = 32

    package init() {}

    /// Those whose program runs, or has run; the eldest first.
    package var summaries: [ExecSummary] {
        entries.withLock { $0 }.compactMap { entry in
            guard let pid = entry.pid else { return nil }
            return ExecSummary(
                id: entry.id, command: entry.command, running: entry.exit == nil, pid: entry.exit == nil ? pid : nil,
                startedAt: entry.startedAt, exit: entry.exit.map(ExitRecord.init))
        }
    }

    /// Before the shim is asked: its end may be told before the answer is read.
    package func begin(_ id: String, _ command: [String], at time: String) {
        entries.withLock { $0.append(Entry(id: id, command: command, startedAt: time, pid: nil, exit: nil)) }
    }

    package func failed(_ id: String) { entries.withLock { $0.removeAll { $0.id == id } } }

    /// - Returns: the entry; its `exit` is set where the end was told already, and nobody has heard of that yet.
    package func started(_ id: String, pid: Int32) -> Entry? {
        change(id) { entry in
            entry.pid = pid
            return entry
        }
    }

    /// - Returns: what is to be told: nothing of an end that is known already, nor before the start.
    package func ended(_ id: String, _ exit: ShimExit) -> Entry? {
        change(id) { entry in
            guard entry.exit == nil else { return nil }
            entry.exit = exit
            entry.startedAt = exit.startedAt
            return entry.pid == nil ? nil : entry
        }
    }

    /// The container has ended, and nobody told how they did.
    package func endAll(_ exit: (Entry) -> ShimExit) -> [Entry] {
        let running = entries.withLock { $0.filter { $0.exit == nil } }
        return running.compactMap { ended($0.id, exit($0)) }
    }

    /// What a shim says that it has. What was not known is added; ends that were missed are noted.
    /// - Returns: those whose end is news.
    package func merge(_ statuses: [ShimExecStatus], command: (String) -> [String]) -> [Entry] {
        for status in statuses where !entries.withLock({ $0.contains { $0.id == status.id } }) {
            let entry = Entry(id: status.id, command: command(status.id), startedAt: status.startedAt, pid: status.pid, exit: nil)
            entries.withLock { $0.append(entry) }
        }
        return statuses.compactMap { status in status.exit.flatMap { ended(status.id, $0) } }
    }

    /// The container is started anew.
    package func removeAll() { entries.withLock { $0 = [] } }

    private func change(_ id: String, _ body: (inout Entry) -> Entry?) -> Entry? {
        entries.withLock { entries in
            guard let index = entries.firstIndex(where: { $0.id == id }) else { return nil }
            let answer = body(&entries[index])
            let ended = entries.indices.filter { entries[$0].exit != nil && entries[$0].pid != nil }
            if ended.count > Self.mostEnded, let eldest = ended.first { entries.remove(at: eldest) }
            return answer
        }
    }
}
