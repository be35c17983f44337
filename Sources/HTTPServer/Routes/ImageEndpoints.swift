// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import Engine
internal import HTTPTypes
internal import Hummingbird

func imageEndpoints(_ service: Backend) -> [Endpoint] {
    let runtime = service.runtime
    let description = service.description
    return [
        Endpoint(.get, "v1/images") { request, _ in
            try request.requirePlain()
            return try .json(await runtime.images())
        },
        Endpoint(.delete, "v1/images") { request, _ in
            try request.refuseBody()
            let query = try QueryParameters(request, known: ["reference", "force"])
            return try .json(await runtime.removeImage(query.reference("reference"), force: query.flag("force")))
        },
        Endpoint(.get, "v1/images/inspect") { request, _ in
            try request.refuseBody()
            let query = try QueryParameters(request, known: ["reference"])
            return try .json(await runtime.image(query.reference("reference")))
        },
        Endpoint(.post, "v1/images/pin") { request, _ in
            try request.refuseBody()
            return try .json(await runtime.pinImage(QueryParameters(request, known: ["reference"]).reference("reference"), pinned: true))
        },
        Endpoint(.post, "v1/images/unpin") { request, _ in
            try request.refuseBody()
            return try .json(await runtime.pinImage(QueryParameters(request, known: ["reference"]).reference("reference"), pinned: false))
        },
        Endpoint(.post, "v1/prune") { request, context in
            _ = try QueryParameters(request)
            return try .json(await runtime.prune(request.decodedIfPresent(PruneRequest.self, description.prune, context) ?? PruneRequest()))
        },
        Endpoint(.get, "v1/images/efficiency") { request, _ in
            try request.refuseBody()
            let query = try QueryParameters(request, known: ["reference"])
            return try .json(await runtime.imageEfficiency(query.reference("reference")))
        },
        Endpoint(.get, "v1/images/tree") { request, _ in
            try request.refuseBody()
            let query = try QueryParameters(request, known: ["reference"])
            return try .json(await runtime.imageTree(query.reference("reference")))
        },
        Endpoint(.post, "v1/images/pull") { request, context in
            _ = try QueryParameters(request)
            let wanted = try await request.decoded(PullRequest.self, description.pull, context)
            return try await .progress(context) { report in
                [PullEvent.done(try await runtime.pull(wanted, progress: report))]
            }
        },
        Endpoint(.post, "v1/images/load") { request, context in
            _ = try QueryParameters(request)
            try request.requireContentType("application/x-tar")
            let spool = try await SpoolFile(runtime)
            do {
                try await spool.fill(from: request, context)
            } catch {
                await spool.remove()
                throw error
            }
            return try await .progress(context) { report in
                do {
                    let images = try await runtime.load(spooled: spool.path, progress: report)
                    await spool.remove()
                    return images.map(PullEvent.done)
                } catch {
                    await spool.remove()
                    throw error
                }
            }
        },
        Endpoint(.post, "v1/registries/check") { request, context in
            _ = try QueryParameters(request)
            try await runtime.checkRegistry(request.decoded(RegistryCheckRequest.self, description.registryCheck, context))
            return .noContent
        },
    ]
}
