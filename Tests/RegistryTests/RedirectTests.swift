// SPDX-License-Identifier: Apache-2.0

import APITypes
import OCI
import Registry
import ScriptedRegistry
import Testing

/// R-20, CVE-2020-15157: what was said to one host is not repeated to another.
@Suite struct RedirectTests {
    private let credentials = RegistryCredentials(username: "lena", password: "secret")

    @Test(
        "a redirect to another port, host name or scheme carries no credentials, on the second hop neither",
        arguments: [301, 302, 303, 307, 308])
    func otherHost(status: Int) async throws {
        let body = Array("blob".utf8)
        try await ScriptedRegistry.serve({ _ in .ok(body) }) { store in
            try await ScriptedRegistry.serve({ _ in .redirect("\(store.url)/second", status: status) }) { mirror in
                try await ScriptedRegistry.serve({ request in
                    request.header("Authorization") == nil
                        ? .unauthorized("Basic realm=\"here\"") : .redirect("\(mirror.url)/first", status: status)
                }) { registry in
                    try await withClient { client in
                        let got = try await client.blob(
                            descriptor(body), of: reference(registry.host), limit: 100, credentials: credentials)
                        #expect(got == body)
                        #expect(registry.requests.last?.header("Authorization") != nil)
                        #expect(mirror.requests.count == 1 && store.requests.count == 1)
                        for request in mirror.requests + store.requests {
                            #expect(request.header("Authorization") == nil)
                            #expect(request.header("Cookie") == nil)
                        }
                    }
                }
            }
        }
    }
}
