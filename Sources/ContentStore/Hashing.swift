// SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import OCI

/// SHA-256 in pieces. (Crypto has a `Digest` too, so its import stays in this file.)
struct Hasher256: Sendable {
    private var hash = SHA256()

    mutating func update(_ bytes: UnsafeRawBufferPointer) { hash.update(bufferPointer: bytes) }
    func digest() -> OCI.Digest { OCI.Digest(sha256: hash.finalize()) }

    static func digest(of bytes: [UInt8]) -> OCI.Digest { OCI.Digest(sha256: SHA256.hash(data: bytes)) }
}
