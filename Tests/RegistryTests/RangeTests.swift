// SPDX-License-Identifier: Apache-2.0

import OCI
import Registry
import RegistryFixtures
import Synchronization
import Testing

/// a blob that was cut goes on where it broke.
@Suite(.serialized) struct RangeTests {
    private let blob = noise(300_000)

    private func fetch(
        _ client: RegistryClient, _ registry: ScriptedRegistry, onRetry: @escaping @Sendable () -> Void = {}
    ) async throws -> [UInt8] {
        try await readAll(client.stream(descriptor(blob), of: reference(registry.host), credentials: nil, onRetry: onRetry))
    }

    /// What a stream failed with.
    private func failure(_ client: RegistryClient, _ registry: ScriptedRegistry) async throws -> RegistryError? {
        do {
            _ = try await fetch(client, registry)
            return nil
        } catch BlobFailure.registry(let error) {
            return error
        }
    }

    @Test("a cut connection is taken up where it broke, however it was cut", arguments: [0, 1, 2, 3])
    func resumes(way: Int) async throws {
        let blob = blob
        let part = Array(blob[..<150_000])
        let cut =
            switch way {
            case 0: Answer.cut(blob, after: part.count)
            case 1: Answer(steps: [Answer.head(200, [("Content-Length", "\(blob.count)")]), .send(part), .end])
            case 2:
                Answer(steps: [Answer.head(200, [("Transfer-Encoding", "chunked")]), .send(Array("249f0\r\n".utf8) + part), .reset])
            default: Answer(steps: [Answer.head(200, version: "1.0"), .send(part), .end])
            }
        let retries = Mutex(0)
        try await withRegistry { request in
            request.offset.map { .part(blob, from: $0) } ?? cut
        } _: { registry, client in
            let got = try await fetch(client, registry, onRetry: { retries.withLock { $0 += 1 } })
            #expect(got == blob)
            #expect(registry.requests.count == 2)
            #expect(registry.requests.last?.offset.map { $0 > 0 && $0 <= part.count } == true)
            #expect(retries.withLock { $0 } == 1)
        }
    }

    @Test("a blob that breaks often comes whole, as long as each connection brings much")
    func manyBreaks() async throws {
        let blob = noise(12 << 20)
        try await withRegistry { request in
            let offset = request.offset ?? 0
            let end = min(blob.count, offset + (3 << 19))
            return Answer(steps: [
                Answer.head(
                    offset == 0 ? 200 : 206,
                    [("Content-Length", "\(blob.count - offset)"), ("Content-Range", "bytes \(offset)-\(blob.count - 1)/\(blob.count)")]),
                .send(Array(blob[offset..<end])), .end,
            ])
        } _: { registry, client in
            let got = try await readAll(client.stream(descriptor(blob), of: reference(registry.host), credentials: nil))
            #expect(got == blob)
            #expect(registry.requests.count >= 8)
        }
    }

    @Test("a registry that answers the whole blob instead of a part is understood")
    func wholeInstead() async throws {
        let blob = blob
        try await withRegistry { request in
            request.round == 0 ? .cut(blob, after: 100_000) : .ok(blob)
        } _: { registry, client in
            let got = try await fetch(client, registry)
            #expect(got == blob)
            #expect(registry.requests.count == 2)
        }
    }

    @Test("a part that begins too early is cut to fit")
    func earlyPart() async throws {
        let blob = blob
        try await withRegistry { request in
            request.offset.map { .part(blob, from: $0 / 2) } ?? .cut(blob, after: 100_000)
        } _: { registry, client in
            let got = try await fetch(client, registry)
            #expect(got == blob)
        }
    }

    @Test(
        "a part that was not asked for makes the client ask for the whole",
        arguments: [
            "bytes 299999-299999/300000", "bytes 0-299999/300001", "bytes */300000", "bytes 5-2/300000", "items 1-2/3", "",
            "bytes 1-300000/300000",
            "bytes -5-10/300000", "bytes 99999999999999999999-1/*",
        ])
    func wrongPart(range: String) async throws {
        let blob = blob
        try await withRegistry { request in
            if request.round == 0 { return .cut(blob, after: 100_000) }
            guard request.offset != nil else { return .ok(blob) }
            return .status(206, [("Content-Range", range)], noise(200_000, seed: 7))
        } _: { registry, client in
            let got = try await fetch(client, registry)
            #expect(got == blob)
            #expect(registry.requests.map { $0.offset == nil } == [true, false, true])
        }
    }

    @Test("a 416 makes the client ask for the whole")
    func notSatisfiable() async throws {
        let blob = blob
        try await withRegistry { request in
            request.offset != nil ? .status(416) : request.round == 0 ? .cut(blob, after: 100_000) : .ok(blob)
        } _: { registry, client in
            let got = try await fetch(client, registry)
            #expect(got == blob)
            #expect(registry.requests.map { $0.offset == nil } == [true, false, true])
        }
    }

    @Test("a part that nobody asked for is refused", arguments: [206, 416])
    func uninvited(status: Int) async throws {
        let blob = blob
        try await withRegistry { _ in
            .status(status, [("Content-Range", "bytes 0-299999/300000")], blob)
        } _: { registry, client in
            let error = try await failure(client, registry)
            switch error {
            case .badAnswer: #expect(status == 206)
            case .refused: #expect(status == 416)
            default: unexpected(error)
            }
            #expect(registry.requests.count == 1)
        }
    }

    @Test("a blob that always breaks is given up, and the error says how far it came")
    func givesUp() async throws {
        let blob = blob
        let clock = TestClock()
        try await withRegistry(clock: clock) { request in
            request.offset.map { _ in Answer(steps: [.reset]) } ?? .cut(blob, after: 1000)
        } _: { registry, client in
            let error = try await failure(client, registry)
            guard case .unavailable(_, let host, _) = error else { return unexpected(error) }
            #expect(host == registry.host)
            #expect(registry.requests.count <= 6)
            #expect(clock.pauses.count == registry.requests.count - 1)
        }
    }

    @Test("an end before the promised size, by chunks that say so, is a break and no end")
    func chunkedEnd() async throws {
        let blob = blob
        let chunk = Array("3e8\r\n".utf8) + blob[..<1000] + Array("\r\n0\r\n\r\n".utf8)
        try await withRegistry { request in
            request.offset.map { .part(blob, from: $0) }
                ?? Answer(steps: [Answer.head(200, [("Transfer-Encoding", "chunked")]), .send(chunk)])
        } _: { registry, client in
            let got = try await fetch(client, registry)
            #expect(got == blob)
            #expect(registry.requests.last?.offset == 1000)
        }
    }

    @Test("a source that is cancelled ends, also while the registry says nothing", arguments: [true, false])
    func cancels(silent: Bool) async throws {
        let blob = blob
        let started = AsyncStream<Void>.makeStream()
        try await withRegistry { _ in
            Answer(steps: [
                Answer.head(200, [("Content-Length", "\(blob.count)")]), .send(silent ? [] : Array(blob[..<100])),
                .wait { started.continuation.yield() }, .silence,
            ])
        } _: { registry, client in
            let source = client.stream(descriptor(blob), of: reference(registry.host), credentials: nil)
            let reading = Task { try await readAll(source) }
            for await _ in started.stream { break }
            source.cancel()
            await #expect(throws: BlobFailure.cancelled) { try await reading.value }
        }
    }
}
