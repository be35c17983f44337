// SPDX-License-Identifier: Apache-2.0

internal import Dispatch
internal import Glibc
internal import Linux
internal import Logging
internal import Metadata
internal import Synchronization
internal import SystemPackage

/// Deletes what was renamed into `trash/`, on a thread of its own, one tree at a time.
///
/// It waits while a layer is being extracted: ext4 searches past inodes that were just deleted, which makes creation 5 to 10 times slower.
final class TrashCollector: Sendable {
    private struct State {
        var started = false
        var scheduled = false
        var pauses = 0
        var drains = 0
        var stopped = false
    }

    private let directory: FilePath
    private let logger: Logger
    private let queue = DispatchQueue(label: "trash", qos: .background)
    private let state = Mutex(State())
    private let counter = Atomic<UInt64>(0)
    /// Names of an earlier process may still be there.
    private let prefix: String

    init(directory: FilePath, logger: Logger) {
        self.directory = directory
        self.logger = logger
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        prefix = String(now.tv_sec, radix: 36) + "." + String(now.tv_nsec, radix: 36)
    }

    /// Renames a tree into the trash. One that is not there is no error.
    /// - Returns: whether it was there.
    @discardableResult
    func discard(_ path: FilePath) throws(KernelError) -> Bool {
        let number = counter.add(1, ordering: .relaxed).newValue
        do throws(KernelError) {
            try renameFile(path, to: directory.appending("\(prefix)-\(number)"))
        } catch  where error.errno == .noSuchFileOrDirectory {
            return false
        }
        schedule()
        return true
    }

    /// For what the next start would sweep anyway.
    func discardLogged(_ path: FilePath) {
        do throws(KernelError) { try discard(path) } catch {
            logger.error("left for the next start to sweep", metadata: ["path": "\(path)", "error": "\(error)"])
        }
    }

    // MARK: - When

    /// Nothing is deleted before the first call.
    func start() {
        state.withLock { $0.started = true }
        schedule()
    }

    /// No more, also of the tree at hand. What is left is deleted by the next process.
    func stop() {
        state.withLock { $0.stopped = true }
        queue.sync {}
    }

    func pause() { state.withLock { $0.pauses += 1 } }

    func resume() {
        state.withLock { $0.pauses -= 1 }
        schedule()
    }

    /// What could not be deleted may be by now.
    func retry() { schedule() }

    /// Deletes everything now, pauses or not, and waits for it: space is short.
    func drain() {
        state.withLock { $0.drains += 1 }
        queue.sync { empty { _ in true } }
        state.withLock { $0.drains -= 1 }
    }

    /// Asked within a tree, too: it may have a hundred thousand names, and a stop or a pull does not wait for these.
    private var goesOn: Bool { state.withLock { $0.drains > 0 || !$0.stopped && $0.pauses == 0 } }

    private func schedule() {
        let wanted = state.withLock { state in
            guard state.started, !state.scheduled, !state.stopped, state.pauses == 0 else { return false }
            state.scheduled = true
            return true
        }
        guard wanted else { return }
        queue.async { [self] in
            state.withLock { $0.scheduled = false }
            empty { state in !state.stopped && state.pauses == 0 }
        }
    }

    // MARK: - How

    private func empty(while wanted: (borrowing State) -> Bool) {
        do throws(KernelError) {
            for name in try StoreDirectories.names(in: directory) {
                guard state.withLock({ wanted($0) }) else { return }
                StoreStep.trashTaken.reach()
                remove(directory.appending(name))
                StoreStep.trashDeleted.reach()
            }
        } catch {
            logger.error("the trash can't be listed", metadata: ["path": "\(directory)", "error": "\(error)"])
        }
    }

    private func remove(_ path: FilePath) {
        do throws(KernelError) {
            do throws(KernelError) { try removeTree(path, while: { goesOn }) } catch
                where error.errno == .notDirectory || error.errno == .tooManySymbolicLinkLevels
            {
                try unlinkFile(path)
            }
        } catch  where error.errno == .canceled {
            return
        } catch {
            logger.warning("trash is left", metadata: ["path": "\(path)", "error": "\(error)"])
        }
    }
}
