// SPDX-License-Identifier: Apache-2.0

import Compression
import Layers
import Linux
import OCI
import Synchronization
import SystemPackage
import Tar
import Testing

import struct Crypto.SHA256

/// From stored bytes to a layer: digests, sizes, compression, and what is refused on the way.
@Suite(.asRoot) struct PipelineTests {
    private static let members: [Member] = [
        .directory("d"), .file("d/a", String(repeating: "some content ", count: 20_000)), .symlink("l", "d/a"), .file("b", "more"),
    ]

    private static func packed(_ tar: [UInt8], _ format: CompressionFormat) throws -> [UInt8] {
        if format == .none { return tar }
        return try withDirectory(inMemory: true) { directory in
            let file = directory.appending("tar")
            let output = try openFile(file, 0o101, mode: 0o600)  // O_WRONLY | O_CREAT
            try tar.span.withUnsafeBytes { bytes throws(KernelError) in try writeAll(output, bytes, object: "tar") }
            return try run(format == .gzip ? ["gzip", "-1c", file.string] : ["zstd", "-q", "-c", file.string])
        }
    }

    private static func expectation(_ blob: [UInt8], _ tar: [UInt8], _ type: String? = nil) -> LayerExpectation {
        LayerExpectation(
            digest: digest(blob), size: Int64(blob.count), diffID: DiffID(digest(tar)), mediaType: type.map { MediaType(rawValue: $0) })
    }

    /// Extracts into a directory that is thrown away. - Returns: the facts, and the tree.
    private static func extracted(_ blob: [UInt8], _ expectation: LayerExpectation, piece: Int = .max) throws -> (
        facts: LayerFacts, tree: Listing
    ) {
        try withDirectory(inMemory: true) { directory in
            let facts = try LayerExtractor.extract(from: BlobSource(blob, piece: piece), expecting: expectation, into: directory)
            return (facts, try list(directory))
        }
    }

    @Test("the same layer in every encoding, in pieces of any size, is the same tree", arguments: [CompressionFormat.none, .gzip, .zstd])
    func encodings(format: CompressionFormat) throws {
        let tar = try archive(Self.members)
        let blob = try Self.packed(tar, format)
        let plain = try Self.extracted(tar, Self.expectation(tar, tar)).tree
        let oci = "application/vnd.oci.image.layer.v1.tar" + (format == .none ? "" : "+\(format.rawValue)")
        for type in [oci, nil, format == .gzip ? "application/vnd.docker.image.rootfs.diff.tar.gzip" : nil] {
            for piece in [1000, 4096, .max] {
                let (facts, tree) = try Self.extracted(blob, Self.expectation(blob, tar, type), piece: piece)
                expectSame(plain, tree)
                #expect(facts.digest == digest(blob))
                #expect(facts.diffID == DiffID(digest(tar)))
                #expect(facts.compressedSize == blob.count)
                #expect(facts.uncompressedSize == tar.count)
                #expect(facts.entries == 4)
                #expect(facts.inodes == 5)
            }
        }
    }

