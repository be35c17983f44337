// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux
internal import Synchronization
internal import SystemPackage

/// One `ctr-swift-shim files` process, and what it has claimed: whoever comes first ends it, and one takes its end.
final class FilesHelper: Sendable {
    let use: LifeCycle.FilesUse
    private let onEnd: @Sendable (FilesHelper) -> Void

    private struct State {
        let pid: Int32
        var isKilled = false
        var isReaped = false
        var hasEnded = false
        var lastWaiter = 0
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
    }
    private let state: Mutex<State>

    init(pid: Int32, use: LifeCycle.FilesUse, onEnd: @escaping @Sendable (FilesHelper) -> Void) {
        self.use = use
        self.onEnd = onEnd
        state = Mutex(State(pid: pid))
    }

    /// Not by its number once that may be another's.
    func kill() {
        state.withLock { state in
            state.isKilled = true
            if !state.isReaped { Glibc.kill(state.pid, SIGKILL) }
        }
    }

    /// Nobody wants it any more: it only has to go.
    var isEnding: Bool { state.withLock { $0.isKilled } }

    /// Blocks until the process is gone, and takes its end.
    func reap() {
        guard let pid = state.withLock({ $0.isReaped ? nil : $0.pid }) else { return }
        // Seen, and not yet taken: whoever would kill it still finds it, or knows better.
        var information = siginfo_t()
        while waitid(P_PID, id_t(pid), &information, WEXITED | WNOWAIT) == -1, lastErrno() == .interrupted {}
        let isFirst = state.withLock { state in
            defer { state.isReaped = true }
            return !state.isReaped
        }
        guard isFirst else { return }
        while waitpid(pid, nil, 0) == -1, lastErrno() == .interrupted {}
        onEnd(self)
    }

    /// The same on a thread of its own, which may be held up by a process that the kernel does not let go.
    func reapAside() {
        if state.withLock({ $0.isReaped }) { return }
        do throws(KernelError) { try startThread(name: "files") { self.reap() } } catch { reap() }
    }

    /// Its claim was given back.
    func ended() {
        let waiters = state.withLock { state in
            state.hasEnded = true
            defer { state.waiters = [:] }
            return state.waiters.values
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Returns with its end, and with the task's cancellation.
    func waitForEnd() async {
        let number = state.withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if state.hasEnded || Task.isCancelled { return true }
                    state.waiters[number] = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: number) }?.resume()
        }
    }
}
