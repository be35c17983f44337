// SPDX-License-Identifier: Apache-2.0

package import APITypes
internal import OCI
package import ShimProtocol
internal import Synchronization
internal import SystemPackage

/// One container that this node knows: what it is, and where in its life it stands.
package final class Container: Sendable {
    package let id: ContainerID
    package let paths: ContainerPaths
    /// Of its stack, uppermost first, and of images that it mounts: they stay as long as the container does, also without their image.
    package let layerIDs: [Int64]
    /// Of its stack alone.
    package let stackLayerIDs: [Int64]
    package let waiters = ExitWaiters()
    package let execs = ExecTable()
    /// Held by a thread of the pool while it reads and writes config.json.
    let specLock = Mutex(())

    private struct State {
        var memo: ContainerMemo
        /// The last of what `exclusively` was given.
        var lastVerb: Task<Void, Never>?
        var life: LifeCycle
        var restart: RestartTracker
        /// The one that is due.
        var pendingRestart: (task: Task<Void, Never>, at: String)?
        /// Those that read or write its files, and by what right.
        var filesHelpers: [FilesHelper] = []
        /// What should be known of the last start.
        var warnings: [String] = []
        var finishesRestart = false
        var pendingStart: ShimAnswer?
        var startOutcome: FirstAnswer<ContainerError?>?
        var unclaimedExecs: [String] = []
        /// nil: it has no check.
        var health: HealthRecord?
        var started: ShimStarted?
        /// One that was spawned while this was made, for its first start.
        var shimAhead: SpawnedShim?
        /// The monitor of a live container, for the one case in which it must be ended by force.
        var shim: ShimProcess?
        /// The last of what `inOrder` was given.
        var lastTask: Task<Void, Never>?
    }
    private let state: Mutex<State>

    package init(
        id: ContainerID, paths: ContainerPaths, memo: ContainerMemo, layerIDs: [Int64], life: LifeCycle = LifeCycle(),
        started: ShimStarted? = nil, shim: ShimProcess? = nil, health: ShimHealthReport? = nil
    ) {
        self.id = id
        self.paths = paths
        self.layerIDs = layerIDs
        stackLayerIDs = memo.stackLayerIDs ?? layerIDs
        let restart = RestartTracker(memo.request.restart, memo: memo.restart, restartsUnhealthy: memo.health?.action == .restart)
        state = Mutex(
            State(
                memo: memo, life: life, restart: restart, health: memo.health.map { _ in health.map(HealthRecord.init) ?? HealthRecord() },
                started: started, shim: shim))
    }

    /// Without an end and restarts: those are the life's and the tracker's.
    package var memo: ContainerMemo { state.withLock { $0.memo } }

    /// What an update is about to change; nil: it came to nothing.
    func setUpdate(_ resources: ResourceRequest?) { state.withLock { $0.memo.update = resources } }

    func finishUpdate(_ resources: ResourceRequest) {
        state.withLock { state in
            state.memo.request.resources = resources
            state.memo.update = nil
        }
    }

    /// As the database keeps it.
    package var record: ContainerMemo {
        state.withLock { state in
            var memo = state.memo
            memo.exit = state.life.lastExit
            memo.restart = state.restart.isActive ? state.restart.memo : nil
            return memo
        }
    }

    /// - Returns: the one that it had.
    func rename(to name: String) -> String {
        state.withLock { state in
            defer { state.memo.name = name }
            return state.memo.name
        }
    }

    func setRuns(_ runs: Bool) { state.withLock { $0.memo.runs = runs ? true : nil } }

    /// - Returns: whether this end was news.
    func noteExit(_ record: ExitRecord) -> Bool {
        state.withLock { state in
            guard state.life.exited(record) else { return false }
            state.memo.runs = nil
            state.memo.isStopOpen = nil
            return true
        }
    }

    /// - Returns: whether that is news.
    func setStopOpen(_ isOpen: Bool) -> Bool { state.withLock { $0.memo.note(isOpen, \.isStopOpen) } }

    /// - Returns: whether that is news.
    func setToBeRemoved(_ isToBe: Bool) -> Bool { state.withLock { $0.memo.note(isToBe, \.isToBeRemoved) } }

    // MARK: Health

    /// It is started anew.
    func resetHealth() { state.withLock { $0.health = $0.memo.health.map { _ in HealthRecord() } } }

    /// - Returns: the new status where it has changed.
    func noteHealth(_ report: ShimHealthReport) -> HealthStatus? { state.withLock { $0.health?.note(report) } }

    // MARK: Restarts

    package var restart: RestartTracker { state.withLock { $0.restart } }

    func decideRestart<Answer>(_ body: (inout RestartTracker) -> Answer) -> Answer { state.withLock { body(&$0.restart) } }

    /// What the policy makes of an end. nil also where somebody has started the container since: that end decides nothing any more.
    package func restartDelay(afterEnd body: (inout RestartTracker) -> Duration?) -> Duration? {
        state.withLock { $0.life.isLive ? nil : body(&$0.restart) }
    }

    var isRestartDue: Bool { state.withLock { $0.pendingRestart != nil } }

    /// The body takes it by `takePendingRestart` when it comes to it: only then, also if that is at once.
    func setPendingRestart(at time: String, _ body: @escaping @Sendable () async -> Void) {
        state.withLock { $0.pendingRestart = (Task { await body() }, time) }
    }

    /// It is happening: what comes after is another one's.
    func takePendingRestart() { state.withLock { $0.pendingRestart = nil } }

    /// It was called off.
    func clearPendingRestart() { state.withLock { $0.pendingRestart.take() }?.task.cancel() }

    /// - Returns: whether that is news.
    @discardableResult
    func setRestartingByHand(_ isRestarting: Bool) -> Bool {
        state.withLock { state in
            if !isRestarting { state.finishesRestart = false }
            return state.memo.note(isRestarting, \.isRestarting)
        }
    }

    /// The last daemon was killed between the stop and the start of a restart: it is started when it has ended.
    var finishesRestart: Bool { state.withLock { $0.finishesRestart } }
    func finishRestartLater() { state.withLock { $0.finishesRestart = true } }

    /// Further processes that were described by the last daemon; those that their monitor does not know never came to be.
    func setUnclaimedExecs(_ ids: [String]) { state.withLock { $0.unclaimedExecs = ids } }
    func takeUnclaimedExecs() -> [String] {
        state.withLock { state in
            defer { state.unclaimedExecs = [] }
            return state.unclaimedExecs
        }
    }

    var filesHelpers: [FilesHelper] { state.withLock { $0.filesHelpers } }

    func noteFilesHelper(_ helper: FilesHelper) { state.withLock { $0.filesHelpers.append(helper) } }

    /// With its end its claim ends.
    func forgetFilesHelper(_ helper: FilesHelper) {
        state.withLock { state in
            state.filesHelpers.removeAll { $0 === helper }
            state.life.endFiles(helper.use)
        }
        helper.ended()
    }

    /// Claims it for a start, which owes its outcome to whoever waits for that: nil is a success.
    func beginStart() throws(LifeCycle.Refusal) -> FirstAnswer<ContainerError?> {
        let outcome = FirstAnswer<ContainerError?>()
        let result: Result<Void, LifeCycle.Refusal> = state.withLock { state in
            do throws(LifeCycle.Refusal) { try state.life.beginStart() } catch { return .failure(error) }
            state.startOutcome = outcome
            return .success(())
        }
        try result.get()
        return outcome
    }

    /// Of the last start, or the one that is under way.
    var startOutcome: FirstAnswer<ContainerError?>? { state.withLock { $0.startOutcome } }

    /// What its monitor is to say of the start that is under way.
    func setPendingStart(_ answer: ShimAnswer?) { state.withLock { $0.pendingStart = answer } }

    /// Its monitor has been killed. The connection may not tell: a process on its way to the program holds it open, too.
    func giveUpStart() { state.withLock { $0.pendingStart }?.give(.closed) }

    func setWarnings(_ warnings: [String]) { state.withLock { $0.warnings = warnings } }

    package var life: LifeCycle { state.withLock { $0.life } }
    package var started: ShimStarted? { state.withLock { $0.started } }

    func setShimAhead(_ shim: SpawnedShim) { state.withLock { $0.shimAhead = shim } }
    /// - Returns: nil where there was none, or another one has taken it.
    func takeShimAhead() -> SpawnedShim? { state.withLock { $0.shimAhead.take() } }

    package var shimPID: Int32? { state.withLock { $0.shim?.pid } }

    /// SIGKILL to its monitor, where that has not been reaped.
    func killShim() {
        // Under the lock: who reaps it takes the number away first.
        state.withLock { $0.shim?.kill() }
    }

    /// Before it is reaped: its number may be another process's then. It counts as there until `noteShimGone`.
    func forgetShimPID() { state.withLock { $0.shim = nil } }

    /// One decision about the life of this container, taken under its lock.
    package func decide<Answer, Failure: Error>(_ body: (inout LifeCycle) throws(Failure) -> Answer) throws(Failure) -> Answer {
        let result: Result<Answer, Failure> = state.withLock { state in
            do throws(Failure) { return .success(try body(&state.life)) } catch { return .failure(error) }
        }
        return try result.get()
    }

    /// Runs the body when those that were given before it are done: a shim's words are taken in the order in which it said them.
    package func inOrder(_ body: @escaping @Sendable () async -> Void) {
        state.withLock { state in
            state.lastTask = Task { [previous = state.lastTask] in
                await previous?.value
                await body()
            }
        }
    }

    /// Runs the body when the verbs that were given before it are done: one at a time for one container, others are not waited for.
    func exclusively<Answer: Sendable, Failure: Error>(
        _ body: @escaping @Sendable () async throws(Failure) -> Answer
    ) async throws(Failure) -> Answer {
        let task = state.withLock { state in
            let task = Task { [previous = state.lastVerb] () -> Result<Answer, Failure> in
                await previous?.value
                do throws(Failure) { return .success(try await body()) } catch { return .failure(error) }
            }
            state.lastVerb = Task { _ = await task.value }
            return task
        }
        return try await task.value.get()
    }

    package func noteShim(pid: Int32) {
        state.withLock { state in
            state.shim = ShimProcess(pid: pid)
            state.started = nil
        }
    }

    package func noteStarted(_ started: ShimStarted) {
        state.withLock { state in
            state.started = started
            state.life.started()
        }
    }

    package func noteShimGone() {
        state.withLock { state in
            state.life.shimGone()
            state.shim = nil
        }
    }

    package var summary: ContainerSummary {
        let state = state.withLock { $0 }
        let (memo, life) = (state.memo, state.life)
        let isRestarting = life.phase == .stopped && state.pendingRestart != nil
        return ContainerSummary(
            id: id.text, name: memo.name, image: memo.request.image, imageDigest: memo.manifestDigest.description, command: memo.arguments,
            state: isRestarting ? .restarting : life.state, pid: life.isLive ? state.started?.pid : nil, createdAt: memo.createdAt,
            exit: life.exit?.withoutTimings, labels: memo.request.labels,
            restarts: state.restart.isActive
                ? RestartStatus(count: state.restart.memo.count, nextAt: state.pendingRestart?.at) : nil,
            health: life.isLive && life.phase != .starting ? state.health?.status : nil)
    }

    package var detail: ContainerDetail {
        let (memo, life, started, warnings, health) = state.withLock { ($0.memo, $0.life, $0.started, $0.warnings, $0.health) }
        var detail = ContainerDetail(
            summary: summary, resolvedDigest: memo.resolvedDigest.description, manifestDigest: memo.manifestDigest.description,
            request: memo.request, mounts: memo.mounts, bundle: paths.bundle.string,
            upperDirectory: memo.upperMode == .tmpfs ? nil : paths.directory.appending("upper").string,
            lowerDiffIDs: memo.lowerDiffIDs.map(\.description), cgroup: memo.cgroup,
            logPath: memo.request.log == .file ? paths.log.appending("container.log").string : nil,
            attachSocket: life.hasShim ? paths.socket.string : nil, startedAt: started?.startedAt ?? life.exit?.startedAt,
            timings: started?.timings.map { StepTiming(step: $0.step, microseconds: $0.microseconds) } ?? life.exit?.timings ?? [],
            execs: execs.summaries, warnings: warnings, health: Self.detail(of: health, memo.health))
        detail.identityMaps = memo.identities?.maps
        return detail
    }

    private static func detail(of health: HealthRecord?, _ settings: ShimHealth?) -> HealthDetail? {
        guard let health, let settings else { return nil }
        return HealthDetail(
            status: health.status, failingStreak: health.failingStreak, results: health.results, check: settings.check)
    }
}
