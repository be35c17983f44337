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
    /// Of its stack, uppermost first: they stay as long as the container does, also without their image.
    package let layerIDs: [Int64]
    package let waiters = ExitWaiters()
    package let execs = ExecTable()

    private struct State {
        var memo: ContainerMemo
        /// The last of what `exclusively` was given.
        var lastVerb: Task<Void, Never>?
        var life: LifeCycle
        var started: ShimStarted?
        /// The monitor of a live container, for the one case in which it must be ended by force.
        var shimPID: Int32?
        /// The last of what `inOrder` was given.
        var lastTask: Task<Void, Never>?
    }
    private let state: Mutex<State>

    package init(
        id: ContainerID, paths: ContainerPaths, memo: ContainerMemo, layerIDs: [Int64], life: LifeCycle = LifeCycle(),
        started: ShimStarted? = nil, shimPID: Int32? = nil
    ) {
        self.id = id
        self.paths = paths
        self.layerIDs = layerIDs
        state = Mutex(State(memo: memo, life: life, started: started, shimPID: shimPID))
    }

    /// Without an end: that is the life's.
    package var memo: ContainerMemo { state.withLock { $0.memo } }

    /// Fixed but for what an update changes.
    func changeRequest(_ body: (inout CreateContainerRequest) -> Void) { state.withLock { body(&$0.memo.request) } }

    package var life: LifeCycle { state.withLock { $0.life } }
    package var started: ShimStarted? { state.withLock { $0.started } }
    package var shimPID: Int32? { state.withLock { $0.shimPID } }

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
            state.shimPID = pid
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
            state.shimPID = nil
        }
    }

    package var summary: ContainerSummary {
        let (life, started) = state.withLock { ($0.life, $0.started) }
        return ContainerSummary(
            id: id.text, name: memo.name, image: memo.request.image, imageDigest: memo.manifestDigest.description, command: memo.arguments,
            state: life.state, pid: life.isLive ? started?.pid : nil, createdAt: memo.createdAt, exit: life.exit,
            labels: memo.request.labels)
    }

    package var detail: ContainerDetail {
        let (life, started) = state.withLock { ($0.life, $0.started) }
        return ContainerDetail(
            summary: summary, resolvedDigest: memo.resolvedDigest.description, manifestDigest: memo.manifestDigest.description,
            request: memo.request, mounts: memo.mounts, bundle: paths.bundle.string,
            upperDirectory: memo.upperMode == .tmpfs ? nil : paths.directory.appending("upper").string,
            lowerDiffIDs: memo.lowerDiffIDs.map(\.description), cgroup: memo.cgroup,
            logPath: memo.request.log == .file ? paths.log.appending("container.log").string : nil,
            attachSocket: life.hasShim ? paths.socket.string : nil, startedAt: started?.startedAt ?? life.exit?.startedAt,
            timings: started?.timings.map { StepTiming(step: $0.step, microseconds: $0.microseconds) } ?? [], execs: execs.summaries)
    }
}
