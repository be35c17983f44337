// SPDX-License-Identifier: Apache-2.0

package import APITypes

/// The states of one container and the moves between them: a value, decided without I/O.
///
///     created --start--> starting --started--> running --exited--> stopped --start--> starting
///        |                   |                    |                   |
///        |       failed -> as before: created,    +- stop: stopping   |      (running: paused or not)
///        |                    or stopped                             |
///        +------------------- remove ------> removing <---- remove ---+  (shimGone first)
///
/// A stop that waits without end can be given up: then `stopping` goes back to `running`.
/// `exited` is what PID 1 did; `shimGone` is the end of its monitor. A container can be removed or started again only when both are known.
package struct LifeCycle: Sendable {
    package enum Phase: Sendable, Hashable { case created, starting, running, stopping, stopped, removing }

    package private(set) var phase: Phase
    package private(set) var exit: ExitRecord?
    /// True from the start of a shim to its end.
    package private(set) var hasShim = false
    /// Its processes stand still; only of one that runs, or is about to be stopped.
    package private(set) var isPaused = false
    /// Those that are under way.
    private var stops = 0
    /// What a start that fails goes back to.
    private var previousExit: ExitRecord?

    /// What is kept of it: also while it runs again, until the next end.
    package var lastExit: ExitRecord? { exit ?? previousExit }

    package init(phase: Phase = .created, exit: ExitRecord? = nil, hasShim: Bool = false, isPaused: Bool = false) {
        self.isPaused = isPaused
        self.phase = phase
        self.exit = exit
        self.hasShim = hasShim
    }

    package var state: ContainerState {
        switch phase {
        case .created, .starting: .created
        case .running: isPaused ? .paused : .running
        case .stopping: .stopping
        case .stopped: .stopped
        case .removing: .removing
        }
    }

    package var isLive: Bool { phase == .running || phase == .stopping || phase == .starting }
    /// PID 1 is there, and others can come to it.
    package var canBeEntered: Bool { phase == .running || phase == .stopping }

    package enum Refusal: Error, Hashable { case wrongState(ContainerState), alreadyRunning, filesInUse }

    /// How somebody comes to the files.
    package enum FilesUse: Sendable, Hashable {
        /// By the root of the running container.
        case live
        /// By a mount of their own, which only one may write to, and nobody else mount meanwhile.
        case reading, writing
    }

    private var filesUses: [FilesUse] = []
    private static let mostFilesUses = 8

    /// Claims the files; `endFiles` gives the claim back.
    package mutating func beginFiles(writing: Bool) throws(Refusal) -> FilesUse {
        let use: FilesUse
        switch phase {
        case .running, .stopping: use = .live
        case .created where !hasShim, .stopped where !hasShim:
            // A root of the last run may still be there.
            guard !filesUses.contains(.writing), !writing || filesUses.isEmpty else { throw .filesInUse }
            use = writing ? .writing : .reading
        case .stopped: throw .wrongState(.stopping)
        case .created, .starting, .removing: throw .wrongState(state)
        }
        // One that hangs on a filesystem of the container's keeps a process and a thread.
        guard filesUses.count < Self.mostFilesUses else { throw .filesInUse }
        filesUses.append(use)
        return use
    }

    package mutating func endFiles(_ use: FilesUse) {
        if let index = filesUses.firstIndex(of: use) { filesUses.remove(at: index) }
    }

    /// Claims the container for a start.
    package mutating func beginStart() throws(Refusal) {
        switch phase {
        case .created where !hasShim, .stopped where !hasShim:
            guard filesUses.isEmpty else { throw .filesInUse }
            phase = .starting
            hasShim = true
            previousExit = exit
            exit = nil
            stops = 0
        case .running where isPaused: throw .wrongState(.paused)
        case .running, .starting: throw .alreadyRunning
        case .created, .stopped: throw .wrongState(.stopping)
        case .stopping, .removing: throw .wrongState(state)
        }
    }

    package mutating func started() { if phase == .starting { phase = .running } }

    /// The shim told that nothing came to life, and ended.
    package mutating func startFailed() {
        exit = previousExit
        phase = exit == nil ? .created : .stopped
        hasShim = false
    }

    /// - Returns: false where it does not run (any more), and should not stand still.
    package mutating func paused() -> Bool {
        guard phase == .running else { return false }
        isPaused = true
        return true
    }

    package mutating func resumed() { isPaused = false }

    package mutating func beginStop() {
        if phase == .running { phase = .stopping }
        if phase == .stopping { stops += 1 }
    }

    /// Its client waits no longer, and nothing will end it: it runs, unless somebody else stops it, too.
    package mutating func stopGivenUp() {
        stops = max(stops - 1, 0)
        if phase == .stopping, stops == 0 { phase = .running }
    }

    /// - Returns: whether this was news.
    package mutating func exited(_ record: ExitRecord) -> Bool {
        guard exit == nil, phase != .removing else { return false }
        exit = record
        phase = .stopped
        isPaused = false
        return true
    }

    package mutating func shimGone() { hasShim = false }

    /// Claims the container for removal.
    /// - Parameter force: whoever still looks at the root of its last run may see that vanish.
    package mutating func beginRemove(force: Bool = false) throws(Refusal) {
        guard phase == .created || phase == .stopped, !hasShim else { throw .wrongState(hasShim && phase == .stopped ? .stopping : state) }
        guard filesUses.allSatisfy({ force && $0 == .live }) else { throw .filesInUse }
        phase = .removing
    }

    /// A removal that could not be finished: the container is still there.
    package mutating func removeFailed() { phase = exit == nil ? .created : .stopped }
}
