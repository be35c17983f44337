// SPDX-License-Identifier: Apache-2.0

import APITypes
import OCI
import Registry
import RegistryFixtures
import Synchronization
import Testing

/// R-22. Source: RFC 9110, 11.6.1; Docker's "Token Authentication Specification".
@Suite(.serialized) struct TokenTests {
    private let credentials = RegistryCredentials(username: "lena", password: "secret")

    /// A registry that takes a token from itself.
    private func serve(
        clock: TestClock = TestClock(), challenge: String = #"Bearer realm="REALM/token",service="here",scope="repository:team/app:pull""#,
        token: @escaping @Sendable (SeenRequest) -> Answer,
        isGood: @escaping @Sendable (String, SeenRequest) -> Bool = { header, _ in header.hasPrefix("Bearer good") },
        _ work: (ScriptedRegistry, RegistryClient) async throws -> Void
    ) async throws {
        try await withRegistry(clock: clock) { request in
            if request.path == "/token" { return token(request) }
            if let header = request.header("Authorization"), isGood(header, request) { return .manifest(someManifest) }
            let realm = "http://\(request.header("Host") ?? "")"
            return .unauthorized(challenge.split(separator: "REALM", omittingEmptySubsequences: false).joined(separator: realm))
        } _: { registry, client in
            try await work(registry, client)
        }
    }

