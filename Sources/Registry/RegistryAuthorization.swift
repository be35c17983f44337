// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import AsyncHTTPClient
internal import JSON
internal import Linux
internal import NIOCore
internal import NIOHTTP1
internal import OCI
internal import Synchronization

/// A WWW-Authenticate header. Source: RFC 9110, 11.6.1; Docker's "Token Authentication Specification".
struct Challenge: Equatable {
    var scheme: String
    var parameters: [String: String] = [:]

    init?(_ header: some StringProtocol) {
        let text = String(header)
        scheme = String(text.prefix { $0 != " " }).lowercased()
        guard scheme == "bearer" || scheme == "basic" else { return nil }
        var rest = text.dropFirst(scheme.count)[...]
        while true {
            rest = rest.drop { $0 == " " || $0 == "," }
            guard let equals = rest.firstIndex(of: "=") else { return }
            let key = rest[..<equals].lowercased()
            rest = rest[rest.index(after: equals)...]
            if rest.first == "\"" {
                rest = rest.dropFirst()
                guard let end = rest.firstIndex(of: "\"") else { return nil }
                parameters[key] = String(rest[..<end])
                rest = rest[rest.index(after: end)...]
            } else {
                let value = rest.prefix { $0 != "," && $0 != " " }
                parameters[key] = String(value)
                rest = rest[value.endIndex...]
            }
        }
    }
}

struct Authorization: Sendable {
    var header: String
    /// Monotonic; nil does not end.
    var expires: ContinuousClock.Instant?
}

struct TokenScope: Hashable, Sendable {
    var registry: String
    var repository: String?
    var user: String?
}

/// Tokens that were given, until shortly before they end.
final class TokenCache: Sendable {
    private let tokens = Mutex<[TokenScope: Authorization]>([:])

    func authorization(_ scope: TokenScope) -> String? {
        tokens.withLock { tokens in
            guard let known = tokens[scope] else { return nil }
            if let expires = known.expires, expires < .now {
                tokens[scope] = nil
                return nil
            }
            return known.header
        }
    }

    func keep(_ authorization: Authorization, for scope: TokenScope) { tokens.withLock { $0[scope] = authorization } }
}

extension RegistryClient {
    func authorize(_ challenge: Challenge, _ request: RegistryRequest) async throws -> Authorization {
        if challenge.scheme == "basic" {
            guard let credentials = request.credentials else {
                throw RegistryError.unauthorized(registry: request.registry, what: request.what, status: 401)
            }
            return Authorization(header: Self.basic(credentials))
        }
        guard let realm = challenge.parameters["realm"], realm.hasPrefix("https://") || realm.hasPrefix("http://") else {
            throw RegistryError.badAnswer(what: request.what, reason: "a Bearer challenge without a realm")
        }
        let realmHost = String(Self.origin(realm).dropFirst(realm.hasPrefix("https") ? 8 : 7))
        guard realm.hasPrefix("https://") || configuration.scheme(of: realmHost) == "http" else {
            throw RegistryError.badAnswer(what: request.what, reason: "its token server \(printable(realmHost)) has no TLS")
        }
        var query: [String] = []
        if let service = challenge.parameters["service"] { query.append("service=\(Self.encoded(service))") }
        let scope = challenge.parameters["scope"] ?? request.repository.map { "repository:\($0):pull" }
        if let scope { query.append("scope=\(Self.encoded(scope))") }
        var outgoing = HTTPClientRequest(url: realm + (realm.contains("?") ? "&" : "?") + query.joined(separator: "&"))
        if let credentials = request.credentials { outgoing.headers.add(name: "Authorization", value: Self.basic(credentials)) }
        let response = try await http.execute(outgoing, timeout: .seconds(30))
        guard response.status == .ok else {
            throw RegistryError.unauthorized(registry: request.registry, what: request.what, status: Int(response.status.code))
        }
        return try Self.token(try await collect(response, "token", limit: 1 << 20), request)
    }

    private static func token(_ bytes: [UInt8], _ request: RegistryRequest) throws -> Authorization {
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
        guard let answer = try? JSON.decode(Answer.self, from: bytes), let token = answer.token ?? answer.accessToken,
            token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { throw RegistryError.badAnswer(what: request.what, reason: "the token server's answer holds no token") }
        // Used a little shorter than it lasts; 60 s is the specification's default.
        let seconds = min(max(answer.expiresIn ?? 60, 1), 3600)
        return Authorization(header: "Bearer \(token)", expires: .now + .seconds(max(1, seconds * 9 / 10)))
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
