// SPDX-License-Identifier: Apache-2.0

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
    ]
}
