// SPDX-License-Identifier: Apache-2.0

internal import AsyncHTTPClient
internal import Logging
internal import NIOCore
internal import NIOHTTP1
internal import NIOSSL
internal import OCI

// A request until it is answered well: authenticated once, sent on by redirects, made again where that may help.
extension RegistryClient {
    private static let mostRedirects = 5

    /// A document whole. One that broke on its way is asked for again.
    func document(_ request: RegistryRequest, limit: Int) async throws -> (HTTPHeaders, [UInt8]) {
        try await send(request) { response in
            guard response.status == .ok else {
                throw RegistryError.badAnswer(what: request.what, reason: "HTTP \(response.status.code), but nobody asked for a part")
            }
            var body = PatientBody(response, self)
            return (response.headers, try await body.collect(request.what, limit: limit))
        }
    }

    /// - Parameter receive: takes a good answer (HTTP 200 or 206); what it fails with is judged like a failure of the request.
    func send<Value>(_ request: RegistryRequest, _ receive: (HTTPClientResponse) async throws -> Value) async throws -> Value {
        var attempt = 1
        while true {
            do { return try await receive(try await goodAnswer(request)) } catch {
                let failure = try PassingFailure(error, what: request.what, registry: request.registry)
                guard attempt < configuration.timing.attempts else {
                    throw RegistryError.unavailable(what: request.what, registry: request.registry, reason: failure.reason)
                }
                logger.debug(
                    "trying again", metadata: ["what": "\(request.what)", "attempt": "\(attempt)", "reason": "\(failure.reason)"])
                try await pause(after: attempt, failure)
                attempt += 1
            }
        }
    }

    private func goodAnswer(_ request: RegistryRequest) async throws -> HTTPClientResponse {
        let (response, origin) = try await authenticated(request)
        if let failure = PassingFailure(response, clock) { throw failure }
        switch response.status.code {
        case 200, 206: return response
        case 401, 403:
            throw RegistryError.unauthorized(
                registry: printable(origin.authority), what: request.what, status: Int(response.status.code))
        case 404: throw RegistryError.notFound(what: request.what, registry: request.registry)
        default: throw await refusal(response, request)
        }
    }

    private func refusal(_ response: HTTPClientResponse, _ request: RegistryRequest) async -> RegistryError {
        var body = PatientBody(response, self)
        let words = (try? await body.collect(request.what, limit: 4096)).map {
            printable(String(decoding: $0, as: UTF8.self), limit: 200)
        }
        return .refused(what: request.what, registry: request.registry, status: Int(response.status.code), words: words ?? "")
    }

    private func authenticated(_ request: RegistryRequest) async throws -> (HTTPClientResponse, WebAddress.Origin) {
        guard let base = configuration.base(of: request.registry) else {
            throw RegistryError.unavailable(what: request.what, registry: printable(request.registry), reason: "it is no host")
        }
        let scope = TokenScope(request)
        let first = try await follow(request, base, authorization: tokens.authorization(scope, at: clock.now()))
        // A challenge counts where it comes from the registry: another host, to which it sent us on, has no business with its passwords
        // (CVE-2020-15157).
        guard first.response.status == .unauthorized, first.isOwn,
            let challenge = Challenge.choose(among: first.response.headers["WWW-Authenticate"])
        else { return (first.response, first.origin) }
        let authorization = try await authorize(challenge, request, from: base.origin)
        let second = try await follow(request, base, authorization: authorization.header)
        // What was refused is not said again.
        if second.response.status == .unauthorized, second.isOwn {
            tokens.forget(scope)
        } else {
            tokens.keep(authorization, for: scope, at: clock.now())
        }
        return (second.response, second.origin)
    }

    private struct Followed {
        var response: HTTPClientResponse
        var origin: WebAddress.Origin
        /// No redirect has led away from the registry.
        var isOwn: Bool
    }

    private func follow(_ request: RegistryRequest, _ base: WebAddress, authorization: String?) async throws -> Followed {
        var address = base
        address.target += (request.repository.map { "\($0)/" } ?? "") + request.path
        var isOwn = true
        for _ in 0...Self.mostRedirects {
            var outgoing = outgoingRequest(address)
            for type in request.accept { outgoing.headers.add(name: "Accept", value: type) }
            if request.offset > 0 { outgoing.headers.add(name: "Range", value: "bytes=\(request.offset)-") }
            if let authorization, isOwn { outgoing.headers.add(name: "Authorization", value: authorization) }
            let response = try await execute(outgoing, at: address.origin, request.what)
            guard [301, 302, 303, 307, 308].contains(response.status.code) else {
                return Followed(response: response, origin: address.origin, isOwn: isOwn)
            }
            guard let next = response.headers.first(name: "Location").flatMap({ address.resolving($0) }) else {
                throw RegistryError.badRedirect(what: request.what, reason: "a redirect without a usable Location")
            }
            guard configuration.allows(next.origin, from: address.origin) else {
                throw RegistryError.badRedirect(
                    what: request.what, reason: "a redirect from \(address.origin) to \(printable("\(next.origin)")), which has no TLS")
            }
            // Who has left does not come back with credentials: the other host chose where to.
            if next.origin != base.origin { isOwn = false }
            address = next
        }
        throw RegistryError.badRedirect(what: request.what, reason: "more than \(Self.mostRedirects) redirects")
    }

    func outgoingRequest(_ address: WebAddress, suffix: String = "") -> HTTPClientRequest {
        var outgoing = HTTPClientRequest(url: "\(address)\(suffix)")
        outgoing.headers.add(name: "User-Agent", value: "ctr-swift/0.1")
        if let file = configuration.certificate(for: address.origin) {
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.additionalTrustRoots = [.file(file)]
            outgoing.tlsConfiguration = tls
        }
        return outgoing
    }

    /// Without a deadline for the whole: how long a blob may take depends on its size. A connection that stalls is given up.
    func execute(_ request: HTTPClientRequest, at origin: WebAddress.Origin, _ what: String) async throws -> HTTPClientResponse {
        try await connections.client(for: origin, what: what).execute(request, deadline: .distantFuture)
    }
}
