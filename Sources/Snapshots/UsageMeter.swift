// SPDX-License-Identifier: Apache-2.0

internal import Dispatch
internal import Glibc
package import Linux
internal import Logging
internal import Metadata
internal import OCI
internal import Synchronization
internal import SystemPackage

/// What a tree took when it was measured last.
package struct UsageReading: Sendable, Hashable {
    package var usage: TreeUsage
    /// RFC 3339, UTC; nil where it was never measured, and the usage is 0 therefore.
    package var measuredAt: String?
    /// Not measured for this answer: there was no time.
    package var isStale: Bool
}

/// Measures trees for lists, by walking them. A list does not wait longer than it is told to: what does not fit into that time is told
/// as it was measured last, and walked afterwards by one thread that gives way to everybody and rests four times as long as it works.
final class UsageMeter: Sendable {
    /// A tree to be measured, and the name under which it is remembered.
    struct Tree: Sendable {
        var key: String
        var path: FilePath
        /// What of it is not counted: a name in a place below it.
        var skip: @Sendable (_ place: [EntryName], _ name: EntryName) -> Bool = { _, _ in false }
        /// Its last walk is kept in the database.
        var container: String?
    }

    private struct Known {
        var usage: TreeUsage
        var measuredAt: String
        /// How long the walk took; nil for one of an earlier process.
        var nanoseconds: UInt64?
        var finished: UInt64
        var isWritten: Bool
    }

    private struct State {
        var known: [String: Known] = [:]
        var waiting: [Tree] = []
        var isWalking = false
        var stopped = false
    }

    private let metadata: MetadataStore
    private let logger: Logger
    private let state: Mutex<State>
    private let walker = DispatchGroup()

    /// - Throws: `MetadataError`, where the last measurements can't be read.
    init(metadata: MetadataStore, logger: Logger) throws(MetadataError) {
        self.metadata = metadata
        self.logger = logger
        let known = try metadata.upperMeasurements(.walked).map { container, measured in
            (
                Self.key(ofUpper: container),
                Known(
                    usage: TreeUsage(bytes: measured.bytes, inodes: measured.inodes), measuredAt: measured.measuredAt, nanoseconds: nil,
                    finished: 0, isWritten: true)
            )
        }
        state = Mutex(State(known: Dictionary(uniqueKeysWithValues: known)))
    }

    static func key(ofUpper container: String) -> String { "upper/" + container }

    /// No more walks; one that is under way is ended.
    func stop() {
        state.withLock { $0.stopped = true }
        walker.wait()
    }

    /// Waits until everything that was put off is measured. For tests.
    func finish() { walker.wait() }

    func forget(_ key: String) { state.withLock { _ = $0.known.removeValue(forKey: key) } }

    /// - Parameter milliseconds: how long it may take; nil measures everything now.
    /// - Returns: in the order of the trees. One that is not there takes nothing.
    func read(_ trees: [Tree], within milliseconds: UInt64?) throws(KernelError) -> [UsageReading] {
        let deadline = milliseconds.map { Moment.now.advanced(byMilliseconds: $0).nanoseconds } ?? .max
        var readings: [UsageReading?] = Array(repeating: nil, count: trees.count)
        var late: [Tree] = []
        let known = state.withLock { $0.known }
        // Those that were longest not measured come first, so that each has its turn.
        for index in trees.indices.sorted(by: { known[trees[$0].key]?.finished ?? 0 < known[trees[$1].key]?.finished ?? 0 }) {
            let tree = trees[index]
            let before = known[tree.key]
            let now = Moment.now.nanoseconds
            if now < deadline, before?.nanoseconds ?? 0 <= deadline - now,
                let measured = try walk(tree, { Moment.now.nanoseconds < deadline })
            {
                readings[index] = UsageReading(usage: measured.usage, measuredAt: measured.measuredAt, isStale: false)
            } else {
                readings[index] = UsageReading(usage: before?.usage ?? TreeUsage(), measuredAt: before?.measuredAt, isStale: true)
                late.append(tree)
            }
        }
        startWalking(late)
        return readings.compactMap(\.self)
    }

