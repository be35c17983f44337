// SPDX-License-Identifier: Apache-2.0

import CZstd
import Compression
import Testing

@Suite struct ZstdTests {
    /// Made by libzstd itself; what is tested is the streaming around it.
    private func packed(_ content: [UInt8], level: Int32 = 3, checksum: Bool = true) throws -> [UInt8] {
        let context = try #require(ZSTD_createCCtx())
        defer { ZSTD_freeCCtx(context) }
        ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level)
        ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, checksum ? 1 : 0)
        var bytes = [UInt8](repeating: 0, count: ZSTD_compressBound(content.count))
        let count = ZSTD_compress2(context, &bytes, bytes.count, content, content.count)
        try #require(ZSTD_isError(count) == 0)
        return Array(bytes.prefix(count))
    }

    /// A frame header of this window, and these blocks. Source: RFC 8878 3.1.1.
    private func frame(window: UInt8, blocks: [UInt8]) -> [UInt8] { [0x28, 0xB5, 0x2F, 0xFD, 0, window] + blocks }

    private func skippable(_ content: String, kind: UInt8 = 0) -> [UInt8] {
        [0x50 | kind, 0x2A, 0x4D, 0x18] + littleEndian(UInt32(content.utf8.count)) + Array(content.utf8)
    }

    private static let emptyLastBlock: [UInt8] = [1, 0, 0]

    @Test("what is packed comes out, at any level and in pieces of any size", arguments: [-5, 1, 3, 19])
    func levels(level: Int32) throws {
        let original = try python("\(text)\nout = text")
        let bytes = try packed(original, level: level)
        for piece in [1, 7, 512, 4096, 100_000, .max] {
            #expect(try unpack(bytes, as: .zstd, piece: piece) == original, "pieces of \(piece)")
        }
    }

    @Test("frames that follow each other are one stream, skippable ones are skipped, wherever it is cut in two")
    func frames() throws {
        let bytes =
            try skippable("first", kind: 15) + packed(Array("one ".utf8)) + skippable("") + packed([]) + packed(Array("two".utf8))
            + skippable("the table of contents of a seekable archive")
        for cut in 0...bytes.count {
            #expect(try unpack(pieces: [bytes[..<cut], bytes[cut...]], as: .zstd) == Array("one two".utf8), "cut at \(cut)")
        }
        #expect(try unpack(bytes, as: .zstd, piece: 1) == Array("one two".utf8))
    }

    @Test("an empty frame is an empty stream; no frame at all is none")
    func empty() throws {
        #expect(try unpack(packed([]), as: .zstd) == [])
        #expect(throws: CompressionError.truncated(.zstd)) { try unpack([], as: .zstd) }
    }

    @Test("every cut is told but the one between two frames, which only the blob's digest can tell")
    func cuts() throws {
        let first = try packed(Array(0...255) + Array(0...255))
        let bytes = first + skippable("skipped") + (try packed(Array("second".utf8)))
        for cut in 0..<bytes.count where ![first.count, first.count + 15].contains(cut) {
            for piece in [1, Int.max] {
                #expect(throws: CompressionError.truncated(.zstd), "cut at \(cut)") {
                    try unpack(Array(bytes.prefix(cut)), as: .zstd, piece: piece)
                }
            }
        }
    }

    @Test(
        "bytes behind the last frame are refused",
        arguments: [[0], [0, 0, 0, 0, 0], Array("tar archive".utf8), [0x1F, 0x8B, 8, 0, 0]] as [[UInt8]])
    func trailing(garbage: [UInt8]) throws {
        for piece in [1, Int.max] {
            #expect(throws: CompressionError.self) { try unpack(packed(Array("content".utf8)) + garbage, as: .zstd, piece: piece) }
        }
        if garbage.count >= 4 {
            #expect(throws: CompressionError.trailingBytes(.zstd)) { try unpack(packed(Array("content".utf8)) + garbage, as: .zstd) }
        }
    }

    @Test("no flipped bit gives other content where the frame has a checksum")
    func flips() throws {
        let original = Array("some words, some more words, and some words again, some words, some more words".utf8)
        let bytes = try packed(original)
        for bit in 0..<bytes.count * 8 {
            var flipped = bytes
            flipped[bit / 8] ^= 1 << UInt8(bit % 8)
            // The magic number of a skippable frame is one bit pattern away from none: a frame can't become one.
            let content = try? unpack(flipped, as: .zstd)
            #expect(content == nil || content == original, "bit \(bit)")
        }
    }

    @Test("a window of 128 MiB is granted, a larger one refused before it is allocated")
    func window() throws {
        // Exponents of 17, 18 and 31: windows of 2^27, 2^28 and 2^41 bytes.
        #expect(try unpack(frame(window: 17 << 3, blocks: Self.emptyLastBlock), as: .zstd) == [])
        for exponent in [18, 31] as [UInt8] {
            for piece in [1, Int.max] {
                #expect(throws: CompressionError.self) {
                    try unpack(frame(window: exponent << 3, blocks: Self.emptyLastBlock), as: .zstd, piece: piece)
                }
            }
        }
        // One byte above 128 MiB.
        #expect(throws: CompressionError.self) { try unpack(frame(window: 17 << 3 | 1, blocks: Self.emptyLastBlock), as: .zstd) }
    }

    @Test("a frame that wants a dictionary is refused")
    func dictionary() throws {
        #expect(throws: CompressionError.self) { try unpack([0x28, 0xB5, 0x2F, 0xFD, 1, 0, 7] + Self.emptyLastBlock, as: .zstd) }
    }

    @Test("a bomb comes out in small pieces, and stops when nobody takes them")
    func bomb() throws {
        // 8192 blocks that each repeat one zero 2^17 times: 1 GiB of 32 KiB.
        let block: [UInt8] = Array(littleEndian(UInt32(1 << 17) << 3 | 1 << 1).prefix(3)) + [0]
        let bytes = frame(window: 10 << 3, blocks: Array(repeatElement(block, count: 8192).joined()))
        let (count, largest) = try unpack(bytes, as: .zstd, until: 1 << 20)
        #expect(largest <= 1 << 18)
        #expect((1 << 20...1 << 20 + 1 << 18).contains(count))
    }
}
