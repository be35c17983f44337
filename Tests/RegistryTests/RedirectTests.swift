// SPDX-License-Identifier: Apache-2.0

import APITypes
import OCI
import Registry
import RegistryFixtures
import Testing

/// R-20: what was said to one host is not repeated to another.
@Suite(.serialized) struct RedirectTests {
    private let credentials = RegistryCredentials(username: "lena", password: "secret")
    private let body = noise(100)

    /// A registry that wants a password, and then sends its client on.
    private func serve(
        redirect: @escaping @Sendable (SeenRequest) -> Answer, _ work: (ScriptedRegistry, RegistryClient) async throws -> Void
    ) async throws {
        try await withRegistry { request in
            request.header("Authorization") == nil && !request.path.hasPrefix("/open")
                ? .unauthorized("Basic realm=\"here\"") : redirect(request)
        } _: { registry, client in
            try await work(registry, client)
        }
    }

    private func fetch(_ client: RegistryClient, _ registry: ScriptedRegistry) async throws -> [UInt8] {
        try await client.blob(descriptor(body), of: reference(registry.host), limit: 100, credentials: credentials)
    }

    @Test("a redirect to another origin carries no credentials, on the second hop neither", arguments: [301, 302, 303, 307, 308])
    func otherHost(status: Int) async throws {
        let body = body
        try await ScriptedRegistry.serve({ _ in .ok(body) }) { store in
            try await ScriptedRegistry.serve({ _ in .redirect("\(store.url)/second", status: status) }) { mirror in
                try await serve(redirect: { _ in .redirect("\(mirror.url)/first", status: status) }) { registry, client in
                    let got = try await fetch(client, registry)
                    #expect(got == body)
                    #expect(registry.requests.last?.header("Authorization") == "Basic bGVuYTpzZWNyZXQ=")
                    #expect(mirror.requests.map(\.path) == ["/first"])
                    #expect(store.requests.map(\.path) == ["/second"])
                    for request in mirror.requests + store.requests {
                        #expect(request.header("Authorization") == nil)
                        #expect(request.header("Cookie") == nil)
                    }
                }
            }
        }
    }

    @Test(
        "a redirect within the registry keeps the credentials, however it is written",
        arguments: ["/elsewhere?a=b#c", "//HOST/elsewhere", "http://HOST/elsewhere", "HTTP://HOST/elsewhere", "../elsewhere"])
    func sameOrigin(location: String) async throws {
        let body = body
        try await serve(redirect: { request in
            if request.path.hasSuffix("elsewhere") { return .ok(body) }
            let host = request.header("Host") ?? ""
            return .redirect(location.split(separator: "HOST", omittingEmptySubsequences: false).joined(separator: host))
        }) { registry, client in
            let got = try await fetch(client, registry)
            #expect(got == body)
            #expect(registry.requests.last?.header("Authorization") != nil)
            #expect(registry.requests.count == 3)
        }
    }

    @Test("who was sent away does not come back with credentials")
    func thereAndBack() async throws {
        let body = body
        try await ScriptedRegistry.serve({ request in .redirect("http://\(request.query)/open") }) { mirror in
            try await serve(redirect: { request in
                request.path == "/open" ? .ok(body) : .redirect("\(mirror.url)/?\(request.header("Host") ?? "")")
            }) { registry, client in
                let got = try await fetch(client, registry)
                #expect(got == body)
                #expect(registry.requests.last?.path == "/open")
                #expect(registry.requests.last?.header("Authorization") == nil)
            }
        }
    }

    @Test("another host's challenge is not answered: CVE-2020-15157", arguments: ["Basic realm=\"x\"", "Bearer realm=\"REALM\""])
    func foreignChallenge(challenge: String) async throws {
        try await ScriptedRegistry.serve({ _ in .ok(Array(#"{"token":"t"}"#.utf8)) }) { realm in
            let challenge = challenge.split(separator: "REALM", omittingEmptySubsequences: false).joined(separator: realm.url)
            try await ScriptedRegistry.serve({ _ in .unauthorized(challenge) }) { mirror in
                try await serve(redirect: { _ in .redirect("\(mirror.url)/") }) { registry, client in
                    let error = await failure { try await fetch(client, registry) }
                    guard case .unauthorized(let host, _, 401) = error else { return unexpected(error) }
                    #expect(host == mirror.host, "the error says who refused")
                    #expect(realm.requests.isEmpty)
                    #expect(mirror.requests.allSatisfy { $0.header("Authorization") == nil })
                }
            }
        }
    }

    @Test(
        "a Location that leads nowhere, to plain text elsewhere, or that can be read in two ways is refused",
        arguments: [
            "", "ftp://127.0.0.1/", "file:///etc/passwd", "javascript:alert(1)", "http://", "http:///x", "http://127.0.0.1:0/",
            "http://127.0.0.1:99999/", "http://127.0.0.1:x/", "http://user@127.0.0.1/", "http://127.0.0.1:80@evil.example/",
            "http://127.0.0.1\\@evil.example/", "http://127.0.0.1%2eevil.example/", "http://evil.example/", "http://10.0.0.1/",
            "http://169.254.169.254/latest/meta-data", "http://[fe80::1%25eth0]/", "http://[::2]/", "http://127.0.0.1.evil.example/",
            "http://localhost.evil.example/", "http://2130706433/", "http://127.1/", "http://[::ffff:10.0.0.1]/",
        ])
    func hostileLocation(location: String) async throws {
        try await serve(redirect: { _ in .redirect(location) }) { registry, client in
            let error = await failure { try await fetch(client, registry) }
            guard case .badRedirect(_, let reason) = error else { return unexpected(error) }
            #expect(!reason.isEmpty)
            #expect(registry.requests.count == 2, "it is final")
        }
    }

    @Test("a redirect in a circle ends")
    func circle() async throws {
        try await serve(redirect: { request in .redirect(request.path) }) { registry, client in
            let error = await failure { try await fetch(client, registry) }
            guard case .badRedirect = error else { return unexpected(error) }
            #expect(registry.requests.count == 1 + 6)
        }
    }

    @Test("a 300, 304 or 305 is no redirect", arguments: [300, 304, 305])
    func otherStatus(status: Int) async throws {
        try await serve(redirect: { _ in .redirect("/elsewhere", status: status) }) { registry, client in
            let error = await failure { try await fetch(client, registry) }
            guard case .refused(_, _, status, _) = error else { return unexpected(error) }
        }
    }
}
