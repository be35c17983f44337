// SPDX-License-Identifier: Apache-2.0

import Crypto
import Logging
import OCI
import Registry
import ScriptedRegistry
import Testing

/// A client for the length of the body.
func withClient<Value>(
    _ configuration: RegistryConfiguration = RegistryConfiguration(), _ body: (RegistryClient) async throws -> Value
) async throws -> Value {
    let client = RegistryClient(configuration: configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    let result: Result<Value, any Error>
    do { result = .success(try await body(client)) } catch { result = .failure(error) }
    await client.shutdown()
    return try result.get()
}

/// The reference `host/team/app:1`, or by digest.
func reference(_ host: String, digest: OCI.Digest? = nil) -> ImageReference {
    ImageReference(registry: host, repository: "team/app", tag: digest == nil ? "1" : nil, digest: digest)
}

func digest(of bytes: [UInt8]) -> OCI.Digest { OCI.Digest(sha256: SHA256.hash(data: bytes)) }

func blobPath(_ bytes: [UInt8]) -> String { "/v2/team/app/blobs/\(digest(of: bytes))" }

let manifestPath = "/v2/team/app/manifests/1"

func descriptor(_ bytes: [UInt8]) -> Descriptor { Descriptor(mediaType: .ociLayer, digest: digest(of: bytes), size: Int64(bytes.count)) }

/// Bytes that are not all alike.
func noise(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    var state = seed
    return (0..<count).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(truncatingIfNeeded: state >> 33)
    }
}

/// A manifest that is well-formed, and nothing more.
let someManifest = Array(
    """
    {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":\
    "application/vnd.oci.image.config.v1+json","digest":"sha256:\(String(repeating: "0", count: 64))","size":2},"layers":[]}
    """.utf8)
