// SPDX-License-Identifier: Apache-2.0

import OCI
import Registry
import RegistryFixtures
import Testing

/// digests, sizes and ends that are not what was promised.
@Suite(.serialized) struct LieTests {
    private let blob = noise(5000)

    private func config(_ client: RegistryClient, _ registry: ScriptedRegistry, size: Int64? = nil) async throws -> [UInt8] {
        try await client.blob(descriptor(blob, size: size), of: reference(registry.host), limit: 4 << 20, credentials: nil)
    }

    @Test("a document of other bytes is refused with both digests, and not asked for again")
    func wrongBytes() async throws {
        let (blob, other) = (blob, noise(5000, seed: 2))
        try await withRegistry { _ in
            .ok(other)
        } _: { registry, client in
            let error = await failure { try await config(client, registry) }
            #expect(error == .wrongDigest(what: "blob \(digest(of: blob))", expected: digest(of: blob), got: digest(of: other)))
            let byDigest = await failure {
                try await client.manifest(reference(registry.host, digest: digest(of: blob)), credentials: nil)
            }
            guard case .wrongDigest(_, digest(of: blob), digest(of: other)) = byDigest else {
                return unexpected(byDigest)
            }
            #expect(registry.requests.count == 2)
        }
    }

    @Test("a registry that names another digest for a tag than its bytes have is not believed")
    func namedDigest() async throws {
        let named = Digest(sha256: [UInt8](repeating: 7, count: 32))
        try await withRegistry { _ in
            .ok(someManifest, [("Docker-Content-Digest", named.description)])
        } _: { registry, client in
            let error = await failure { try await client.manifest(reference(registry.host), credentials: nil) }
            guard case .wrongDigest(_, named, digest(of: someManifest)) = error else {
                return unexpected(error)
            }
        }
    }

    @Test("a digest that can't be checked is refused before the registry is asked")
    func sha512() async throws {
        let strange = try #require(Digest("sha512:" + String(repeating: "a", count: 128)))
        try await withRegistry { _ in
            .manifest(someManifest)
        } _: { registry, client in
            for error in [
                await failure { try await client.manifest(reference(registry.host, digest: strange), credentials: nil) },
                await failure {
                    try await client.blob(
                        Descriptor(mediaType: .ociConfig, digest: strange, size: 10), of: reference(registry.host), limit: 100,
                        credentials: nil)
                },
            ] {
                guard case .badAnswer = error else { return unexpected(error) }
            }
            #expect(registry.requests.isEmpty)
        }
    }

    @Test("a document that is shorter or longer than its descriptor says is refused", arguments: [4999, 5001, 0, 1])
    func wrongSize(size: Int64) async throws {
        let blob = blob
        try await withRegistry { _ in
            .ok(blob)
        } _: { registry, client in
            let error = await failure { try await config(client, registry, size: size) }
            switch error {
            case .badAnswer: #expect(size > 5000)
            case .tooLarge(_, let limit): #expect(size < 5000 && limit == Int(size))
            default: unexpected(error)
            }
        }
    }

    @Test("a document whose descriptor promises more than the limit is not asked for")
    func overLimit() async throws {
        try await withRegistry { _ in
            .notFound()
        } _: { registry, client in
            let error = await failure { try await config(client, registry, size: .max) }
            guard case .tooLarge = error else { return unexpected(error) }
            #expect(registry.requests.isEmpty)
        }
    }

    @Test("a layer that is longer than its descriptor ends one byte after it; the reader refuses it")
    func longLayer() async throws {
        let blob = blob
        let endless = Answer(steps: [Answer.head(200), .send(blob), .forever(noise(100_000))])
        for answer in [endless, .ok(blob + noise(100_000))] {
            try await withRegistry { _ in
                answer
            } _: { registry, client in
                let got = try await readAll(client.stream(descriptor(blob), of: reference(registry.host), credentials: nil))
                #expect(got.count == blob.count + 1)
                #expect(registry.requests.count == 1)
            }
        }
    }

    @Test("a layer that is shorter by the registry's own word ends there; the reader refuses it")
    func shortLayer() async throws {
        let blob = blob
        try await withRegistry { _ in
            .ok(Array(blob[..<1000]))
        } _: { registry, client in
            let got = try await readAll(client.stream(descriptor(blob), of: reference(registry.host), credentials: nil))
            #expect(got.count == 1000)
            #expect(registry.requests.count == 1)
        }
    }

