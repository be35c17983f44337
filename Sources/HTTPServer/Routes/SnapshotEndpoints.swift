// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import Engine
internal import Hummingbird

func snapshotEndpoints(_ service: Backend) -> [Endpoint] {
    let runtime = service.runtime
    return [
        Endpoint(.get, "v1/snapshots") { request, _ in
            try request.requirePlain()
            return try .json(await runtime.snapshots())
        },
        Endpoint(.get, "v1/snapshots/usage") { request, _ in
            try request.requirePlain()
            return try .json(await runtime.snapshotUsage())
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