    /// - Returns: nil where `goOn` said no.
    private func walk(_ tree: Tree, _ goOn: () -> Bool) throws(KernelError) -> Known? {
        let begin = Moment.now.nanoseconds
        let measuredAt = Timestamp.now()
        var usage: TreeUsage? = TreeUsage()
        do throws(KernelError) {
            usage = try treeUsage(tree.path, skip: tree.skip) { _ in goOn() }
        } catch  where error.errno == .noSuchFileOrDirectory {}
        guard let usage else { return nil }
        let end = Moment.now.nanoseconds
        return state.withLock { state in
            let before = state.known[tree.key]
            // What has not changed need not be written down again.
            let isWritten = tree.container == nil || before?.isWritten == true && before?.usage == usage
            let known = Known(
                usage: usage, measuredAt: measuredAt, nanoseconds: end - begin, finished: end, isWritten: isWritten)
            state.known[tree.key] = known
            return known
        }
    }

    // MARK: - What is put off

    private func startWalking(_ trees: [Tree]) {
        let begins = state.withLock { state in
            let waiting = Set(state.waiting.map(\.key))
            state.waiting += trees.filter { !waiting.contains($0.key) }
            let unwritten = state.known.contains { !$0.value.isWritten }
            guard !state.stopped, !state.isWalking, !state.waiting.isEmpty || unwritten else { return false }
            state.isWalking = true
            return true
        }
        guard begins else { return }
        walker.enter()
        do throws(KernelError) {
            // When the group is left nothing is held any more: not the database, nor its lock.
            try startThread(name: "usage-meter") { [weak self, walker] in
                yieldToOthers()
                self?.walkWaiting()
                walker.leave()
            }
        } catch {
            state.withLock { $0.isWalking = false }
            walker.leave()
            logger.warning("uppers are not measured now", metadata: ["error": "\(error)"])
        }
    }

    private func walkWaiting() {
        while let tree = next() {
            var pause = Pause()
            do throws(KernelError) {
                _ = try walk(tree) {
                    pause.rest()
                    return !state.withLock { $0.stopped }
                }
                pause.rest()
            } catch {
                logger.warning("a tree can't be measured", metadata: ["path": "\(tree.path)", "error": "\(error)"])
            }
        }
    }

    /// When nothing waits any more, the measurements are written down.
    private func next() -> Tree? {
        while true {
            let step: (tree: Tree?, unwritten: [String: Known]) = state.withLock { state in
                if !state.stopped, !state.waiting.isEmpty { return (state.waiting.removeFirst(), [:]) }
                let unwritten = state.known.filter { !$0.value.isWritten }
                for key in unwritten.keys { state.known[key]?.isWritten = true }
                if unwritten.isEmpty || state.stopped { state.isWalking = false }
                return (nil, unwritten)
            }
            if let tree = step.tree { return tree }
            write(step.unwritten)
            if state.withLock({ !$0.isWalking }) { return nil }
        }
    }

    private func write(_ unwritten: [String: Known]) {
        guard !unwritten.isEmpty else { return }
        let prefix = Self.key(ofUpper: "")
        let measurements = unwritten.map { key, known in
            (
                String(key.dropFirst(prefix.count)),
                UpperMeasurement(bytes: known.usage.bytes, inodes: known.usage.inodes, measuredAt: known.measuredAt)
            )
        }
        do throws(MetadataError) { try metadata.note(Dictionary(uniqueKeysWithValues: measurements), .walked) } catch {
            logger.warning("measurements of uppers are not kept", metadata: ["error": "\(error)"])
        }
    }

    /// One part work, four parts rest.
    private struct Pause {
        private var begin = Moment.now.nanoseconds

        mutating func rest() {
            let worked = Moment.now.nanoseconds - begin
            usleep(UInt32(clamping: min(worked / 1000 * 4, 100_000)))
            begin = Moment.now.nanoseconds
        }
    }
}
