// SPDX-License-Identifier: Apache-2.0

internal import AsyncHTTPClient
internal import NIOCore

/// A body for as long as it comes fast enough: one byte now and then keeps no connection alive.
struct PatientBody {
    private var parts: HTTPClientResponse.Body.AsyncIterator
    private let clock: RegistryClock
    private let stall: Duration
    /// Since the last look; only the time that was spent on waiting for the registry.
    private var waited: Duration = .zero
    private var came = 0

    init(_ response: HTTPClientResponse, _ client: RegistryClient) {
        parts = response.body.makeAsyncIterator()
        clock = client.clock
        stall = client.configuration.timing.stall
    }

    /// nil at the end. - Throws: `PassingFailure` where too little came.
    mutating func next() async throws -> ByteBuffer? {
        let asked = clock.now()
        guard let part = try await parts.next() else { return nil }
        waited += clock.now() - asked
        came += part.readableBytes
        guard waited >= stall else { return part }
        let least = Int64(waited / .milliseconds(1))
        guard came >= least else { throw PassingFailure("only \(came) bytes came in \(waited)") }
        waited = .zero
        came = 0
        return part
    }

    /// The rest, whole. - Throws: `RegistryError.tooLarge`.
    mutating func collect(_ what: String, limit: Int) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        while let part = try await next() {
            guard bytes.count + part.readableBytes <= limit else { throw RegistryError.tooLarge(what: what, limit: limit) }
            bytes.append(contentsOf: part.readableBytesView)
        }
        return bytes
    }
}
