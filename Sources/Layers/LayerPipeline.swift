// SPDX-License-Identifier: Apache-2.0

internal import Compression
internal import Linux
internal import OCI
internal import Synchronization
internal import Tar

internal import struct Crypto.SHA256

/// The first half of an extraction, on a thread of its own: stored bytes -> SHA-256 -> inflate -> SHA-256 -> pieces of the tar.
///
/// The second half (the caller's thread) takes the pieces; the queue between them holds at most 2 MiB.
final class LayerPipeline: Sendable {
    /// What the first half found, when it has seen everything.
    struct Verdict: Sendable {
        var digest: Digest
        var diffID: DiffID
        var compressedSize: Int64
        var uncompressedSize: Int64
    }

    private static let chunkSize = 1 << 17

    private let source: any LayerSource
    private let expectation: LayerExpectation
    private let progress: (@Sendable (Int64) -> Void)?
    private let pieces = BlockingQueue<[UInt8]>(capacity: 8)
    private let outcome = Mutex<Result<Verdict, LayerError>?>(nil)

    init(_ source: any LayerSource, _ expectation: LayerExpectation, progress: (@Sendable (Int64) -> Void)?) {
        self.source = source
        self.expectation = expectation
        self.progress = progress
    }

    /// The body of the first half's thread.
    func run() {
        do throws(LayerError) {
            let verdict = try produce()
            outcome.withLock { $0 = .success(verdict) }
        } catch {
            outcome.withLock { if $0 == nil { $0 = .failure(error) } }
        }
        pieces.close()
    }

    /// The next piece of the tar; nil at its end, or where the first half failed: then `verdict()` says why.
    func take() -> [UInt8]? { pieces.take() }

    /// The second half has failed: nothing is wanted any more.
    func abandon() {
        outcome.withLock { if $0 == nil { $0 = .failure(.cancelled) } }
        source.cancel()
        pieces.close()
    }

    /// What the first half failed with, so far.
    var failure: LayerError? {
        outcome.withLock { if case .failure(let error) = $0 { error } else { nil } }
    }

    /// After `take` has returned nil.
    func verdict() throws(LayerError) -> Verdict {
        guard let result = outcome.withLock({ $0 }) else { throw .cancelled }
        return try result.get()
    }

    private func produce() throws(LayerError) -> Verdict {
        var stored = SHA256()
        var storedSize: Int64 = 0
        var unpacking = Unpacking()
        var failure: LayerError?
        var chunk = [UInt8](repeating: 0, count: Self.chunkSize)
        while true {
            let count = try fill(&chunk)
            storedSize += Int64(count)
            if let size = expectation.size, storedSize > size { throw .wrongSize(expected: size, got: storedSize) }
            try chunk.span.withUnsafeBytes { bytes throws(LayerError) in
                let input = UnsafeRawBufferPointer(rebasing: bytes[..<count])
                stored.update(bufferPointer: input)
                // What can't be unpacked is read to its end: only then it is known whether these are the promised bytes at all.
                if failure == nil { failure = try unpack(input, &unpacking) }
            }
            if count == 0 { break }
            progress?(storedSize)
        }
        let verdict = Verdict(
            digest: Digest(sha256: stored.finalize()), diffID: DiffID(Digest(sha256: unpacking.hash.finalize())),
            compressedSize: storedSize, uncompressedSize: unpacking.size)
        try judge(verdict, failure)
        return verdict
    }

    private struct Unpacking: ~Copyable {
        var decompressor: Decompressor?
        var hash = SHA256()
        var size: Int64 = 0
    }

    /// - Parameter input: empty at the end of the stream.
    /// - Returns: what is wrong with the stream. - Throws: `LayerError.cancelled` where nobody wants it any more.
    private func unpack(_ input: UnsafeRawBufferPointer, _ state: inout Unpacking) throws(LayerError) -> LayerError? {
        do throws(LayerError) {
            if state.decompressor == nil { state.decompressor = try begin(input) }
            if input.isEmpty {
                do throws(CompressionError) { try state.decompressor?.finish() } catch { throw .compression(error) }
                return nil
            }
            try state.decompressor?.push(input, failing: LayerError.compression) { output throws(LayerError) in
                state.hash.update(bufferPointer: output)
                state.size += Int64(output.count)
                guard pieces.put(Array(output)) else { throw .cancelled }
            }
            return nil
        } catch .cancelled {
            throw .cancelled
        } catch {
            return error
        }
    }

    /// The digest first: corrupted bytes are the cause, a stream that can't be unpacked only the symptom.
    private func judge(_ verdict: Verdict, _ failure: LayerError?) throws(LayerError) {
        if let size = expectation.size, verdict.compressedSize != size { throw .wrongSize(expected: size, got: verdict.compressedSize) }
        guard verdict.digest == expectation.digest else { throw .wrongDigest(expected: expectation.digest, got: verdict.digest) }
        if let failure { throw failure }
        guard verdict.diffID == expectation.diffID else { throw .wrongDiffID(expected: expectation.diffID, got: verdict.diffID) }
    }

    /// By the bytes; where the media type says something else, one of both lies.
    private func begin(_ first: UnsafeRawBufferPointer) throws(LayerError) -> Decompressor {
        let found = CompressionFormat.detect(first)
        if let type = expectation.mediaType, let said = type.layerCompression {
            let wanted: CompressionFormat =
                switch said {
                case .none: .none
                case .gzip: .gzip
                case .zstd: .zstd
                }
            // Docker's own type says gzip also for layers that it stored plain; the diff ID still decides about the content.
            guard found == wanted || found == .none && wanted == .gzip && type == .dockerLayerGzip else {
                throw .wrongFormat(type, found: found)
            }
        }
        do throws(CompressionError) { return try Decompressor(found) } catch { throw .compression(error) }
    }

    private func fill(_ chunk: inout [UInt8]) throws(LayerError) -> Int {
        var done = 0
        while done < chunk.count {
            var span = chunk.mutableSpan
            let count = try span.withUnsafeMutableBytes { buffer throws(LayerError) in
                try source.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[done...]))
            }
            if count == 0 { break }
            done += count
        }
        return done
    }
}

/// The pieces as one stream for the tar reader.
struct PieceSource: TarSource, ~Copyable {
    private let pipeline: LayerPipeline
    private var piece: [UInt8] = []
    private var position = 0

    init(_ pipeline: LayerPipeline) { self.pipeline = pipeline }

    mutating func read(into buffer: UnsafeMutableRawBufferPointer) throws(TarError) -> Int {
        while position == piece.count {
            guard let next = pipeline.take() else {
                if pipeline.failure != nil { throw .sourceFailed }
                return 0
            }
            piece = next
            position = 0
        }
        let count = min(buffer.count, piece.count - position)
        piece.withUnsafeBytes { bytes in
            buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[position..<(position + count)]))
        }
        position += count
        return count
    }
}