    private static func token(_ text: String, expiresIn: Int? = nil, key: String = "token") -> Answer {
        .ok(Array("{\"\(key)\":\"\(text)\"\(expiresIn.map { ",\"expires_in\":\($0)" } ?? "")}".utf8))
    }

    private func pull(_ client: RegistryClient, _ registry: ScriptedRegistry, _ credentials: RegistryCredentials? = nil) async throws {
        _ = try await client.manifest(reference(registry.host), credentials: credentials)
    }

    @Test("the token server is asked with service and scope, and its token is used again", arguments: ["token", "access_token"])
    func flow(key: String) async throws {
        try await serve(token: { _ in Self.token("good", key: key) }) { registry, client in
            try await pull(client, registry)
            try await pull(client, registry)
            #expect(registry.requests("/token").map(\.query) == ["service=here&scope=repository%3Ateam%2Fapp%3Apull"])
            #expect(registry.requests("/token").first?.header("Authorization") == nil)
            #expect(registry.requests(manifestPath).map { $0.header("Authorization") } == [nil, "Bearer good", "Bearer good"])
        }
    }

    @Test(
        "challenges are read as the RFC writes them",
        arguments: [
            (
                #"Bearer realm="REALM/token",service="a,b",scope="repository:x:pull,push""#,
                "service=a%2Cb&scope=repository%3Ax%3Apull%2Cpush"
            ),
            (#"bearer  Realm="REALM/token" , Service = "a\"b\\c" ,scope=plain"#, "service=a%22b%5Cc&scope=plain"),
            (#"Basic realm="x", Bearer realm="REALM/token",service="y""#, "service=y&scope=repository%3Ateam%2Fapp%3Apull"),
            (#"Negotiate abc==, Bearer realm="REALM/token",scope="s""#, "scope=s"),
            (#"Bearer realm="REALM/token?a=b#c",service="é""#, "a=b&service=%C3%A9&scope=repository%3Ateam%2Fapp%3Apull"),
        ])
    func challenges(challenge: String, query: String) async throws {
        try await serve(challenge: challenge, token: { _ in Self.token("good") }) { registry, client in
            try await pull(client, registry)
            #expect(registry.requests("/token").map(\.query) == [query])
        }
    }

    @Test(
        "a challenge that is broken or names no token server that may be asked is refused, and nobody gets the password",
        arguments: [
            #"Bearer"#, #"Bearer service="x""#, #"Bearer realm="""#, #"Bearer realm="/token""#, #"Bearer realm="ftp://127.0.0.1/""#,
            #"Bearer realm="file:///etc/passwd""#, #"Bearer realm="http://evil.example/token""#,
            #"Bearer realm="http://127.0.0.1:1@evil.example/token""#, #"Bearer realm="http://localhost@evil.example/""#,
            #"Bearer realm="http://127.0.0.1.evil.example/""#, #"Bearer realm="http://169.254.169.254/""#,
            #"Bearer realm="http://10.1.2.3:5000/""#, #"Bearer realm="REALM/token"#, #"Bearer realm="REALM/token",realm="REALM/token""#,
            #"Digest realm="x",nonce="y""#, #"="#, "",
        ])
    func hostileChallenges(challenge: String) async throws {
        try await serve(challenge: challenge, token: { _ in Self.token("good") }) { registry, client in
            let error = await failure { try await pull(client, registry, credentials) }
            switch error {
            case .badAnswer, .unauthorized: break
            default: unexpected(error)
            }
            #expect(registry.requests.count == 1, "neither the registry nor the token server was asked again")
        }
    }

    @Test(
        "a token server's answer without a usable token is refused",
        arguments: [
            "", "{}", "[]", #"{"token":""}"#, #"{"token":5}"#, #"{"token":"a b"}"#, #"{"token":"a\r\nX-Evil: 1"}"#, #"{"token":"é"}"#,
            #"{"token":null}"#,
        ])
    func noToken(answer: String) async throws {
        try await serve(token: { _ in .ok(Array(answer.utf8)) }) { registry, client in
            let error = await failure { try await pull(client, registry) }
            guard case .badAnswer = error else { return unexpected(error) }
        }
    }

    @Test("an endless token is not waited for")
    func endlessToken() async throws {
        let endless = Answer(steps: [Answer.head(200), .send(Array(#"{"token":""#.utf8)), .forever(noise(10_000))])
        try await serve(token: { _ in endless }) { registry, client in
            let error = await failure { try await pull(client, registry) }
            guard case .tooLarge = error else { return unexpected(error) }
        }
    }

    @Test("a token is renewed before it ends, and not sooner")
    func expiry() async throws {
        let clock = TestClock()
        try await serve(clock: clock, token: { request in Self.token("good\(request.round)", expiresIn: 300) }) { registry, client in
            try await pull(client, registry)
            clock.advance(by: .seconds(200))
            try await pull(client, registry)
            #expect(registry.requests("/token").count == 1)
            clock.advance(by: .seconds(95))
            try await pull(client, registry)
            #expect(registry.requests("/token").count == 2)
            #expect(registry.requests.last?.header("Authorization") == "Bearer good1")
        }
    }

    @Test("a token that the registry does not take any more is renewed once, and the pull goes on")
    func earlyExpiry() async throws {
        let current = Mutex("good0")
        try await serve(
            token: { request in Self.token("good\(request.round)") }, isGood: { header, _ in header == "Bearer \(current.withLock { $0 })" }
        ) { registry, client in
            try await pull(client, registry)
            current.withLock { $0 = "good1" }
            try await pull(client, registry)
            #expect(registry.requests("/token").count == 2)
        }
    }

    @Test("a fresh token that is refused is final, and asked for again by the next pull")
    func refusedToken() async throws {
        try await serve(token: { _ in Self.token("bad") }) { registry, client in
            for round in 1...2 {
                let error = await failure { try await pull(client, registry) }
                guard case .unauthorized(_, _, 401) = error else { return unexpected(error) }
                #expect(registry.requests("/token").count == round)
                #expect(registry.requests(manifestPath).count == 2 * round)
            }
        }
    }

    @Test("a token server that refuses is final; one that is busy is asked again", arguments: [(401, 1), (403, 1), (503, 5), (429, 5)])
    func tokenServerRefuses(status: Int, rounds: Int) async throws {
        try await serve(token: { _ in .status(status) }) { registry, client in
            let error = await failure { try await pull(client, registry, credentials) }
            switch error {
            case .unauthorized(_, _, status): #expect(rounds == 1)
            case .unavailable: #expect(rounds == 5)
            default: unexpected(error)
            }
            #expect(registry.requests("/token").count == rounds)
        }
    }

    @Test("a token that was given for one password is not used for another, or for none")
    func passwords() async throws {
        try await serve(token: { request in
            request.header("Authorization") == "Basic bGVuYTpzZWNyZXQ=" ? Self.token("good") : .status(401)
        }) { registry, client in
            try await pull(client, registry, credentials)
            for other in [RegistryCredentials(username: "lena", password: "guess"), nil] {
                let error = await failure { try await pull(client, registry, other) }
                guard case .unauthorized = error else { return unexpected(error) }
            }
            try await client.check(registry.host, credentials: credentials)
            let asked = registry.requests.count
            try await client.check(registry.host, credentials: credentials)
            #expect(registry.requests.count == asked + 3, "a check asks the registry each time")
        }
    }

    @Test("a redirect of the token server is not followed with the password")
    func tokenRedirect() async throws {
        try await ScriptedRegistry.serve({ _ in Self.token("good") }) { other in
            try await serve(token: { _ in .redirect("\(other.url)/token") }) { registry, client in
                let error = await failure { try await pull(client, registry, credentials) }
                guard case .unauthorized = error else { return unexpected(error) }
                #expect(other.requests.isEmpty)
            }
        }
    }
}
