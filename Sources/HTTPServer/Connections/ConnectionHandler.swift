// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import HTTPTypes
internal import NIOCore
internal import NIOHTTP1
internal import NIOHTTPTypes

/// Hears from the channel that the client will send nothing more, and answers what is not HTTP with a problem.
///
/// Hummingbird's own way to the first, `consumeWithInboundCloseHandler`, is not used: a request that is answered before its end was
/// read leaves an unfinished stream behind, and freeing that traps (2.28). For the second it has an empty body.
final class ConnectionHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let connection: Connection
    /// Requests whose answer has not ended.
    private var unanswered = 0

    init(_ connection: Connection) { self.connection = connection }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .head = unwrapInboundIn(data) { unanswered += 1 }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) { unanswered -= 1 }
        context.write(data, promise: promise)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed? = event as? ChannelEvent { connection.clientLeft() }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        connection.clientLeft()
        context.fireChannelInactive()
    }

    /// Where an answer is owed, its handler hears of the error; else nobody is there to answer.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? HTTPParserError, unanswered == 0 else { return context.fireErrorCaught(error) }
        let problem = APIProblem.invalidRequest("what was sent is not HTTP/1.1 as it is taken here: \(error)")
        let body = ByteBuffer(bytes: problem.bytes)
        let head = HTTPResponse(
            status: .badRequest,
            headerFields: [
                .contentType: APIMediaType.problem, .contentLength: "\(body.readableBytes)", .connection: "close", .date: HTTPDate.text(),
            ])
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(body)), promise: nil)
        let ended = context.eventLoop.makePromise(of: Void.self)
        let channel = context.channel
        ended.futureResult.whenComplete { _ in channel.close(promise: nil) }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: ended)
    }
}
