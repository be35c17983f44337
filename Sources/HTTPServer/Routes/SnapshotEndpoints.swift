// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import Engine
internal import Hummingbird

func snapshotEndpoints(_ service: Backend) -> [Endpoint] {
    let runtime = service.runtime
    return [
        Endpoint(.get, "v1/snapshots") { request, _ in
            try request.refuseBody()
            let fresh = try QueryParameters(request, known: ["fresh"]).flag("fresh")
            return try .json(await runtime.snapshots(fresh: fresh))
        },
        Endpoint(.get, "v1/snapshots/usage") { request, _ in
            try request.refuseBody()
            let fresh = try QueryParameters(request, known: ["fresh"]).flag("fresh")
            return try .json(await runtime.snapshotUsage(fresh: fresh))
        },
        Endpoint(.get, "v1/snapshots/tree") { request, _ in
            try request.requirePlain()
            return try .json(await runtime.snapshotTree())
        },
        Endpoint(.get, "v1/snapshots/orphans") { request, _ in
            try request.requirePlain()
            return try .json(await runtime.snapshotOrphans())
        },
        Endpoint(.get, "v1/snapshots/owner") { request, _ in
            try request.refuseBody()
            let query = try QueryParameters(request, known: ["path", "container"])
            let path = try query.text("path", limit: 4096)
            guard let container = try query.optionalText("container", limit: 128) else {
                return try .json(await runtime.owner(ofPath: path))
            }
            return try .json(await runtime.owner(of: path, in: container))
        },
        Endpoint(.get, "v1/snapshots/uppers/:id") { request, context in
            try request.refuseBody()
            let top = try QueryParameters(request, known: ["top"]).count("top") ?? 10
            return try .json(await runtime.upper(of: context.containerName(), top: top))
        },
        Endpoint(.post, "v1/fsck") { request, context in
            _ = try QueryParameters(request)
            let wanted = try await request.decodedIfPresent(CheckRequest.self, service.description.check, context) ?? CheckRequest()
            return try await .progress(context) { report in
                [CheckEvent.done(try await runtime.check(wanted, progress: report))]
            }
        },
        Endpoint(.post, "v1/repair") { request, context in
            _ = try QueryParameters(request)
            let wanted = try await request.decoded(RepairRequest.self, service.description.repair, context)
            return try await .progress(context) { report in
                [RepairEvent.done(try await runtime.repair(wanted, progress: report))]
            }
        },
    ]
}