    @Test("a Content-Length that is larger than the body is a broken connection; a negative or double one is no HTTP")
    func contentLength() async throws {
        for (headers, mayPass) in [
            ([("Content-Length", "9000")], true), ([("Content-Length", "-1")], false),
            ([("Content-Length", "5"), ("Content-Length", "6")], false),
        ] {
            let answer = Answer(steps: [Answer.head(200, headers), .send(someManifest), .end])
            try await withRegistry { _ in
                answer
            } _: { registry, client in
                let error = await failure { try await client.manifest(reference(registry.host), credentials: nil) }
                switch error {
                case .unavailable: #expect(mayPass && registry.requests.count == 5)
                case .badAnswer: #expect(!mayPass && registry.requests.count == 1)
                default: unexpected(error)
                }
            }
        }
    }

    @Test("a manifest over 4 MiB, and one without end, stop at the limit", arguments: [true, false])
    func oversizedManifest(endless: Bool) async throws {
        let answer =
            endless
            ? Answer(steps: [
                Answer.head(200, [("Transfer-Encoding", "chunked")]), .forever(Array("2710\r\n".utf8) + noise(10_000) + Array("\r\n".utf8)),
            ]) : .manifest(someManifest + [UInt8](repeating: UInt8(ascii: " "), count: 4 << 20))
        try await withRegistry { _ in
            answer
        } _: { registry, client in
            let error = await failure { try await client.manifest(reference(registry.host), credentials: nil) }
            guard case .tooLarge(_, 4 << 20) = error else { return unexpected(error) }
            #expect(registry.requests.count < 5, "it is not tried again and again")
        }
    }

    @Test("a manifest of exactly 4 MiB is taken")
    func largestManifest() async throws {
        let manifest = someManifest + [UInt8](repeating: UInt8(ascii: " "), count: (4 << 20) - someManifest.count)
        try await withRegistry { _ in
            .manifest(manifest)
        } _: { registry, client in
            let document = try await client.manifest(reference(registry.host), credentials: nil)
            #expect(document.bytes == manifest && document.digest == digest(of: manifest))
        }
    }

    @Test("headers that are too long, too many or without end, and bytes that are no HTTP, are refused", arguments: 0..<5)
    func headers(kind: Int) async throws {
        let start = Answer.Step.send(Array("HTTP/1.1 200 OK\r\n".utf8))
        let answer =
            switch kind {
            case 0: Answer(steps: [start, .send(Array("X: ".utf8)), .forever([UInt8](repeating: 0x61, count: 10_000))])
            case 1: Answer(steps: [start, .forever(Array("X: y\r\n".utf8))])
            case 2: Answer(steps: [.forever(noise(10_000))])
            case 3: Answer(steps: [.send(Array("HTTP/1.1 999999 OK\r\n\r\n".utf8)), .end])
            default: Answer(steps: [.send(Array("SSH-2.0-OpenSSH_9.2p1\r\n".utf8)), .silence])
            }
        try await withRegistry { _ in
            answer
        } _: { registry, client in
            let error = await failure { try await client.manifest(reference(registry.host), credentials: nil) }
            guard case .badAnswer = error else { return unexpected(error) }
            #expect(registry.requests.count == 1)
        }
    }

    @Test("a registry that falls silent, or drips, is given up after the stall time", arguments: [true, false])
    func stalls(drips: Bool) async throws {
        let blob = blob
        let last = drips ? Answer.Step.drip([1], everyMilliseconds: 20) : .silence
        for head in [[.silence], [Answer.head(200, [("Content-Length", "5000")]), last]] as [[Answer.Step]] {
            try await withRegistry(stall: .milliseconds(150)) { _ in
                Answer(steps: head)
            } _: { registry, client in
                let error = await failure { try await config(client, registry) }
                guard case .unavailable = error else { return unexpected(error) }
                let source = client.stream(descriptor(blob), of: reference(registry.host), credentials: nil)
                await #expect(throws: BlobFailure.self) { try await readAll(source) }
            }
        }
    }
}
