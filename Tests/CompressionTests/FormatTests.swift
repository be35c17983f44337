// SPDX-License-Identifier: Apache-2.0

import Compression
import Testing

@Suite struct FormatTests {
    @Test(
        "a format is told by its first bytes",
        arguments: [
            ([], .none), ([0x1F], .none), ([0x1F, 0x8B], .gzip), ([0x1F, 0x8B, 8, 0, 0], .gzip), ([0x1F, 0x8C, 8, 0], .none),
            ([0x28, 0xB5, 0x2F], .none), ([0x28, 0xB5, 0x2F, 0xFD], .zstd), ([0x28, 0xB5, 0x2F, 0xFD, 0], .zstd),
            ([0x50, 0x2A, 0x4D, 0x18], .zstd), ([0x5F, 0x2A, 0x4D, 0x18, 0], .zstd), ([0x60, 0x2A, 0x4D, 0x18], .none),
            ([0x50, 0x2A, 0x4D], .none), (Array("BZh91AY".utf8), .none), ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0], .none),
            (Array("etc/passwd".utf8), .none), ([0, 0, 0, 0, 0], .none),
        ] as [([UInt8], CompressionFormat)])
    func detection(bytes: [UInt8], format: CompressionFormat) { #expect(CompressionFormat.detect(bytes) == format) }

    @Test("plain bytes come out as they are, in the pieces they came in, and may be none")
    func plain() throws {
        let bytes: [UInt8] = Array(0...255)
        for piece in [1, 100, .max] { #expect(try unpack(bytes, as: .none, piece: piece) == bytes) }
        #expect(try unpack([], as: .none) == [])
    }

    @Test("the wrong format is an error, not content", arguments: [CompressionFormat.gzip, .zstd])
    func wrongFormat(format: CompressionFormat) {
        for bytes in [Array("plain text, and enough of it".utf8), [UInt8](repeating: 0, count: 1024)] {
            #expect(throws: CompressionError.self) { try unpack(bytes, as: format) }
        }
    }
}
