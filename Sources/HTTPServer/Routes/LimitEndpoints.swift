// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import Engine
internal import HTTPTypes
internal import Hummingbird

/// What is done to containers by way of their cgroups: pause, update, processes, statistics.
func limitEndpoints(_ service: Backend) -> [Endpoint] {
    let runtime = service.runtime
    let description = service.description
    return [
        Endpoint(.post, "v1/containers/:id/pause") { request, context in
            try request.requirePlain()
            try await runtime.pauseContainer(context.containerName())
            return .noContent
        },
        Endpoint(.post, "v1/containers/:id/unpause") { request, context in
            try request.requirePlain()
            try await runtime.unpauseContainer(context.containerName())
            return .noContent
        },
        Endpoint(.post, "v1/containers/:id/update") { request, context in
            _ = try QueryParameters(request)
            let wanted = try await request.decoded(UpdateContainerRequest.self, description.update, context)
            return try .json(await runtime.updateContainer(context.containerName(), wanted))
        },
        Endpoint(.get, "v1/containers/:id/processes") { request, context in
            try request.requirePlain()
            return try .json(await runtime.containerProcesses(context.containerName()))
        },
        Endpoint(.get, "v1/stats") { request, context in
            try request.refuseBody()
            let query = try QueryParameters(request, known: ["containers", "follow", "interval"])
            let names = try query.optionalText("containers", limit: 1 << 16)?.split(separator: ",").map(String.init) ?? []
            let follow = try query.flag("follow")
            let interval = try query.count("interval") ?? 1000
            guard (100...3_600_000).contains(interval) else {
                throw APIProblem.invalidRequest("query parameter \"interval\": not 100 to 3600000 milliseconds")
            }
            let sampler = try runtime.statistics(of: names)
            return .lines(context) { feed in
                while let sample = try await sampler.next(after: .milliseconds(interval)) {
                    try await feed.append(sample)
                    if !follow { return }
                }
            }
        },
    ]
}
