// SPDX-License-Identifier: Apache-2.0

package import Engine
internal import HTTPTypes
internal import Hummingbird
internal import HummingbirdCore
package import Logging
internal import NIOCore
internal import NIOHTTPTypes
internal import NIOPosix
internal import ServiceLifecycle
internal import Synchronization

/// Serves the socket API: accepts, checks who calls, routes, and at the end lets what runs finish.
///
/// Hummingbird gives the HTTP/1 channel, the router and streaming bodies. Listening is done here, because its server can neither take
/// over a socket nor make one without a moment of wrong access.
package final class APIServer: Service {
    private let listener: Mutex<ListeningSocket?>
    private let group: UInt32
    private let logger: Logger
    private let responder: any HTTPResponder<APIContext>
    private let connections = ConnectionTable(limit: Limits.connections)
    private let onListening: @Sendable () -> Void

    /// - Parameters:
    ///   - group: who may use it, beside root.
    ///   - onListening: called once requests are answered.
    package init(
        _ runtime: NodeRuntime, listener: consuming ListeningSocket, group: UInt32, logger: Logger,
        onListening: @escaping @Sendable () -> Void
    ) throws(APIDescriptionError) {
        self.listener = Mutex(listener)
        self.group = group
        self.logger = logger
        self.onListening = onListening
        responder = makeRouter(runtime, try APIDescription())
    }

    /// Returns when the graceful shutdown has been asked for and every request has been answered; cancelling cuts the requests short.
    package func run() async throws {
        guard let listener = self.listener.withLock({ $0.take() }) else { return }
        let name = listener.name
        let backlog = try ListeningSocket.Backlog(of: listener)
        let descriptor = listener.release()
        let server = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .bind(descriptor, serverBackPressureStrategy: .init(lowWatermark: 1, highWatermark: 8)) { self.open($0) }
        try backlog.restore()
        let sweep = server.channel.eventLoop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { [connections] _ in
            connections.closeOverdue(.now())
        }
        defer { sweep.cancel() }
        onListening()
        try await withGracefulShutdownHandler {
            try await accept(from: server)
        } onGracefulShutdown: { [connections] in
            name?.remove()
            server.channel.close(promise: nil)
            connections.quiesceAll()
        }
    }

    /// One accepted connection, and what speaks HTTP on it.
    private struct Accepted: Sendable {
        let connection: Connection
        let http: HTTP1Channel
        let channel: HTTP1Channel.Value
    }

    private func accept(from server: NIOAsyncChannel<Accepted, Never>) async throws {
        try await server.executeThenClose { inbound in
            await withDiscardingTaskGroup { group in
                do {
                    for try await accepted in inbound {
                        group.addTask { await self.serve(accepted) }
                        await connections.waitForRoom()
                    }
                } catch {
                    logger.error("accepting ended: \(error)")
                }
            }
        }
    }

    private func serve(_ accepted: Accepted) async {
        await accepted.http.handle(value: accepted.channel, logger: logger)
        connections.remove(accepted.connection)
    }

    private func open(_ channel: any Channel) -> EventLoopFuture<Accepted> {
        Peer.of(channel, group: group).flatMap { peer in
            let connection = Connection(channel: channel, peer: peer)
            let http = HTTP1Channel(
                responder: { request, writer, _ in try await self.respond(to: request, writer, connection) },
                configuration: Self.configuration(connection))
            return http.setup(channel: channel, logger: self.logger).map { ready in
                self.connections.add(connection)
                return Accepted(connection: connection, http: http, channel: ready)
            }
        }
    }

    private static func configuration(_ connection: Connection) -> HTTP1Channel.Configuration {
        HTTP1Channel.Configuration(
            additionalChannelHandlers: [ConnectionHandler(connection)],
            idleTimeout: Limits.idle,
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: Limits.headerFieldBytes, maxHeaderListSize: Limits.headerListBytes,
                maxHeaderFieldCount: Limits.headerFields))
    }

    private func respond(to request: Request, _ writer: consuming ResponseWriter, _ connection: Connection) async throws {
        if request.headers[.expect]?.lowercased() == "100-continue" {
            try await writer.writeInformationalHead(HTTPResponse(status: .continue))
        }
        let clock = ContinuousClock()
        let start = clock.now
        connection.hasUnreadBody = request.hasBody
        var response = try await answer(request, connection)
        response.headers[.date] = HTTPDate.text()
        if request.method == .head { response = response.createHeadResponse() }
        let lingers = response.status.code >= 400 && connection.hasUnreadBody
        if lingers { response.headers[.connection] = "close" }
        logger.debug(
            "\(request.method) \(request.uri.path) \(response.status.code)",
            metadata: ["uid": "\(connection.peer.uid)", "pid": "\(connection.peer.pid)", "after": "\(clock.now - start)"])

        if response.body.contentLength != nil { connection.expect(within: Limits.departure) }
        try await writer.write(response: response.head, body: response.body)
        // The body of a refused request may go on for ever: it is read a little, so that the client sees the answer, and then cut.
        connection.expect(within: lingers ? Limits.lingering : nil)
    }

    private func answer(_ request: Request, _ connection: Connection) async throws -> Response {
        guard connection.peer.isAllowed else {
            logger.warning("refused a client", metadata: ["uid": "\(connection.peer.uid)", "pid": "\(connection.peer.pid)"])
            return Response(
                APIProblem(
                    .permissionDenied, "user \(connection.peer.uid) is neither root nor in group \(group)",
                    remedy: "ask to be added to the socket's group; that is as good as being root"))
        }
        return try await responder.respond(to: request, context: APIContext(source: .init(logger: logger, connection: connection)))
    }
}
