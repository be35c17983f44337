// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import Engine
internal import Hummingbird

func systemEndpoints(_ service: Backend) -> [Endpoint] {
    let runtime = service.runtime
    return [
        Endpoint(.get, "v1/version") { request, _ in
            try request.requirePlain()
            return try .json(runtime.version())
        },
        Endpoint(.get, "v1/info") { request, _ in
            try request.requirePlain()
            return try .json(await runtime.info())
        },
        Endpoint(.get, "v1/system/df") { request, _ in
            try request.refuseBody()
            let query = try QueryParameters(request, known: ["verbose", "fresh"])
            return try .json(await runtime.diskUsage(verbose: query.flag("verbose"), fresh: query.flag("fresh")))
        },
        Endpoint(.get, "v1/openapi.json") { request, _ in
            try request.requirePlain()
            return Response(bytes: service.description.bytes, type: APIMediaType.json)
        },
        Endpoint(.get, "v1/events") { request, context in
            try request.requirePlain()
            // Subscribed before the head is sent: what happens after the client has seen it is not missed.
            let events = runtime.events()
            return .lines(context) { feed in
                for await event in events { try await feed.append(event) }
            }
        },
    ]
}

extension Request {
    /// For an endpoint with neither query nor body.
    func requirePlain() throws(APIProblem) {
        try refuseBody()
        _ = try QueryParameters(self)
    }
}