    @Test("bytes in another encoding than the media type says are refused, but for Docker's plain layers")
    func lies() throws {
        let tar = try archive(Self.members)
        let formats: [CompressionFormat] = [.none, .gzip, .zstd]
        let types: [(String, CompressionFormat)] = [
            ("application/vnd.oci.image.layer.v1.tar", .none), ("application/vnd.oci.image.layer.v1.tar+gzip", .gzip),
            ("application/vnd.oci.image.layer.v1.tar+zstd", .zstd), ("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", .gzip),
        ]
        for found in formats {
            let blob = try Self.packed(tar, found)
            for (type, said) in types where said != found {
                #expect(throws: LayerError.wrongFormat(MediaType(rawValue: type), found: found)) {
                    try Self.extracted(blob, Self.expectation(blob, tar, type))
                }
            }
        }
        #expect(throws: Never.self) {
            try Self.extracted(tar, Self.expectation(tar, tar, "application/vnd.docker.image.rootfs.diff.tar.gzip"))
        }
        #expect(throws: LayerError.self) { try Self.extracted([], Self.expectation([], [], "application/vnd.oci.image.layer.v1.tar+gzip")) }
    }

    @Test("a flipped byte anywhere is a wrong digest, whatever else it breaks", arguments: [CompressionFormat.none, .gzip, .zstd])
    func flipped(format: CompressionFormat) throws {
        let tar = try archive([.file("a", "content"), .directory("d")])
        let blob = try Self.packed(tar, format)
        for place in stride(from: 0, to: blob.count, by: max(1, blob.count / 60)) {
            var wrong = blob
            wrong[place] ^= 0x55
            #expect(throws: LayerError.wrongDigest(expected: digest(blob), got: digest(wrong)), "byte \(place)") {
                try Self.extracted(
                    wrong,
                    Self.expectation(blob, tar, "application/vnd.oci.image.layer.v1.tar" + (format == .none ? "" : "+\(format.rawValue)")))
            }
        }
    }

    @Test("another size than the descriptor's is refused: a longer blob at once, a shorter one at its end")
    func sizes() throws {
        let tar = try archive(Self.members)
        for size in [0, 1, tar.count - 1, tar.count + 1, .max] {
            var expectation = Self.expectation(tar, tar)
            expectation.size = Int64(size)
            let expected = expectation
            #expect(throws: LayerError.self) { try Self.extracted(tar, expected) }
            do { _ = try Self.extracted(tar, expected) } catch let error as LayerError {
                guard case .wrongSize = error else {
                    Issue.record("\(error)")
                    continue
                }
            }
        }
        let endless = EndlessSource()
        var expectation = Self.expectation(tar, tar)
        expectation.size = 1 << 20
        let bounded = expectation
        try withDirectory(inMemory: true) { directory in
            #expect(throws: LayerError.self) { try LayerExtractor.extract(from: endless, expecting: bounded, into: directory) }
        }
        let given = endless.given.load(ordering: .relaxed)
        #expect(given < 2 << 20)
    }

    @Test("another diff ID than the config's is refused, with both named")
    func diffIDs() throws {
        let tar = try archive(Self.members)
        let blob = try Self.packed(tar, .gzip)
        var expectation = Self.expectation(blob, tar)
        expectation.diffID = DiffID(digest(blob))
        let wrong = expectation
        #expect(throws: LayerError.wrongDiffID(expected: DiffID(digest(blob)), got: DiffID(digest(tar)))) {
            try Self.extracted(blob, wrong)
        }
    }

    @Test("a cut stream is refused also where its own digest is right", arguments: [CompressionFormat.gzip, .zstd])
    func cuts(format: CompressionFormat) throws {
        let tar = try archive(Self.members)
        let blob = try Self.packed(tar, format)
        for cut in [1, 5, 20, blob.count / 2, blob.count - 1] {
            let part = Array(blob.prefix(cut))
            #expect(throws: LayerError.self, "cut at \(cut)") { try Self.extracted(part, Self.expectation(part, tar)) }
        }
        let garbage = blob + [0, 0, 0, 0, 0]
        #expect(throws: LayerError.compression(.trailingBytes(format))) { try Self.extracted(garbage, Self.expectation(garbage, tar)) }
    }

    @Test("a cut tar is refused, one that ends without zero blocks is not, and bytes behind the end count for the digest only")
    func tarEnds() throws {
        let tar = try archive([.file("a", "content")])
        for cut in [1, 511, 513, 600, 1023] {
            let part = Array(tar.prefix(cut))
            #expect(throws: LayerError.self, "cut at \(cut)") { try Self.extracted(part, Self.expectation(part, part)) }
        }
        for whole in [Array(tar.prefix(1024)), tar, tar + [UInt8](repeating: 0, count: 9000), tar + Array("behind the end".utf8)] {
            #expect(try Self.extracted(whole, Self.expectation(whole, whole)).tree["a"]?.content == Array("content".utf8))
        }
    }

    @Test("an error of the source is told as it is")
    func sourceErrors() throws {
        try withDirectory(inMemory: true) { directory in
            #expect(throws: LayerError.source("connection reset")) {
                let tar = try archive(Self.members)
                return try LayerExtractor.extract(
                    from: FailingSource(tar, at: 70_000), expecting: Self.expectation(tar, tar), into: directory)
            }
        }
    }

    @Test(
        "a cancelled extraction ends, in the middle of a large file or of bytes that are no tar, and lets its source go",
        arguments: [true, false])
    func cancellation(isTar: Bool) throws {
        let endless = EndlessSource(isTar: isTar)
        let asked = Atomic(0)
        let expectation = LayerExpectation(digest: digest([]), size: nil, diffID: DiffID(digest([])), mediaType: nil)
        try withDirectory(inMemory: true) { directory in
            #expect(throws: LayerError.cancelled) {
                try LayerExtractor.extract(
                    from: endless, expecting: expectation, into: directory,
                    isCancelled: { asked.wrappingAdd(1, ordering: .relaxed).newValue > 20 })
            }
        }
        let isLetGo = endless.isCancelled.load(ordering: .relaxed)
        #expect(isLetGo)
    }

    @Test("progress tells the stored bytes, and ends with all of them")
    func progress() throws {
        let tar = try archive(Self.members)
        let told = Mutex<[Int64]>([])
        try withDirectory(inMemory: true) { directory in
            _ = try LayerExtractor.extract(
                from: BlobSource(tar), expecting: Self.expectation(tar, tar), into: directory,
                progress: { bytes in told.withLock { $0.append(bytes) } })
        }
        let bytes = told.withLock { $0 }
        #expect(bytes.last == Int64(tar.count))
        #expect(bytes == bytes.sorted())
    }
}

/// One file without an end.
private final class EndlessSource: LayerSource {
    let given = Atomic(0)
    let isCancelled = Atomic(false)
    private let header: Mutex<[UInt8]>

    init(isTar: Bool = true) {
        header = Mutex(isTar ? (try? TarWriter.header(TarEntry(path: [0x61], kind: .file, size: 1 << 40))) ?? [] : Array("no tar".utf8))
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(LayerError) -> Int {
        if isCancelled.load(ordering: .relaxed) { throw .source("cancelled") }
        let front = header.withLock { header in
            defer { header = [] }
            return header
        }
        let count = front.isEmpty ? buffer.count : front.count
        if front.isEmpty { buffer.initializeMemory(as: UInt8.self, repeating: 0x61) } else { buffer.copyBytes(from: front) }
        given.wrappingAdd(count, ordering: .relaxed)
        return count
    }

    func cancel() { isCancelled.store(true, ordering: .relaxed) }
}

private final class FailingSource: LayerSource {
    private let bytes: BlobSource
    private let left: Atomic<Int>

    init(_ bytes: [UInt8], at place: Int) {
        self.bytes = BlobSource(bytes, piece: 1000)
        left = Atomic(place)
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(LayerError) -> Int {
        let count = try bytes.read(into: buffer)
        if left.wrappingSubtract(count, ordering: .relaxed).newValue < 0 { throw .source("connection reset") }
        return count
    }

    func cancel() {}
}
