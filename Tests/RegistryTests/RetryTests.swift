// SPDX-License-Identifier: Apache-2.0

import OCI
import Registry
import RegistryFixtures
import Testing

/// what may pass is tried again, for a bounded time; what is final is said at once.
@Suite(.serialized) struct RetryTests {
    private func pull(_ client: RegistryClient, _ registry: ScriptedRegistry) async throws -> RegistryDocument {
        try await client.manifest(reference(registry.host), credentials: nil)
    }

    @Test("a registry that is busy or breaks off is asked again", arguments: [408, 429, 500, 502, 503, 504, 599, 0, 1, 2])
    func passes(status: Int) async throws {
        let clock = TestClock()
        try await withRegistry(clock: clock) { request in
            guard request.round < 4 else { return .manifest(someManifest) }
            return switch status {
            case 0: Answer(steps: [.reset])
            case 1: Answer(steps: [.end])
            // In mid-body, which is a failure of the document and not of the request.
            case 2: .cut(someManifest, after: 20)
            default: .status(status)
            }
        } _: { registry, client in
            let document = try await pull(client, registry)
            #expect(document.bytes == someManifest)
            #expect(registry.requests.count == 5)
            #expect(clock.pauses.count == 4)
            #expect(clock.pauses.allSatisfy { $0 > .milliseconds(100) && $0 < .seconds(30) })
            #expect(clock.pauses[3] > clock.pauses[0])
        }
    }

    @Test("a registry that stays broken is given up with a clear error", arguments: [429, 503, 0])
    func givesUp(status: Int) async throws {
        let clock = TestClock()
        try await withRegistry(clock: clock) { _ in
            status == 0 ? Answer(steps: [.reset]) : .status(status)
        } _: { registry, client in
            let error = await failure { try await pull(client, registry) }
            guard case .unavailable(_, let host, let reason) = error else { return unexpected(error) }
            #expect(host == registry.host)
            #expect(status == 0 || reason == "HTTP \(status)")
            #expect(registry.requests.count == 5)
        }
    }

    @Test(
        "Retry-After is honoured in seconds and as a date, and bounded",
        arguments: [
            ("7", 7), ("0", 0), ("100000", 30), ("99999999999999999999", 30), ("Sun, 06 Nov 1994 08:49:50 GMT", 13),
            ("Sun, 06 Nov 1994 08:00:00 GMT", 0), ("Fri, 31 Dec 9999 23:59:59 GMT", 30), ("-5", 0), ("soon", 0), ("", 0),
            ("Sun, 06 Nov 1994 08:49:50 CET", 0), ("Sun, 99 Xyz 1994 08:49:50 GMT", 0),
        ])
    func retryAfter(header: String, seconds: Int) async throws {
        let clock = TestClock()
        try await withRegistry(clock: clock) { request in
            request.round == 0 ? .status(429, [("Retry-After", header)]) : .manifest(someManifest)
        } _: { registry, client in
            _ = try await pull(client, registry)
            let pause = try #require(clock.pauses.first)
            #expect(clock.pauses.count == 1)
            // Below a second it is the client's own pause.
            if seconds > 0 { #expect(pause == .seconds(seconds)) } else { #expect(pause <= .milliseconds(400)) }
        }
    }

    @Test("what is final is not asked for again, and each refusal has its error", arguments: [401, 403, 404, 400, 405, 410, 418, 204, 304])
    func final(status: Int) async throws {
        try await withRegistry { _ in
            .status(status, [], Array("no \u{1B}[31mway".utf8))
        } _: { registry, client in
            let error = await failure { try await pull(client, registry) }
            switch (error, status) {
            case (.unauthorized(registry.host, _, status), 401), (.unauthorized(registry.host, _, status), 403), (.notFound, 404): break
            case (.refused(_, _, status, let words), _):
                #expect(![401, 403, 404].contains(status))
                #expect(!words.contains("\u{1B}"), "I5: no control bytes of a registry in errors")
            default: unexpected(error)
            }
            #expect(registry.requests.count == 1)
            #expect(error?.description.contains(registry.host) == true)
        }
    }

    @Test("a registry that is not there is an error that says so")
    func nobodyListens() async throws {
        let host = try await ScriptedRegistry.serve({ _ in .notFound() }) { $0.host }
        let clock = TestClock()
        try await withClient(clock: clock) { client in
            let error = await failure { try await client.manifest(reference(host), credentials: nil) }
            guard case .unavailable(_, host, let reason) = error else { return unexpected(error) }
            #expect(reason.contains("refused"))
            #expect(clock.pauses.count == 4)
        }
    }

    @Test("a name that can't be resolved is an error that says so")
    func unknownName() async throws {
        try await withClient { client in
            let error = await failure { try await client.manifest(reference("registry.invalid"), credentials: nil) }
            guard case .unavailable(_, _, let reason) = error else { return unexpected(error) }
            #expect(reason.contains("registry.invalid"))
        }
    }

    @Test("a cancelled request ends, also in a pause and while the registry says nothing", arguments: [true, false])
    func cancels(silent: Bool) async throws {
        let asked = AsyncStream<Void>.makeStream()
        try await withRegistry { _ in
            Answer(steps: [.wait { asked.continuation.yield() }] + (silent ? [.silence] : [Answer.head(503), .end]))
        } _: { registry, client in
            let pulling = Task { try await client.manifest(reference(registry.host), credentials: nil) }
            for await _ in asked.stream { break }
            pulling.cancel()
            await #expect(throws: CancellationError.self) { try await pulling.value }
        }
    }
}
