// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import AsyncHTTPClient
internal import JSON
internal import NIOCore
internal import NIOHTTP1
internal import OCI
internal import Synchronization

struct Authorization: Sendable {
    var header: String
    /// nil does not end.
    var expires: ContinuousClock.Instant?
}

/// What a token is good for. The credentials are a part of it: who has others, gets no token that was given for these.
struct TokenScope: Hashable, Sendable {
    var registry: String
    var repository: String?
    var credentials: RegistryCredentials?
}

/// Tokens that were given, until shortly before they end.
final class TokenCache: Sendable {
    private let tokens = Mutex<[TokenScope: Authorization]>([:])

    func authorization(_ scope: TokenScope, at now: ContinuousClock.Instant) -> String? {
        tokens.withLock { tokens in
            guard let known = tokens[scope] else { return nil }
            if let expires = known.expires, expires <= now {
                tokens[scope] = nil
                return nil
            }
            return known.header
        }
    }

    func keep(_ authorization: Authorization, for scope: TokenScope, at now: ContinuousClock.Instant) {
        tokens.withLock { tokens in
            tokens = tokens.filter { $0.value.expires.map { $0 > now } ?? true }
            tokens[scope] = authorization
        }
    }

    func forget(_ scope: TokenScope) { tokens.withLock { $0[scope] = nil } }
}

extension RegistryClient {
    /// What a challenge of the registry at `origin` is answered with.
    func authorize(_ challenge: Challenge, _ request: RegistryRequest, from origin: WebAddress.Origin) async throws -> Authorization {
        if challenge.scheme == .basic {
            guard let credentials = request.credentials else {
                throw RegistryError.unauthorized(registry: request.registry, what: request.what, status: 401)
            }
            return Authorization(header: Self.basic(credentials))
        }
        guard let realm = challenge.parameters["realm"].flatMap({ WebAddress($0) }) else {
            throw RegistryError.badAnswer(what: request.what, reason: "a Bearer challenge without a realm that can be asked")
        }
        guard configuration.allows(realm.origin, from: origin) else {
            throw RegistryError.badAnswer(what: request.what, reason: "its token server \(printable("\(realm.origin)")) has no TLS")
        }
        let response = try await execute(tokenRequest(realm, challenge, request), at: realm.origin, request.what)
        if let failure = PassingFailure(response, clock) { throw failure }
        guard response.status == .ok else {
            throw RegistryError.unauthorized(registry: request.registry, what: request.what, status: Int(response.status.code))
        }
        var body = PatientBody(response, self)
        return try token(try await body.collect("token for \(request.what)", limit: 1 << 20), request)
    }

    private func tokenRequest(_ realm: WebAddress, _ challenge: Challenge, _ request: RegistryRequest) -> HTTPClientRequest {
        var query: [String] = []
        if let service = challenge.parameters["service"] { query.append("service=\(Self.encoded(service))") }
        let scope = challenge.parameters["scope"] ?? request.repository.map { "repository:\($0):pull" }
        if let scope { query.append("scope=\(Self.encoded(scope))") }
        let parameters = query.isEmpty ? "" : (realm.target.contains("?") ? "&" : "?") + query.joined(separator: "&")
        var outgoing = outgoingRequest(realm, suffix: parameters)
        if let credentials = request.credentials { outgoing.headers.add(name: "Authorization", value: Self.basic(credentials)) }
        return outgoing
    }

    private func token(_ bytes: [UInt8], _ request: RegistryRequest) throws -> Authorization {
        struct Answer: Decodable {
            var token: String?
            var accessToken: String?
            var expiresIn: Int64?
            enum CodingKeys: String, CodingKey {
                case token
                case accessToken = "access_token"
                case expiresIn = "expires_in"
            }
        }
        guard let answer = try? JSON.decode(Answer.self, from: bytes), let token = answer.token ?? answer.accessToken, !token.isEmpty,
            token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { throw RegistryError.badAnswer(what: request.what, reason: "the token server's answer holds no token") }
        // Used a little shorter than it lasts; 60 s is the specification's default.
        let seconds = min(max(answer.expiresIn ?? 60, 1), 3600)
        return Authorization(header: "Bearer \(token)", expires: clock.now() + .milliseconds(seconds * 900))
    }

    private static func basic(_ credentials: RegistryCredentials) -> String {
        "Basic " + base64(Array("\(credentials.username):\(credentials.password)".utf8))
    }

    /// RFC 3986, unreserved characters stay.
    private static func encoded(_ text: String) -> String {
        text.utf8.map { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
                String(UnicodeScalar(byte))
            default: "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }.joined()
    }

    private static func base64(_ bytes: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let bits = group.enumerated().reduce(UInt32(0)) { $0 | UInt32($1.element) << UInt32(16 - 8 * $1.offset) }
            for index in 0..<4 {
                text.append(index <= group.count ? alphabet[Int(bits >> UInt32(18 - 6 * index) & 63)] : UInt8(ascii: "="))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
