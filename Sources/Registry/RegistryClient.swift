// SPDX-License-Identifier: Apache-2.0

package import APITypes
package import Logging
internal import NIOHTTP1
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
    let clock: RegistryClock
    let logger: Logger
    let connections: RegistryConnections
    let tokens = TokenCache()

    private static let manifestTypes: [MediaType] = [.ociIndex, .ociManifest, .dockerIndex, .dockerManifest]

    package init(configuration: RegistryConfiguration, clock: RegistryClock = .real, logger: Logger) {
        self.configuration = configuration
        self.clock = clock
        self.logger = logger
        connections = RegistryConnections(configuration)
    }

    package func shutdown() async { await connections.shutdown() }

    /// Asks for what a reference points at, by its digest where it has one.
    /// - Throws: `RegistryError`; a digest that was asked for is checked over the bytes, as is the one that the registry names.
    package func manifest(_ reference: ImageReference, credentials: RegistryCredentials?) async throws -> RegistryDocument {
        let target = reference.digest?.description ?? reference.tag ?? "latest"
        let what = "manifest \(reference.name)\(reference.digest == nil ? ":" : "@")\(target)"
        if let digest = reference.digest { try Self.requireSHA256(digest, what) }
        let request = RegistryRequest(
            registry: reference.registry, repository: reference.repository, path: "manifests/\(target)", what: what,
            accept: Self.manifestTypes.map(\.rawValue), credentials: credentials)
        let (headers, bytes) = try await document(request, limit: ImageDocument.sizeLimit)
        let digest = Digest(sha256: SHA256.hash(data: bytes))
        let named = headers.first(name: "Docker-Content-Digest").flatMap { Digest($0) }
        if let expected = reference.digest ?? named, expected.algorithm == .sha256, expected != digest {
            throw RegistryError.wrongDigest(what: what, expected: expected, got: digest)
        }
        return RegistryDocument(bytes: bytes, contentType: headers.first(name: "Content-Type"), digest: digest)
    }

    /// A small blob whole: an image config.
    package func blob(_ descriptor: Descriptor, of reference: ImageReference, limit: Int, credentials: RegistryCredentials?) async throws
        -> [UInt8]
    {
        let request = blobRequest(descriptor.digest, reference, credentials)
        try Self.requireSHA256(descriptor.digest, request.what)
        guard descriptor.size <= Int64(limit) else { throw RegistryError.tooLarge(what: request.what, limit: limit) }
        let (_, bytes) = try await document(request, limit: Int(descriptor.size))
        guard Int64(bytes.count) == descriptor.size else {
            throw RegistryError.badAnswer(
                what: request.what, reason: "it has \(bytes.count) bytes, its descriptor says \(descriptor.size)")
        }
        let digest = Digest(sha256: SHA256.hash(data: bytes))
        guard digest == descriptor.digest else {
            throw RegistryError.wrongDigest(what: request.what, expected: descriptor.digest, got: digest)
        }
        return bytes
    }

    /// Are these credentials good? The registry is asked now, whatever it said before.
    /// - Throws: `RegistryError.unauthorized` where not.
    package func check(_ registry: String, credentials: RegistryCredentials) async throws {
        let request = RegistryRequest(
            registry: registry, repository: nil, path: "", what: "the API", accept: [], credentials: credentials)
        tokens.forget(TokenScope(request))
        _ = try await send(request) { _ in }
    }

    func blobRequest(_ digest: Digest, _ reference: ImageReference, _ credentials: RegistryCredentials?) -> RegistryRequest {
        RegistryRequest(
            registry: reference.registry, repository: reference.repository, path: "blobs/\(digest)", what: "blob \(digest)", accept: [],
            credentials: credentials)
    }

    /// Only SHA-256 is computed here: what can't be checked isn't taken.
    private static func requireSHA256(_ digest: Digest, _ what: String) throws {
        guard digest.algorithm == .sha256 else {
            throw RegistryError.badAnswer(what: what, reason: "its digest is no sha256, and others can't be checked")
        }
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

extension TokenScope {
    init(_ request: RegistryRequest) {
        self.init(registry: request.registry, repository: request.repository, credentials: request.credentials)
    }
}
