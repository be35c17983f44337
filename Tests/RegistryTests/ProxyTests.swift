// SPDX-License-Identifier: Apache-2.0

import APITypes
import OCI
import Registry
import RegistryFixtures
import Testing

/// R-34. Source: docs/configuration.md, "Proxies".
@Suite(.serialized) struct ProxyTests {
    private typealias Way = RegistryProxies.Way

    private static func proxy(_ host: String, _ port: Int, socks: Bool = false, user: String? = nil, password: String? = nil) -> Way {
        .through(RegistryProxies.Server(host: host, port: port, isSOCKS: socks, username: user, password: password))
    }

    @Test(
        "the environment's proxies are read",
        arguments: [
            ("http://proxy:3128", proxy("proxy", 3128)), ("proxy:3128", proxy("proxy", 3128)), ("HTTP://Proxy", proxy("proxy", 80)),
            ("http://proxy:80/", proxy("proxy", 80)), ("socks5://proxy", proxy("proxy", 1080, socks: true)),
            ("socks5h://proxy:80", proxy("proxy", 80, socks: true)), ("http://[::1]:3128", proxy("::1", 3128)),
            ("http://lena:p%40ss%3aword@proxy:8080", proxy("proxy", 8080, user: "lena", password: "p@ss:word")),
            ("http://lena@proxy", proxy("proxy", 80, user: "lena", password: "")), ("", Way.direct),
        ])
    func reads(text: String, way: RegistryProxies.Way) {
        let upper = RegistryProxies(environment: ["HTTPS_PROXY": text])
        #expect(upper.way(to: "registry.example", port: 443, tls: true) == way)
        #expect(upper.way(to: "registry.example", port: 80, tls: false) == .direct)
        let lower = RegistryProxies(environment: ["http_proxy": text, "HTTP_PROXY": "http://other"])
        #expect(lower.way(to: "registry.example", port: 80, tls: false) == way, "lower case goes first")
    }

    @Test(
        "a proxy that can't be used is told, and not gone round",
        arguments: [
            "https://proxy", "ftp://proxy", "http://", "http://proxy:0", "http://a b", "http://proxy/path", "http://%zz@proxy",
            "socks5://a:b@proxy",
        ])
    func unusable(text: String) async throws {
        var configuration = RegistryConfiguration()
        configuration.proxies = RegistryProxies(environment: ["HTTPS_PROXY": text])
        try await withClient(configuration) { client in
            let error = await failure { try await client.manifest(reference("0.0.0.0:1"), credentials: nil) }
            guard case .unavailable(_, _, let reason) = error else { return unexpected(error) }
            #expect(reason.contains("proxy") || reason.contains("SOCKS"))
        }
    }

    @Test(
        "NO_PROXY and loopback are asked directly",
        arguments: [
            ("*", "registry.example", true), ("registry.example", "registry.example", true), ("REGISTRY.example", "registry.example", true),
            ("example", "registry.example", true), ("ample", "registry.example", false), (".example", "registry.example", true),
            (".registry.example", "registry.example", false), ("*.example", "registry.example", true),
            ("a, registry.example ,b", "registry.example", true),
            ("registry.example:5000", "registry.example", true), ("registry.example:5001", "registry.example", false),
            ("10.0.0.0/8", "10.1.2.3", true), ("10.0.0.0/8", "11.1.2.3", false), ("10.1.2.3", "10.1.2.3", true),
            ("10.1.2.0/25", "10.1.2.128", false),
            ("0.0.0.0/0", "10.1.2.3", true), ("10.0.0.0/33", "10.1.2.3", false), ("fe80::/10", "[fe80::1]", true),
            ("fe80::1", "[fe80::2]", false),
            ("", "127.0.0.1", true), ("", "localhost", true), ("", "[::1]", true), ("", "registry.example", false),
            (",,", "registry.example", false),
        ])
    func exceptions(list: String, host: String, isDirect: Bool) {
        let proxies = RegistryProxies(environment: ["HTTPS_PROXY": "http://proxy", "NO_PROXY": list])
        #expect((proxies.way(to: host, port: 5000, tls: true) == .direct) == isDirect)
    }

    private func configuration(_ proxy: ScriptedRegistry, user: String = "") -> RegistryConfiguration {
        var configuration = RegistryConfiguration(insecureRegistries: ["registry.invalid:5000"])
        let url = "http://\(user)127.0.0.1:\(proxy.port)"
        configuration.proxies = RegistryProxies(environment: ["HTTPS_PROXY": url, "HTTP_PROXY": url])
        return configuration
    }

    @Test("a registry with TLS is asked through a tunnel; the proxy gets its own password and no other")
    func tunnel() async throws {
        try await withAuthority { authority in
            let tls = try authority.context(for: "registry.invalid")
            try await ScriptedRegistry.serve({ request in
                if request.method == "CONNECT" { return Answer(steps: [Answer.head(200), .startTLS(tls)]) }
                return request.header("Authorization") == "Basic bGVuYTpzZWNyZXQ="
                    ? .manifest(someManifest) : .unauthorized("Basic realm=\"x\"")
            }) { proxy in
                var configuration = configuration(proxy, user: "door:key@")
                configuration.certificates = ["registry.invalid:5000": authority.file]
                try await withClient(configuration) { client in
                    let document = try await client.manifest(
                        reference("registry.invalid:5000"), credentials: RegistryCredentials(username: "lena", password: "secret"))
                    #expect(document.bytes == someManifest)
                }
                let connects = proxy.requests.filter { $0.method == "CONNECT" }
                #expect(!connects.isEmpty)
                for request in connects {
                    #expect(request.path == "registry.invalid:5000")
                    #expect(request.header("Proxy-Authorization") == "Basic ZG9vcjprZXk=")
                    #expect(request.header("Authorization") == nil)
                }
                for request in proxy.requests where request.method != "CONNECT" { #expect(request.header("Proxy-Authorization") == nil) }
            }
        }
    }

    @Test("a plain registry is asked through a tunnel too, and its name is looked up by the proxy")
    func plain() async throws {
        try await ScriptedRegistry.serve({ request in
            request.method == "CONNECT" ? Answer(steps: [Answer.head(200), .startOver]) : .manifest(someManifest)
        }) { proxy in
            try await withClient(configuration(proxy)) { client in
                let document = try await client.manifest(reference("registry.invalid:5000"), credentials: nil)
                #expect(document.bytes == someManifest)
                #expect(proxy.requests.map(\.path) == ["registry.invalid:5000", manifestPath])
            }
        }
    }

    @Test("a proxy that refuses is a clear error", arguments: [407, 403, 502])
    func refuses(status: Int) async throws {
        try await ScriptedRegistry.serve({ _ in .status(status) }) { proxy in
            try await withClient(configuration(proxy)) { client in
                let error = await failure { try await client.manifest(reference("registry.invalid:5000"), credentials: nil) }
                guard case .unavailable(_, _, let reason) = error else { return unexpected(error) }
                #expect(reason.contains("proxy"))
                #expect(proxy.requests.count == (status == 407 ? 1 : 5))
            }
        }
    }
}
