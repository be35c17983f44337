// SPDX-License-Identifier: Apache-2.0

public import APITypes
internal import Containers
internal import Linux
internal import Logging
internal import Metadata
internal import OCI
internal import ShimProtocol
internal import SystemPackage

/// A user of the node, by number.
public struct NodeUser: Sendable, Hashable {
    public var uid: UInt32
    public var gid: UInt32
    public init(uid: UInt32, gid: UInt32) {
        self.uid = uid
        self.gid = gid
    }
}

/// What `wait` waits for.
public enum WaitCondition: String, Sendable, Hashable, CaseIterable { case stopped, removed, healthy }

extension NodeRuntime {
    /// Makes a container, and with `start` runs it. One that can't start and is to be removed leaves nothing.
    /// - Parameter caller: the user who asks for it, where that is one of the node's; a user namespace that keeps its caller needs it.
    public func createContainer(
        _ request: CreateContainerRequest, start: Bool, caller: NodeUser? = nil
    ) async throws(EngineError) -> CreateContainerResponse {
        let (container, warnings) = try await create(request, caller.map { Caller(uid: $0.uid, gid: $0.gid) }, starts: start)
        guard start else { return CreateContainerResponse(id: container.id.text, name: container.memo.name, warnings: warnings) }
        do throws(EngineError) {
            return try await startContainer(container, warnings: warnings)
        } catch {
            if request.autoRemove { try? await containers.remove(container, force: false) }
            throw error
        }
    }

    /// An image that is pruned meanwhile is one that is not there: what was missed of it, a file, a row or a directory, tells nobody anything.
    private func create(
        _ request: CreateContainerRequest, _ caller: Caller?, starts: Bool
    ) async throws(EngineError) -> (Container, warnings: [String]) {
        let image = try await runnableImage(request)
        do throws(EngineError) {
            return try await containerVerb { () throws(ContainerError) in
                try await self.containers.create(request, image: image, caller: caller, starts: starts)
            }
        } catch {
            // Throws `image-not-found` itself, where that is the reason.
            let now = try await runnableImage(request)
            guard error.code == .imageNotFound || now.manifestDigest != image.manifestDigest else { throw error }
            return try await containerVerb { () throws(ContainerError) in
                try await self.containers.create(request, image: now, caller: caller, starts: starts)
            }
        }
    }

    public func startContainer(_ id: String) async throws(EngineError) -> CreateContainerResponse {
        let container = try find(id)
        let answer = try await startContainer(container, warnings: [])
        // No start fails for it: it changes which image goes first, and no more than that.
        let (metadata, image, logger) = (metadata, container.memo.manifestDigest, logger)
        await pool.run {
            do { try metadata.noteUse(ofImage: image) } catch {
                logger.warning("the use of an image is not noted", metadata: ["image": "\(image)", "error": "\(error)"])
            }
        }
        return answer
    }

    private func startContainer(_ container: Container, warnings: [String]) async throws(EngineError) -> CreateContainerResponse {
        try await containerVerb { () throws(ContainerError) in try await self.containers.start(container) }
        return CreateContainerResponse(
            id: container.id.text, name: container.memo.name, pid: container.started?.pid, attachSocket: container.paths.socket.string,
            // To somebody who stays with it nothing is said between its own lines; `inspect` and the events have it.
            warnings: warnings + (container.memo.request.attach ? [] : container.detail.warnings))
    }

    /// Newest first. - Parameter all: also those that do not run.
    public func containers(all: Bool) -> [ContainerSummary] { containers.list(all: all) }

    public func container(_ id: String) async throws(EngineError) -> ContainerDetail { try find(id).detail }

    public func stopContainer(_ id: String, _ request: StopRequest) async throws(EngineError) -> StopResponse {
        let container = try find(id)
        return try await containerVerb { () throws(ContainerError) in try await self.containers.stop(container, request) }
    }

    /// Whether a stop, also that of a restart, waits for as long as the container runs: then it should be cancelled when nobody waits for it.
    public func stopWaitsWithoutEnd(_ id: String, _ request: StopRequest) throws(EngineError) -> Bool {
        containers.waitsWithoutEnd(try find(id), request)
    }

