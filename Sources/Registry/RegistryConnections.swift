// SPDX-License-Identifier: Apache-2.0

internal import AsyncHTTPClient
internal import NIOCore
internal import Synchronization

/// The HTTP clients: one for direct connections, and one a proxy.
final class RegistryConnections: Sendable {
    private let configuration: RegistryConfiguration
    private let direct: HTTPClient
    private let proxied = Mutex<[RegistryProxies.Server: HTTPClient]>([:])

    init(_ configuration: RegistryConfiguration) {
        self.configuration = configuration
        direct = HTTPClient(eventLoopGroupProvider: .singleton, configuration: Self.options(configuration.timing, nil))
    }

    /// - Throws: `RegistryError.unavailable`, where the environment names a proxy that can't be used.
    func client(for address: WebAddress.Origin, what: String) throws -> HTTPClient {
        switch configuration.proxies.way(to: address.host, port: address.port, tls: address.scheme == .https) {
        case .direct: return direct
        case .unusable(let reason):
            throw RegistryError.unavailable(what: what, registry: address.authority, reason: "the environment names \(reason)")
        case .through(let server):
            let timing = configuration.timing
            return proxied.withLock { clients in
                if let known = clients[server] { return known }
                let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: Self.options(timing, server))
                clients[server] = client
                return client
            }
        }
    }

    func shutdown() async {
        for client in [direct] + proxied.withLock({ Array($0.values) }) { try? await client.shutdown() }
    }

    private static func options(_ timing: RegistryTiming, _ server: RegistryProxies.Server?) -> HTTPClient.Configuration {
        var options = HTTPClient.Configuration()
        // Followed by hand: a library would have to be trusted with what it sends along.
        options.redirectConfiguration = .disallow
        options.timeout = HTTPClient.Configuration.Timeout(connect: TimeAmount(timing.connect), read: TimeAmount(timing.stall))
        options.decompression = .disabled
        options.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 16
        // What can't be reached is tried again by the caller, with what else may pass.
        options.connectionPool.retryConnectionEstablishment = false
        if let server {
            let authorization = server.username.map {
                HTTPClient.Authorization.basic(username: $0, password: server.password ?? "")
            }
            options.proxy =
                server.isSOCKS
                ? .socksServer(host: server.host, port: server.port)
                : .server(host: server.host, port: server.port, authorization: authorization)
        }
        return options
    }
}
