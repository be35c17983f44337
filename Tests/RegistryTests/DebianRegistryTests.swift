// SPDX-License-Identifier: Apache-2.0

import APITypes
import OCI
import Registry
import RegistryFixtures
import Testing

/// Against Debian's docker-registry: what a registry really does.
@Suite(.serialized) struct DebianRegistryTests {
    /// "lena:secret", by htpasswd -nbB.
    private let passwords = "lena:$2y$04$Z5NTI9dXzi/NfqkqG3vpmeQaPJvyHeb9rgLKZWEECaO8C76O1S2D6\n"
    private let credentials = RegistryCredentials(username: "lena", password: "secret")
    private let image = MadeImage(layers: [MadeTar.layer("a", "first"), noise(400_000)])

    @Test("manifest, config and layers come by tag and by digest; what is not there is not found")
    func pulls() async throws {
        try await DebianRegistry.serve { registry in
            try registry.push(image, "team/app:1")
            try await withClient { client in
                for reference in [reference(registry.host), reference(registry.host, digest: image.manifestDigest)] {
                    let document = try await client.manifest(reference, credentials: nil)
                    #expect(document.bytes == image.manifest && document.digest == image.manifestDigest)
                    #expect(document.contentType == MadeImage.manifestType)
                }
                let name = reference(registry.host)
                let config = try await client.blob(descriptor(image.config), of: name, limit: 4 << 20, credentials: nil)
                #expect(config == image.config)
                for layer in image.layers {
                    let got = try await readAll(client.stream(descriptor(layer), of: name, credentials: nil))
                    #expect(got == layer)
                }
                for missing in [
                    ImageReference(registry: registry.host, repository: "team/app", tag: "2", digest: nil),
                    ImageReference(registry: registry.host, repository: "team/other", tag: "1", digest: nil),
                    reference(registry.host, digest: digest(of: noise(9))),
                ] {
                    let error = await failure { try await client.manifest(missing, credentials: nil) }
                    guard case .notFound = error else { return unexpected(error) }
                }
            }
        }
    }

    @Test("it wants a password, and takes the right one alone")
    func password() async throws {
        try await DebianRegistry.serve(passwords: passwords) { registry in
            try registry.push(image, "team/app:1", credentials: "lena:secret")
            try await withClient { client in
                try await client.check(registry.host, credentials: credentials)
                let document = try await client.manifest(reference(registry.host), credentials: credentials)
                #expect(document.digest == image.manifestDigest)
                let wrong = RegistryCredentials(username: "lena", password: "guess")
                for error in [
                    await failure { try await client.check(registry.host, credentials: wrong) },
                    await failure { try await client.manifest(reference(registry.host), credentials: wrong) },
                    await failure { try await client.manifest(reference(registry.host), credentials: nil) },
                ] {
                    guard case .unauthorized(_, _, 401) = error else { return unexpected(error) }
                }
            }
        }
    }

    @Test("a blob that was cut goes on with a part that it really gives")
    func resumes() async throws {
        let layer = image.layers[1]
        try await DebianRegistry.serve { registry in
            try registry.push(image, "team/app:1")
            let url = "http://\(registry.host)"
            // The first answer is cut; from the second on, the real registry answers.
            try await ScriptedRegistry.serve({ request in
                request.round == 0 ? .cut(layer, after: 150_000) : .redirect(url + request.path)
            }) { front in
                try await withClient { client in
                    let got = try await readAll(client.stream(descriptor(layer), of: reference(front.host), credentials: nil))
                    #expect(got == layer)
                    #expect(front.requests.last?.offset.map { $0 > 0 } == true)
                }
            }
        }
    }
}
