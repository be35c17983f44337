// SPDX-License-Identifier: Apache-2.0

import Glibc
import Layers
import Linux
import OCI
import Synchronization
import SystemPackage
import Tar
import Testing

import struct Crypto.SHA256

extension Trait where Self == ConditionTrait {
    static var asRoot: Self { .enabled("needs root: run `make test` as root") { geteuid() == 0 } }
    static var overlay: Self { .enabled("needs \"lowerdir+\" (Linux 6.7) and root") { OverlayMount.supportsLowerdirAppend } }
}

/// Runs the body with an empty directory, and removes it.
/// - Parameter inMemory: on tmpfs where there is one: thousands of small trees are made and removed there in no time.
@discardableResult
func withDirectory<Value>(inMemory: Bool = false, _ body: (FilePath) throws -> Value) throws -> Value {
    let base = inMemory && access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/var/tmp"
    var template = Array("\(base)/ctr-layer-test-XXXXXX".utf8CString)
    let made = template.withUnsafeMutableBufferPointer { buffer in buffer.baseAddress.flatMap { mkdtemp($0) } != nil }
    try #require(made)
    let path = FilePath(platformString: template)
    defer { #expect(throws: Never.self) { try removeTree(path) } }
    return try body(path)
}

/// A new directory below another one.
func makeDirectory(_ path: FilePath) throws -> FilePath {
    try Linux.makeDirectory(path, mode: 0o755)
    return path
}

/// A blob in memory, given in pieces of a chosen size.
final class BlobSource: LayerSource {
    private let bytes: [UInt8]
    private let piece: Int
    private let position = Mutex(0)
    let isCancelled = Atomic(false)

    init(_ bytes: [UInt8], piece: Int = .max) {
        self.bytes = bytes
        self.piece = piece
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(LayerError) -> Int {
        if isCancelled.load(ordering: .relaxed) { throw .source("cancelled") }
        return position.withLock { position in
            let count = min(buffer.count, piece, bytes.count - position)
            buffer.copyBytes(from: bytes[position..<(position + count)])
            position += count
            return count
        }
    }

    func cancel() { isCancelled.store(true, ordering: .relaxed) }
}

func digest(_ bytes: [UInt8]) -> Digest { Digest(sha256: SHA256.hash(data: bytes)) }

/// Extracts a plain tar that is what it is said to be.
@discardableResult
func extract(_ tar: [UInt8], into directory: FilePath, limits: ExtractionLimits = ExtractionLimits()) throws -> LayerFacts {
    let digest = digest(tar)
    return try LayerExtractor.extract(
        from: BlobSource(tar), expecting: LayerExpectation(digest: digest, size: Int64(tar.count), diffID: DiffID(digest), mediaType: nil),
        into: directory, limits: limits)
}

@discardableResult
func extract(_ members: [Member], into directory: FilePath) throws -> LayerFacts { try extract(archive(members), into: directory) }
