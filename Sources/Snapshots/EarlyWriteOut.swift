// SPDX-License-Identifier: Apache-2.0

internal import Dispatch
internal import Linux
internal import Synchronization
internal import SystemPackage

/// Lets the disk work while layers are extracted, instead of leaving everything to the sync before the commit: the store's
/// filesystem is synced again and again as long as there is an open ingest. A pull of 800 MB takes 0.8 to 0.9 times as long with it (docs/benchmarks.md).
///
/// Nothing depends on it. What it is told of write errors it does not pass on: each ingest has a descriptor from before its first file, which
/// the kernel tells the same errors (errseq_t; syncfs(2)).
final class EarlyWriteOut: Sendable {
    /// A small pull is over before the first one.
    private static let interval = DispatchTimeInterval.milliseconds(500)

    private struct State {
        var ingests = 0
        var isScheduled = false
        var isStopped = false
        var goesOn: Bool { ingests > 0 && !isStopped }
    }
    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "early-write-out", qos: .utility)
    private let directory: FilePath

    init(_ directory: FilePath) { self.directory = directory }

    func begin() {
        let isFirst = state.withLock { state in
            state.ingests += 1
            defer { state.isScheduled = true }
            return !state.isScheduled
        }
        if isFirst { schedule() }
    }

    func end() { state.withLock { $0.ingests -= 1 } }

    /// Waits for the sync at hand: afterwards the filesystem may be unmounted.
    func stop() {
        state.withLock { $0.isStopped = true }
        queue.sync {}
    }

    private func schedule() {
        queue.asyncAfter(deadline: .now() + Self.interval) { [self] in
            let goesOn = state.withLock { state in
                state.isScheduled = state.goesOn
                return state.isScheduled
            }
            guard goesOn else { return }
            try? syncFilesystem(directory)
            schedule()
        }
    }
}
