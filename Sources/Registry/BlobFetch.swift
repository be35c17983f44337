// SPDX-License-Identifier: Apache-2.0

internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1

/// The fetching of one blob, over as many connections as it takes.
struct BlobFetch {
    let client: RegistryClient
    let request: RegistryRequest
    let size: Int64
    /// Bytes that were handed over.
    private var given: Int64 = 0
    /// Connections that broke without having brought much.
    private var breaks = 0
    private var givenAtBreak: Int64 = 0
    /// Whether the registry is asked to go on where it broke.
    private var asksForParts = true

    /// A connection that brought so much is worth the next one, however often that happens.
    private static let muchEnough: Int64 = 64 << 10

    init(client: RegistryClient, request: RegistryRequest, size: Int64) {
        self.client = client
        self.request = request
        self.size = size
    }

    /// - Parameter put: takes the bytes in order, each once: at most one more than `size`, for the reader to refuse. Fewer come only where the
    ///   registry itself says that there are no more.
    /// - Throws: `RegistryError`, `CancellationError`.
    mutating func run(_ onRetry: @Sendable () -> Void, _ put: ([UInt8]) async throws -> Void) async throws {
        while true {
            do { return try await once(put) } catch {
                let failure = try judge(error)
                if given - givenAtBreak >= Self.muchEnough { breaks = 0 }
                givenAtBreak = given
                breaks += 1
                guard breaks < client.configuration.timing.attempts else {
                    throw RegistryError.unavailable(
                        what: request.what, registry: request.registry, reason: "\(failure.reason), after \(given) of \(size) bytes")
                }
                onRetry()
                try await client.pause(after: breaks, failure)
            }
        }
    }

    private mutating func judge(_ error: any Error) throws -> PassingFailure {
        if case RegistryError.refused(_, _, status: 416, _) = error, asksForParts, given > 0 {
            asksForParts = false
            return PassingFailure("HTTP 416")
        }
        return try PassingFailure(error, what: request.what, registry: request.registry)
    }

    private mutating func once(_ put: ([UInt8]) async throws -> Void) async throws {
        var request = request
        request.offset = asksForParts ? given : 0
        let response = try await client.send(request) { $0 }
        var skip = given - (try begin(response, request.offset))
        let promised = response.headers.first(name: "Content-Length").flatMap { Int64($0) }
        var body = PatientBody(response, client)
        while let part = try await body.next() {
            var bytes = part.readableBytesView[...]
            let dropped = min(Int64(bytes.count), skip)
            bytes = bytes.dropFirst(Int(dropped))
            skip -= dropped
            // One byte more than promised is enough for the reader to refuse it; the rest need not come.
            bytes = bytes.prefix(Int(clamping: size + 1 - given))
            if bytes.isEmpty { continue }
            given += Int64(bytes.count)
            try await put(Array(bytes))
            if given > size { return }
        }
        // A whole answer that is shorter by its own word is another blob: the reader says so. Any other end is a break.
        if given >= size || response.status == .ok && promised != nil { return }
        throw PassingFailure("the connection ended early")
    }

    /// - Returns: where in the blob the body begins.
    private mutating func begin(_ response: HTTPClientResponse, _ offset: Int64) throws -> Int64 {
        guard response.status == .partialContent else { return 0 }
        let range = response.headers.first(name: "Content-Range").flatMap { ContentRange($0) }
        guard offset > 0, let range, range.first <= offset, range.total ?? size == size else {
            guard asksForParts, offset > 0 else {
                throw RegistryError.badAnswer(what: request.what, reason: "HTTP 206, but nobody asked for a part")
            }
            // It does not know what it gives: everything again, then.
            asksForParts = false
            throw PassingFailure("a part that was not asked for")
        }
        return range.first
    }
}
