// SPDX-License-Identifier: Apache-2.0

import APITypes
import OCI
import Registry
import RegistryFixtures
import Testing

@Suite(.serialized) struct BasicTests {
    /// Takes user names and passwords as RFC 7617 encodes them.
    private func serve(_ good: String, _ work: (ScriptedRegistry, RegistryClient) async throws -> Void) async throws {
        try await withRegistry { request in
            request.header("Authorization") == "Basic \(good)" ? .manifest(someManifest) : .unauthorized("Basic realm=\"Registry\"")
        } _: { registry, client in
            try await work(registry, client)
        }
    }

    @Test(
        "user name and password are encoded as RFC 7617 says",
        arguments: [
            ("a", "", "YTo="), ("Aladdin", "open sesame", "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), ("u", "pä:ss\u{1F511}", "dTpww6Q6c3Pwn5SR"),
            ("ab", "c", "YWI6Yw=="), ("ab", "cd", "YWI6Y2Q="),
        ])
    func encoding(username: String, password: String, encoded: String) async throws {
        try await serve(encoded) { registry, client in
            let credentials = RegistryCredentials(username: username, password: password)
            _ = try await client.manifest(reference(registry.host), credentials: credentials)
            _ = try await client.manifest(reference(registry.host), credentials: credentials)
            #expect(registry.requests.count == 3, "they are asked for once")
        }
    }

    @Test("wrong credentials, and none, are refused at once; credentials aren't shown to a registry that does not ask")
    func refused() async throws {
        try await serve("YTo=") { registry, client in
            for (credentials, asked) in [(nil, 1), (RegistryCredentials(username: "a", password: "guess"), 2)] {
                let before = registry.requests.count
                let error = await failure { try await client.manifest(reference(registry.host), credentials: credentials) }
                guard case .unauthorized(let host, _, 401) = error else { return unexpected(error) }
                #expect(host == registry.host)
                #expect(registry.requests.count == before + asked)
                #expect(registry.requests[before].header("Authorization") == nil)
            }
        }
    }

    @Test("a check of credentials asks the registry, also after a good one")
    func check() async throws {
        try await serve("YTo=") { registry, client in
            try await client.check(registry.host, credentials: RegistryCredentials(username: "a", password: ""))
            let error = await failure {
                try await client.check(registry.host, credentials: RegistryCredentials(username: "a", password: "guess"))
            }
            guard case .unauthorized = error else { return unexpected(error) }
        }
    }
}
