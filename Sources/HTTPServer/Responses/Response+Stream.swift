// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import ServiceLifecycle

extension Response {
    /// A stream of the lines that `produce` appends. An error of it cuts the body short, so that the client sees that it is not whole.
    static func lines(
        _ context: APIContext, _ produce: @escaping @Sendable (LineFeed) async throws -> Void
    ) -> Response {
        let feed = LineFeed()
        let producer = StreamProducer {
            do {
                try await produce(feed)
                feed.finish()
            } catch {
                feed.finish(error)
            }
        }
        return lines(feed, producer, context)
    }

    /// A body of JSON lines, as `feed` gets them.
    ///
    /// Ends with the feed; when the daemon stops, which ends the producer; and when the client closes, or takes nothing for ten minutes.
    static func lines(_ feed: LineFeed, _ producer: StreamProducer, _ context: APIContext) -> Response {
        let connection = context.connection
        let body = ResponseBody { writer in
            connection.whenClientLeaves { feed.finish(ClientGone()) }
            defer { connection.whenClientLeaves(nil) }
            try await withGracefulShutdownHandler {
                while let lines = try await feed.next() {
                    connection.expect(within: Limits.streamDeparture)
                    try await writer.write(lines)
                    connection.expect(within: nil)
                }
            } onGracefulShutdown: {
                producer.cancel()
            }
            connection.expect(within: Limits.departure)
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: [.contentType: APIMediaType.ndjson], body: body)
    }
}

/// The client closed its connection, or its sending half.
private struct ClientGone: Error {}
