// SPDX-License-Identifier: Apache-2.0

import NIOSSL
import OCI
import Registry
import RegistryFixtures
import Testing

/// R-24, R-34: who may be asked in plain text, whose certificate is believed, and the older ways of HTTP.
@Suite(.serialized) struct TransportTests {
    private func pull(_ configuration: RegistryConfiguration = RegistryConfiguration(), _ host: String) async throws {
        try await withClient(configuration) { client in
            let document = try await client.manifest(reference(host), credentials: nil)
            #expect(document.bytes == someManifest)
        }
    }

    @Test("a registry that is not on loopback is not asked in plain text, unless that is configured")
    func plainText() async throws {
        try await ScriptedRegistry.serve({ _ in .manifest(someManifest) }) { registry in
            // 0.0.0.0 leads to the same server, but is no loopback address.
            let host = "0.0.0.0:\(registry.port)"
            let error = await failure { try await pull(RegistryConfiguration(insecureRegistries: [registry.host]), host) }
            guard case .unavailable = error else { return unexpected(error) }
            #expect(registry.requests.isEmpty)
            try await pull(RegistryConfiguration(insecureRegistries: [host]), host)
        }
    }

    @Test(
        "loopback is 127.0.0.0/8, ::1 and localhost, and nothing that looks like it", arguments: ["127.0.0.1", "127.255.0.3", "localhost"])
    func loopback(name: String) async throws {
        try await ScriptedRegistry.serve({ _ in .manifest(someManifest) }) { registry in
            // Only 127.0.0.1 is listened on: the others must be refused a connection, and not TLS.
            guard name == "127.255.0.3" else { return try await pull(RegistryConfiguration(), "\(name):\(registry.port)") }
            let error = await failure { try await pull(RegistryConfiguration(), "\(name):\(registry.port)") }
            guard case .unavailable(_, _, let reason) = error else { return unexpected(error) }
            #expect(reason.contains("refused"))
        }
    }

    @Test("an IPv6 address is a host like another")
    func ipv6() async throws {
        try await ScriptedRegistry.serve(on: "::1", { _ in .manifest(someManifest) }) { registry in
            try await pull(RegistryConfiguration(), "[::1]:\(registry.port)")
            #expect(registry.requests.last?.header("Host") == "[::1]:\(registry.port)")
        }
    }

    @Test("a certificate of an unknown authority is refused at once; of a configured one it is accepted")
    func authorities() async throws {
        try await withAuthority { ours in
            try await withAuthority { other in
                try await ScriptedRegistry.serve(tls: try ours.context(for: "127.0.0.1"), { _ in .manifest(someManifest) }) { registry in
                    try await pull(RegistryConfiguration(certificates: [registry.host: ours.file]), registry.host)
                    let clock = TestClock()
                    for configuration in [
                        RegistryConfiguration(certificates: [registry.host: other.file]),
                        RegistryConfiguration(insecureRegistries: [registry.host], certificates: [registry.host: other.file]),
                    ] {
                        let error = await failure {
                            try await withClient(configuration, clock: clock) { client in
                                try await client.manifest(reference(registry.host), credentials: nil)
                            }
                        }
                        guard case .unavailable(_, _, let reason) = error else {
                            return unexpected(error)
                        }
                        #expect(reason.contains("TLS") && reason.contains("CERTIFICATE_VERIFY_FAILED"))
                    }
                    #expect(clock.pauses.isEmpty, "another attempt would not help")
                    // 0.0.0.0 has no certificate configured: the node's own authorities don't know this one.
                    let unknown = await failure { try await pull(RegistryConfiguration(), "0.0.0.0:\(registry.port)") }
                    guard case .unavailable = unknown else { return unexpected(unknown) }
                    #expect(registry.requests.count == 1)
                }
            }
        }
    }

    @Test("a certificate for another name, or one that has expired, is refused though its authority is known", arguments: [true, false])
    func wrongCertificate(expired: Bool) async throws {
        try await withAuthority { ours in
            let context = try ours.context(for: expired ? "127.0.0.1" : "127.0.0.2", days: expired ? -1 : 1)
            try await ScriptedRegistry.serve(tls: context, { _ in .manifest(someManifest) }) { registry in
                let error = await failure {
                    try await pull(RegistryConfiguration(certificates: [registry.host: ours.file]), registry.host)
                }
                guard case .unavailable = error else { return unexpected(error) }
                #expect(registry.requests.isEmpty)
            }
        }
    }

    @Test("from TLS nobody is sent on to plain text, neither by a redirect nor for a token", arguments: [true, false])
    func downgrade(redirect: Bool) async throws {
        try await withAuthority { ours in
            try await ScriptedRegistry.serve({ _ in .ok(Array(#"{"token":"t"}"#.utf8)) }) { plain in
                try await ScriptedRegistry.serve(
                    tls: try ours.context(for: "127.0.0.1"),
                    { _ in redirect ? .redirect("\(plain.url)/") : .unauthorized("Bearer realm=\"\(plain.url)/token\"") }
                ) { registry in
                    let configuration = RegistryConfiguration(
                        insecureRegistries: [plain.host], certificates: [registry.host: ours.file])
                    let error = await failure { try await pull(configuration, registry.host) }
                    switch error {
                    case .badRedirect: #expect(redirect)
                    case .badAnswer: #expect(!redirect)
                    default: unexpected(error)
                    }
                    #expect(plain.requests.isEmpty)
                }
            }
        }
    }

    @Test("a token server with TLS is asked with the certificate that is configured for it")
    func tokenServer() async throws {
        try await withAuthority { ours in
            try await ScriptedRegistry.serve(tls: try ours.context(for: "127.0.0.1"), { _ in .ok(Array(#"{"token":"t"}"#.utf8)) }) {
                server in
                try await ScriptedRegistry.serve({ request in
                    request.header("Authorization") == "Bearer t"
                        ? .manifest(someManifest) : .unauthorized("Bearer realm=\"\(server.url)/token\"")
                }) { registry in
                    try await pull(RegistryConfiguration(certificates: [server.host: ours.file]), registry.host)
                    #expect(server.requests.count == 1)
                }
            }
        }
    }

    @Test("HTTP/1.0, bodies that end with the connection, and chunks with trailers are read", arguments: 0..<4)
    func olderWays(way: Int) async throws {
        let length = ("Content-Length", "\(someManifest.count)")
        let chunks = Array(
            "\(String(someManifest.count, radix: 16));x=y\r\n\(String(decoding: someManifest, as: UTF8.self))\r\n0\r\nX-Trailer: z\r\n\r\n"
                .utf8)
        let answer =
            switch way {
            case 0: Answer(steps: [Answer.head(200, [length], version: "1.0"), .send(someManifest), .end])
            case 1: Answer(steps: [Answer.head(200, [], version: "1.0"), .send(someManifest), .end])
            case 2: Answer(steps: [Answer.head(200, [("Connection", "close")]), .send(someManifest), .end])
            default: Answer(steps: [Answer.head(200, [("Transfer-Encoding", "chunked")]), .send(chunks)])
            }
        try await withRegistry { _ in
            answer
        } _: { registry, client in
            for _ in 0..<2 {
                let document = try await client.manifest(reference(registry.host), credentials: nil)
                #expect(document.bytes == someManifest)
            }
        }
    }
}
