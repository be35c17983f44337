// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import Engine
internal import HTTPTypes
internal import Hummingbird
internal import ServiceLifecycle

func containerEndpoints(_ service: Backend) -> [Endpoint] {
    containerLifeEndpoints(service) + containerWaitEndpoints(service) + containerFileEndpoints(service)
}

private func containerLifeEndpoints(_ service: Backend) -> [Endpoint] {
    let runtime = service.runtime
    let description = service.description
    return [
        Endpoint(.get, "v1/containers") { request, _ in
            try request.refuseBody()
            let all = try QueryParameters(request, known: ["all"]).flag("all")
            return try .json(runtime.containers(all: all))
        },
        Endpoint(.post, "v1/containers") { request, context in
            let start = try QueryParameters(request, known: ["start"]).flag("start")
            let wanted = try await request.decoded(CreateContainerRequest.self, description.createContainer, context)
            let peer = context.connection.peer
            let caller = NodeUser(uid: peer.uid, gid: peer.gid)
            return try .json(await runtime.createContainer(wanted, start: start, caller: caller), status: .created)
        },
        Endpoint(.get, "v1/containers/:id") { request, context in
            try request.requirePlain()
            return try .json(await runtime.container(context.containerName()))
        },
        Endpoint(.delete, "v1/containers/:id") { request, context in
            try request.refuseBody()
            let force = try QueryParameters(request, known: ["force"]).flag("force")
            try await runtime.removeContainer(context.containerName(), force: force)
            return .noContent
        },
        Endpoint(.post, "v1/containers/:id/start") { request, context in
            try request.requirePlain()
            return try .json(await runtime.startContainer(context.containerName()))
        },
        Endpoint(.post, "v1/containers/:id/stop") { request, context in
            _ = try QueryParameters(request)
            let wanted = try await request.decodedIfPresent(StopRequest.self, description.stop, context) ?? StopRequest()
            let name = try context.containerName()
            guard try runtime.stopWaitsWithoutEnd(name, wanted) else { return try .json(await runtime.stopContainer(name, wanted)) }
            return try .json(await context.connection.whileClientStays { try await runtime.stopContainer(name, wanted) })
        },
        Endpoint(.post, "v1/containers/:id/restart") { request, context in
            _ = try QueryParameters(request)
            let wanted = try await request.decodedIfPresent(StopRequest.self, description.stop, context) ?? StopRequest()
            let name = try context.containerName()
            guard try runtime.stopWaitsWithoutEnd(name, wanted) else { return try .json(await runtime.restartContainer(name, wanted)) }
            return try .json(await context.connection.whileClientStays { try await runtime.restartContainer(name, wanted) })
        },
        Endpoint(.post, "v1/containers/:id/rename") { request, context in
            _ = try QueryParameters(request)
            let wanted = try await request.decoded(RenameRequest.self, description.rename, context)
            try await runtime.renameContainer(context.containerName(), to: wanted.name)
            return .noContent
        },
        Endpoint(.post, "v1/containers/:id/kill") { request, context in
            _ = try QueryParameters(request)
            let wanted = try await request.decodedIfPresent(KillRequest.self, description.kill, context) ?? KillRequest()
            try await runtime.killContainer(context.containerName(), wanted)
            return .noContent
        },
        Endpoint(.post, "v1/containers/:id/exec") { request, context in
            _ = try QueryParameters(request)
            let wanted = try await request.decoded(ExecRequest.self, description.exec, context)
            return try .json(await runtime.execInContainer(context.containerName(), wanted), status: .created)
        },
    ]
}

/// The ones that may last as long as a container does: they end when the client goes, and when the daemon stops.
private func containerWaitEndpoints(_ service: Backend) -> [Endpoint] {
    let runtime = service.runtime
    return [
        Endpoint(.post, "v1/containers/:id/wait") { request, context in
            try request.refuseBody()
            let condition = try QueryParameters(request, known: ["condition"]).choice("condition", WaitCondition.self) ?? .stopped
            let name = try context.containerName()
            return try .json(
                await context.connection.whileClientStays {
                    try await runtime.waitContainer(name, condition: condition)
                })
        },
        Endpoint(.post, "v1/containers/:id/healthcheck") { request, context in
            try request.requirePlain()
            let name = try context.containerName()
            return try .json(await context.connection.whileClientStays { try await runtime.runHealthcheck(name) })
        },
        Endpoint(.get, "v1/containers/:id/logs") { request, context in
            try request.refuseBody()
            let query = try QueryParameters(request, known: ["follow", "tail", "since", "until"])
            let records = try await runtime.logs(
                context.containerName(), follow: query.flag("follow"), tail: query.count("tail"),
                since: query.optionalText("since", limit: 64), until: query.optionalText("until", limit: 64))
            return .lines(context) { feed in
                for try await record in records { try await feed.append(record) }
            }
        },
    ]
}

extension APIContext {
    /// The path's `:id`.
    func containerName() throws(APIProblem) -> String {
        let name = parameters.get("id").flatMap { PercentEncoding.decode($0, plusIsSpace: false) }
        guard let name, (1...128).contains(name.utf8.count) else {
            throw .invalidRequest("the container's name in the path is not 1 to 128 bytes of percent-encoded UTF-8")
        }
        return name
    }
}

extension Connection {
    /// Runs `operation` until it answers, the client has closed, or the daemon stops.
    func whileClientStays<Value: Sendable>(_ operation: @escaping @Sendable () async throws -> Value) async throws -> Value {
        let task = Task { try await cancelWhenGracefulShutdown(operation) }
        whenClientLeaves { task.cancel() }
        defer { whenClientLeaves(nil) }
        do {
            return try await withTaskCancellationHandler {
                try await task.value
            } onCancel: {
                task.cancel()
            }
        } catch {
            guard Task.isShuttingDownGracefully else { throw error }
            throw APIProblem(.shuttingDown, "the daemon is being stopped; the container goes on", remedy: "ask again when it is back")
        }
    }
}
