// SPDX-License-Identifier: Apache-2.0

package import APITypes
internal import AsyncHTTPClient
package import Logging
internal import NIOCore
internal import NIOHTTP1
internal import NIOSSL
package import OCI

internal import struct Crypto.SHA256

/// A document as a registry gave it; its digest is over these bytes.
package struct RegistryDocument: Sendable {
    package var bytes: [UInt8]
    package var contentType: String?
    package var digest: Digest
}

/// Speaks to registries. Source: distribution-spec, "Pull"; Docker's token authentication.
///
/// Credentials and tokens go to the host that asked for them, and never along with a redirect to another one.
package final class RegistryClient: Sendable {
    let configuration: RegistryConfiguration
    let logger: Logger
    let http: HTTPClient
    let tokens = TokenCache()

    static let manifestTypes: [MediaType] = [.ociIndex, .ociManifest, .dockerIndex, .dockerManifest]
    private static let mostRedirects = 5
    private static let mostAttempts = 5

    package init(configuration: RegistryConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
        var options = HTTPClient.Configuration()
        // Followed by hand: a library would have to be trusted with what it sends along.
        options.redirectConfiguration = .disallow
        options.timeout = HTTPClient.Configuration.Timeout(connect: .seconds(15), read: .seconds(60))
        options.decompression = .disabled
        options.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 16
        http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: options)
    }

    package func shutdown() async { try? await http.shutdown() }

    /// Asks for what a reference points at, by its digest where it has one.
    /// - Throws: `RegistryError`; a digest that was asked for is checked over the bytes, as is the one that the registry names.
    package func manifest(_ reference: ImageReference, credentials: RegistryCredentials?) async throws -> RegistryDocument {
        let target = reference.digest?.description ?? reference.tag ?? "latest"
        let what = "manifest \(reference.name)\(reference.digest == nil ? ":" : "@")\(target)"
        let request = RegistryRequest(
            registry: reference.registry, repository: reference.repository, path: "manifests/\(target)", what: what,
            accept: Self.manifestTypes.map(\.rawValue),
            credentials: credentials)
        let response = try await send(request)
        let bytes = try await collect(response, what, limit: ImageDocument.sizeLimit)
        let digest = Digest(sha256: SHA256.hash(data: bytes))
        let named = response.headers.first(name: "Docker-Content-Digest").flatMap { Digest($0) }
        if let expected = reference.digest ?? named, expected.algorithm == .sha256, expected != digest {
            throw RegistryError.wrongDigest(what: what, expected: expected, got: digest)
        }
        return RegistryDocument(bytes: bytes, contentType: response.headers.first(name: "Content-Type"), digest: digest)
    }

    /// A small blob whole: an image config.
    package func blob(_ descriptor: Descriptor, of reference: ImageReference, limit: Int, credentials: RegistryCredentials?) async throws
        -> [UInt8]
    {
        let what = "blob \(descriptor.digest)"
        guard descriptor.size <= Int64(limit) else { throw RegistryError.tooLarge(what: what, limit: limit) }
        let response = try await send(blobRequest(descriptor.digest, reference, credentials))
        let bytes = try await collect(response, what, limit: Int(descriptor.size))
        let digest = Digest(sha256: SHA256.hash(data: bytes))
        guard digest == descriptor.digest, Int64(bytes.count) == descriptor.size else {
            throw RegistryError.wrongDigest(what: what, expected: descriptor.digest, got: digest)
        }
        return bytes
    }

    /// Are these credentials good? - Throws: `RegistryError.unauthorized` where not.
    package func check(_ registry: String, credentials: RegistryCredentials) async throws {
        _ = try await send(
            RegistryRequest(registry: registry, repository: nil, path: "", what: "the API", accept: [], credentials: credentials))
    }

    func blobRequest(_ digest: Digest, _ reference: ImageReference, _ credentials: RegistryCredentials?) -> RegistryRequest {
        RegistryRequest(
            registry: reference.registry, repository: reference.repository, path: "blobs/\(digest)", what: "blob \(digest)", accept: [],
            credentials: credentials)
    }

    // MARK: Requests

    /// Sends a request until it is answered well: authenticates once, follows redirects, tries again what may pass.
    func send(_ request: RegistryRequest) async throws -> HTTPClientResponse {
        var attempt = 0
        while true {
            attempt += 1
            let retry: RetryReason
            do {
                let response = try await authenticated(request)
                switch response.status.code {
                case 200, 206: return response
                case 401, 403:
                    throw RegistryError.unauthorized(registry: request.registry, what: request.what, status: Int(response.status.code))
                case 404: throw RegistryError.notFound(what: request.what, registry: request.registry)
                case 408, 429, 500...599:
                    retry = RetryReason(
                        reason: "HTTP \(response.status.code)", after: response.headers.first(name: "Retry-After").flatMap { Int64($0) })
                default: throw try await refusal(response, request)
                }
            } catch let error as RegistryError {
                throw error
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                if Task.isCancelled { throw CancellationError() }
                retry = RetryReason(reason: printable("\(error)"), after: nil)
            }
            guard attempt < Self.mostAttempts else {
                throw RegistryError.unavailable(what: request.what, registry: request.registry, reason: retry.reason)
            }
            logger.debug("trying again", metadata: ["what": "\(request.what)", "attempt": "\(attempt)", "reason": "\(retry.reason)"])
            try await retry.pause(attempt: attempt)
        }
    }

    private func refusal(_ response: HTTPClientResponse, _ request: RegistryRequest) async throws -> RegistryError {
        let words = (try? await collect(response, request.what, limit: 4096)).map {
            printable(String(decoding: $0, as: UTF8.self), limit: 200)
        }
        return .refused(what: request.what, registry: request.registry, status: Int(response.status.code), words: words ?? "")
    }

    private func authenticated(_ request: RegistryRequest) async throws -> HTTPClientResponse {
        let scope = TokenScope(registry: request.registry, repository: request.repository, user: request.credentials?.username)
        let first = try await follow(request, authorization: tokens.authorization(scope))
        guard first.status.code == 401, let challenge = first.headers[canonicalForm: "WWW-Authenticate"].compactMap({ Challenge($0) }).first
        else {
            return first
        }
        let authorization = try await authorize(challenge, request)
        tokens.keep(authorization, for: scope)
        return try await follow(request, authorization: authorization.header)
    }

    private func follow(_ request: RegistryRequest, authorization: String?) async throws -> HTTPClientResponse {
        let scheme = configuration.scheme(of: request.registry)
        let base = "\(scheme)://\(RegistryConfiguration.host(of: request.registry))"
        var url = base + "/v2/" + (request.repository.map { "\($0)/" } ?? "") + request.path
        for _ in 0...Self.mostRedirects {
            var outgoing = HTTPClientRequest(url: url)
            outgoing.headers.add(name: "User-Agent", value: "ctr-swift/0.1")
            for type in request.accept { outgoing.headers.add(name: "Accept", value: type) }
            if request.offset > 0 { outgoing.headers.add(name: "Range", value: "bytes=\(request.offset)-") }
            if let authorization, Self.origin(url) == Self.origin(base) {
                outgoing.headers.add(name: "Authorization", value: authorization)
            }
            if let file = configuration.certificates[request.registry], Self.origin(url) == Self.origin(base) {
                outgoing.tlsConfiguration = Self.trusting(file)
            }
            let response = try await http.execute(outgoing, deadline: .distantFuture)
            guard (300..<400).contains(response.status.code), response.status.code != 304 else { return response }
            guard let location = response.headers.first(name: "Location"), let next = Self.absolute(location, from: url) else {
                throw RegistryError.badRedirect(what: request.what, reason: "a redirect without a usable Location")
            }
            // From TLS to plain text anybody on the way could answer.
            guard next.hasPrefix("https://") || scheme == "http" else {
                throw RegistryError.badRedirect(what: request.what, reason: "a redirect from https to \(printable(next, limit: 60))")
            }
            url = next
        }
        throw RegistryError.badRedirect(what: request.what, reason: "more than \(Self.mostRedirects) redirects")
    }

    private static func trusting(_ file: String) -> TLSConfiguration {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.additionalTrustRoots = [.file(file)]
        return tls
    }

    /// Scheme, host and port.
    static func origin(_ url: String) -> String {
        guard let range = url.firstRange(of: "://") else { return url }
        return String(url[..<range.upperBound] + url[range.upperBound...].prefix { $0 != "/" && $0 != "?" }).lowercased()
    }

    private static func absolute(_ location: String, from url: String) -> String? {
        guard location.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), !location.isEmpty else { return nil }
        if location.hasPrefix("http://") || location.hasPrefix("https://") { return location }
        return location.hasPrefix("/") && !location.hasPrefix("//") ? origin(url) + location : nil
    }

    func collect(_ response: HTTPClientResponse, _ what: String, limit: Int) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        for try await part in response.body {
            guard bytes.count + part.readableBytes <= limit else { throw RegistryError.tooLarge(what: what, limit: limit) }
            bytes.append(contentsOf: part.readableBytesView)
        }
        return bytes
    }
}

/// What is asked of a registry.
struct RegistryRequest: Sendable {
    var registry: String
    var repository: String?
    var path: String
    var what: String
    var accept: [String]
    var credentials: RegistryCredentials?
    /// Where a blob goes on.
    var offset: Int64 = 0
}

/// Why a request is made again, and when.
struct RetryReason {
    var reason: String
    /// Seconds that the registry asked for.
    var after: Int64?

    func pause(attempt: Int) async throws {
        let backoff = 0.2 * Double(1 << min(attempt, 6)) * Double.random(in: 0.5...1)
        let asked = after.map { Double(min(max($0, 0), 30)) } ?? 0
        try await Task.sleep(for: .milliseconds(Int64(max(backoff, asked) * 1000)))
    }
}
