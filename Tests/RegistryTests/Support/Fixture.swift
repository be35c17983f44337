// SPDX-License-Identifier: Apache-2.0

import Linux
import Logging
import OCI
import Registry
import RegistryFixtures
import Testing

/// A client for the length of the body.
func withClient<Value>(
    _ configuration: RegistryConfiguration = RegistryConfiguration(), clock: TestClock = TestClock(),
    _ body: (RegistryClient) async throws -> Value
) async throws -> Value {
    let client = RegistryClient(
        configuration: configuration, clock: clock.clock, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    let result: Result<Value, any Error>
    do { result = .success(try await body(client)) } catch { result = .failure(error) }
    await client.shutdown()
    return try result.get()
}

/// A scripted registry and a client.
func withRegistry<Value>(
    clock: TestClock = TestClock(), stall: Duration? = nil, _ script: @escaping ScriptedRegistry.Script,
    _ body: (ScriptedRegistry, RegistryClient) async throws -> Value
) async throws -> Value {
    var configuration = RegistryConfiguration()
    if let stall { configuration.timing.stall = stall }
    return try await ScriptedRegistry.serve(script) { registry in
        try await withClient(configuration, clock: clock) { client in try await body(registry, client) }
    }
}

/// Another failure than the one that was to come, or none.
func unexpected(_ error: (any Error)?, _ location: SourceLocation = #_sourceLocation) {
    Issue.record("\(error.map { "\($0)" } ?? "it did not fail")", sourceLocation: location)
}

/// What a call of the client failed with.
func failure<Value>(_ body: () async throws -> Value) async -> RegistryError? {
    do {
        _ = try await body()
        return nil
    } catch let error as RegistryError {
        return error
    } catch {
        Issue.record("not a RegistryError: \(error)")
        return nil
    }
}

/// The reference `host/team/app:1`, or by digest.
func reference(_ host: String, digest: Digest? = nil) -> ImageReference {
    ImageReference(registry: host, repository: "team/app", tag: digest == nil ? "1" : nil, digest: digest)
}

func blobPath(_ bytes: [UInt8]) -> String { "/v2/team/app/blobs/\(digest(of: bytes))" }

let manifestPath = "/v2/team/app/manifests/1"

/// - Parameter size: nil for the true one.
func descriptor(_ bytes: [UInt8], size: Int64? = nil) -> Descriptor {
    Descriptor(mediaType: .ociLayer, digest: digest(of: bytes), size: size ?? Int64(bytes.count))
}

/// Bytes that are not all alike.
func noise(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    var state = seed
    return (0..<count).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(truncatingIfNeeded: state >> 33)
    }
}

/// Everything that a source gives. Reading waits in the kernel, so it has a thread of its own.
func readAll(_ source: BlobSource) async throws -> [UInt8] {
    try await withCheckedThrowingContinuation { continuation in
        do {
            try startThread(name: "read") {
                continuation.resume(
                    with: Result {
                        var bytes: [UInt8] = []
                        var buffer = [UInt8](repeating: 0, count: 10_000)
                        while true {
                            let count = try buffer.withUnsafeMutableBytes { try source.read(into: $0) }
                            if count == 0 { return bytes }
                            bytes += buffer[..<count]
                        }
                    })
            }
        } catch {
            continuation.resume(throwing: error)
        }
    }
}

/// A manifest that is well-formed, and nothing more.
let someManifest = Array(
    """
    {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":\
    "application/vnd.oci.image.config.v1+json","digest":"sha256:\(String(repeating: "0", count: 64))","size":2},"layers":[]}
    """.utf8)