    /// Stops it where it runs, and starts it again.
    public func restartContainer(_ id: String, _ request: StopRequest) async throws(EngineError) -> CreateContainerResponse {
        let container = try find(id)
        let stopped = try await containerVerb { () throws(ContainerError) in try await self.containers.restart(container, request) }
        let warnings = stopped?.warning.map { [$0] } ?? []
        return CreateContainerResponse(
            id: container.id.text, name: container.memo.name, pid: container.started?.pid, attachSocket: container.paths.socket.string,
            warnings: warnings + container.detail.warnings)
    }

    public func renameContainer(_ id: String, to name: String) async throws(EngineError) {
        let container = try find(id)
        try await containerVerb { () throws(ContainerError) in try await self.containers.rename(container, to: name) }
    }

    /// Runs a further process in a container.
    public func execInContainer(_ id: String, _ request: ExecRequest) async throws(EngineError) -> ExecResponse {
        let container = try find(id)
        return try await containerVerb { () throws(ContainerError) in try await self.containers.exec(container, request) }
    }

    public func killContainer(_ id: String, _ request: KillRequest) async throws(EngineError) {
        let container = try find(id)
        let name = request.signal ?? "KILL"
        guard let number = SignalName.number(for: name) else {
            throw EngineError(.invalidRequest, "no signal \"\(name)\"", remedy: "use a name like TERM or SIGTERM, or a number from 1 to 64")
        }
        try await containerVerb { () throws(ContainerError) in try await self.containers.kill(container, signal: number) }
    }

    public func waitContainer(_ id: String, condition: WaitCondition) async throws(EngineError) -> WaitResponse {
        let container = try find(id)
        guard condition != .healthy else {
            try await containerVerb { () throws(ContainerError) in try await self.containers.waitUntilHealthy(container) }
            return WaitResponse(health: .healthy)
        }
        return WaitResponse(
            exit: try await containerVerb { () throws(ContainerError) in
                try await self.containers.wait(container, for: condition == .stopped ? .stopped : .removed)
            })
    }

    /// Asks for a container's health now.
    public func runHealthcheck(_ id: String) async throws(EngineError) -> HealthRunResponse {
        let container = try find(id)
        return try await containerVerb { () throws(ContainerError) in try await self.containers.runHealthcheck(container) }
    }

    public func removeContainer(_ id: String, force: Bool) async throws(EngineError) {
        let container = try find(id)
        try await containerVerb { () throws(ContainerError) in try await self.containers.remove(container, force: force) }
    }

    /// The container's log, oldest first.
    /// - Parameters:
    ///   - follow: until the container has ended, or `until` has come.
    ///   - tail: only the last so many of the records that the times select.
    ///   - since: from this time on, and up to `until`: RFC 3339.
    public func logs(
        _ id: String, follow: Bool, tail: Int? = nil, since: String? = nil, until: String? = nil
    ) async throws(EngineError) -> AsyncThrowingStream<LogRecord, any Error> {
        let container = try find(id)
        guard container.memo.request.log == .file else {
            throw EngineError(.unsupported, "container \(container.id.short) keeps no log", remedy: "run it detached, or with --log file")
        }
        let selection = LogSelection(tail: tail, since: try Self.time(since, "since"), until: try Self.time(until, "until"))
        return containers.logs(of: container, follow: follow, selection)
    }

    /// In the form that records have: it sorts as text.
    private static func time(_ text: String?, _ name: String) throws(EngineError) -> String? {
        guard let text else { return nil }
        guard let time = Timestamp.parse(text) else {
            throw EngineError(.invalidRequest, "\(name) \"\(text)\" is no time", remedy: "write it like 2026-11-21T06:25:00Z")
        }
        return Timestamp.rfc3339(seconds: time.seconds, nanoseconds: time.nanoseconds)
    }

    func find(_ id: String) throws(EngineError) -> Container {
        do throws(ContainerError) { return try containers.find(id) } catch { throw EngineError(error) }
    }

    private func containerVerb<Value>(_ body: () async throws(ContainerError) -> Value) async throws(EngineError) -> Value {
        do throws(ContainerError) { return try await body() } catch { throw EngineError(error) }
    }
}
