// SPDX-License-Identifier: Apache-2.0

internal import Hummingbird
internal import Logging

/// What a handler knows beside the request: whose connection it came by.
struct APIContext: RequestContext {
    struct Source: RequestContextSource {
        let logger: Logger
        let connection: Connection
    }

    var coreContext: CoreRequestContextStorage
    let connection: Connection

    init(source: Source) {
        coreContext = CoreRequestContextStorage(source: source)
        connection = source.connection
    }
}
