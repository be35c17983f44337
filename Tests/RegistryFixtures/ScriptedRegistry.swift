// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import NIOCore
package import NIOHTTP1
internal import NIOPosix
package import NIOSSL
internal import Synchronization

/// A request as it came.
package struct SeenRequest: Sendable {
    package var method: String
    package var path: String
    package var query: String
    package var headers: HTTPHeaders
    /// How many requests for this path came before it.
    package var round: Int

    package func header(_ name: String) -> String? { headers.first(name: name) }

    /// Where a `Range: bytes=n-` begins.
    package var offset: Int? { header("Range").flatMap { Int($0.dropFirst("bytes=".count).dropLast()) } }
}

/// A registry on a free port of 127.0.0.1 that says what a test tells it to say, for what a real one does not do on demand.
///
/// Suites with it are serialized: hundreds of servers, clients and stores at once would need more descriptors than a process usually has.
package final class ScriptedRegistry: Sendable {
    package typealias Script = @Sendable (SeenRequest) -> Answer

    private let script: Mutex<Script>
    private let seen = Mutex<[SeenRequest]>([])
    private let connections = Mutex<[ObjectIdentifier: any Channel]>([:])
    private let listener = Mutex<(any Channel)?>(nil)
    private let tls: NIOSSLContext?

    private init(tls: NIOSSLContext?, script: @escaping Script) {
        self.tls = tls
        self.script = Mutex(script)
    }

    /// Serves for as long as the body runs.
    package static func serve<Value>(
        on address: String = "127.0.0.1", tls: NIOSSLContext? = nil, _ script: @escaping Script,
        _ body: (ScriptedRegistry) async throws -> Value
    ) async throws -> Value {
        let registry = ScriptedRegistry(tls: tls, script: script)
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(ChannelOptions.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in channel.eventLoop.makeCompletedFuture { try registry.adopt(channel) } }
            .bind(host: address, port: 0).get()
        registry.listener.withLock { $0 = listener }
        let result: Result<Value, any Error>
        do { result = .success(try await body(registry)) } catch { result = .failure(error) }
        try? await listener.close()
        for channel in registry.connections.withLock({ Array($0.values) }) { try? await channel.close() }
        return try result.get()
    }

    package var port: Int { listener.withLock { $0?.localAddress?.port ?? 0 } }
    package var host: String { "127.0.0.1:\(port)" }
    package var url: String { "\(tls == nil ? "http" : "https")://\(host)" }

    /// Every request so far, in the order that they came.
    package var requests: [SeenRequest] { seen.withLock { $0 } }

    package func requests(_ path: String) -> [SeenRequest] { requests.filter { $0.path == path } }

    /// Says something else from now on.
    package func answer(_ script: @escaping Script) { self.script.withLock { $0 = script } }

    private func adopt(_ channel: any Channel) throws {
        let id = ObjectIdentifier(channel)
        connections.withLock { $0[id] = channel }
        channel.closeFuture.whenComplete { _ in self.connections.withLock { $0[id] = nil } }
        if let tls { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
        try channel.pipeline.syncOperations.addHandler(ByteToMessageHandler(HTTPRequestDecoder()))
        try channel.pipeline.syncOperations.addHandler(ScriptHandler(registry: self))
    }

    fileprivate func answer(to head: HTTPRequestHead) -> Answer {
        let parts = head.uri.split(separator: "?", maxSplits: 1).map { String($0) }
        let request = seen.withLock { seen in
            let path = parts.first ?? ""
            let request = SeenRequest(
                method: head.method.rawValue, path: path, query: parts.count > 1 ? parts[1] : "", headers: head.headers,
                round: seen.filter { $0.path == path }.count)
            seen.append(request)
            return request
        }
        return script.withLock { $0 }(request)
    }
}

/// Takes requests, and does what the script says, step by step.
private final class ScriptHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart

    private let registry: ScriptedRegistry

    init(registry: ScriptedRegistry) { self.registry = registry }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(let head) = unwrapInboundIn(data) else { return }
        Self.perform(registry.answer(to: head).steps[...], registry, on: context.channel)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private static func perform(_ steps: ArraySlice<Answer.Step>, _ registry: ScriptedRegistry, on channel: any Channel) {
        guard let step = steps.first else { return }
        let rest = steps.dropFirst()
        switch step {
        case .send(let bytes): channel.writeAndFlush(ByteBuffer(bytes: bytes)).whenSuccess { perform(rest, registry, on: channel) }
        case .forever(let bytes): pour(ByteBuffer(bytes: bytes), on: channel)
        case .drip(let bytes, let pause): drip(ByteBuffer(bytes: bytes), .milliseconds(pause), on: channel)
        case .silence: break
        case .reset:
            // An abortive close: the client sees ECONNRESET and not an end.
            let options = channel as? any SocketOptionProvider
            let set = options?.setSoLinger(linger(l_onoff: 1, l_linger: 0)) ?? channel.eventLoop.makeSucceededVoidFuture()
            set.whenComplete { _ in channel.close(promise: nil) }
        case .end: channel.close(promise: nil)
        case .startTLS(let context): startOver(registry, on: channel, NIOSSLServerHandler(context: context))
        case .startOver: startOver(registry, on: channel, nil)
        case .wait(let condition):
            Task {
                await condition()
                perform(rest, registry, on: channel)
            }
        }
    }

    /// New handlers take the places of the old ones: after a CONNECT the old decoder reads no more.
    private static func startOver(_ registry: ScriptedRegistry, on channel: any Channel, _ tls: NIOSSLServerHandler?) {
        channel.eventLoop.assumeIsolated().execute {
            let pipeline = channel.pipeline.syncOperations
            guard let decoder = try? pipeline.context(handlerType: ByteToMessageHandler<HTTPRequestDecoder>.self),
                let script = try? pipeline.context(handlerType: ScriptHandler.self)
            else { return }
            pipeline.removeHandler(context: decoder, promise: nil)
            pipeline.removeHandler(context: script, promise: nil)
            if let tls { try? pipeline.addHandler(tls) }
            try? pipeline.addHandler(ByteToMessageHandler(HTTPRequestDecoder()))
            try? pipeline.addHandler(ScriptHandler(registry: registry))
        }
    }

    private static func pour(_ bytes: ByteBuffer, on channel: any Channel) {
        // Not at once: a write that is done at once would call itself, deeper and deeper.
        channel.writeAndFlush(bytes).whenSuccess { channel.eventLoop.execute { pour(bytes, on: channel) } }
    }

    private static func drip(_ bytes: ByteBuffer, _ pause: TimeAmount, on channel: any Channel) {
        channel.writeAndFlush(bytes).whenSuccess {
            channel.eventLoop.scheduleTask(in: pause) { drip(bytes, pause, on: channel) }
        }
    }
}
