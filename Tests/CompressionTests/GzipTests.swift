// SPDX-License-Identifier: Apache-2.0

import Compression
import Testing

@Suite struct GzipTests {
    @Test("what zlib packs comes out, at any level and in pieces of any size", arguments: [0, 1, 6, 9])
    func levels(level: Int) throws {
        let original = try python("\(text)\nout = text")
        let packed = try python("\(text)\nout = gzip.compress(text, \(level))")
        for piece in [1, 7, 512, 4096, 100_000, .max] {
            #expect(try unpack(packed, as: .gzip, piece: piece) == original, "pieces of \(piece)")
        }
    }

    @Test("members that follow each other are one stream, wherever it is cut in two")
    func members() throws {
        let packed = try python("out = gzip.compress(b'one ' * 50)") + storedMember("") + storedMember("two") + storedMember("three")
        let original = Array((String(repeating: "one ", count: 50) + "twothree").utf8)
        for cut in 0...packed.count {
            #expect(try unpack(pieces: [packed[..<cut], packed[cut...]], as: .gzip) == original, "cut at \(cut)")
        }
        #expect(try unpack(packed, as: .gzip, piece: 1) == original)
    }

    @Test("a thousand members, as bgzip and pigz write them")
    func manyMembers() throws {
        let packed = try python("out = b''.join(gzip.compress(b'%d ' % i * 100) for i in range(1000))")
        let original = Array((0..<1000).map { String(repeating: "\($0) ", count: 100) }.joined().utf8)
        for piece in [1, 1000, .max] { #expect(try unpack(packed, as: .gzip, piece: piece) == original) }
    }

    @Test("optional header fields are passed over, in pieces, too")
    func headerFields() throws {
        let extra = littleEndian(UInt16(5)) + [1, 2, 3, 4, 5]
        let names = Array("name\0".utf8) + Array("comment\0".utf8)
        let packed = storedMember("all", flags: 0x1C, fields: extra + names) + storedMember("name", flags: 8, fields: Array("n\0".utf8))
        for piece in [1, 2, 3, .max] { #expect(try unpack(packed, as: .gzip, piece: piece) == Array("allname".utf8)) }
    }

    @Test("an empty member is an empty stream; no member at all is none")
    func empty() throws {
        #expect(try unpack(storedMember(""), as: .gzip) == [])
        #expect(throws: CompressionError.truncated(.gzip)) { try unpack([], as: .gzip) }
    }

    @Test("every cut is told but the one between two members, which only the blob's digest can tell")
    func cuts() throws {
        let first = try python("out = gzip.compress(bytes(range(256)) * 3)")
        let packed = first + storedMember("second")
        for cut in 0..<packed.count where cut != first.count {
            for piece in [1, Int.max] {
                #expect(throws: CompressionError.truncated(.gzip), "cut at \(cut)") {
                    try unpack(Array(packed.prefix(cut)), as: .gzip, piece: piece)
                }
            }
        }
        #expect(try unpack(first, as: .gzip).count == 768)
    }

    @Test(
        "bytes behind the last member are refused",
        arguments: [[0], [0, 0, 0, 0], Array("tar".utf8), [0x28, 0xB5, 0x2F, 0xFD]] as [[UInt8]])
    func trailing(garbage: [UInt8]) throws {
        for piece in [1, Int.max] {
            #expect(throws: CompressionError.trailingBytes(.gzip)) {
                try unpack(storedMember("content") + garbage, as: .gzip, piece: piece)
            }
        }
    }

    @Test("bytes that only begin like another member are refused", arguments: [[0x1F], [0x1F, 0x8C], [0x1F, 0x8B, 8]] as [[UInt8]])
    func falseMember(garbage: [UInt8]) throws {
        #expect(throws: CompressionError.self) { try unpack(storedMember("content") + garbage, as: .gzip) }
    }

    @Test("a wrong checksum and a wrong length are told, of the second member, too")
    func trailers() throws {
        for broken in [storedMember("content", crc: 1), storedMember("content", size: 6), storedMember("", crc: 1)] {
            for packed in [broken, storedMember("good") + broken] {
                for piece in [1, Int.max] {
                    #expect(throws: CompressionError.corrupt(.gzip, "its checksum is wrong")) {
                        try unpack(packed, as: .gzip, piece: piece)
                    }
                }
            }
        }
    }

    @Test("methods that are not deflate are refused")
    func method() { #expect(throws: CompressionError.self) { try unpack(storedMember("content", method: 7), as: .gzip) } }

    @Test("no flipped bit gives other content: it is told, or nobody needs it")
    func flips() throws {
        let packed = try python("out = gzip.compress(b'some words, some more words, and some words again' * 3)")
        let original = try unpack(packed, as: .gzip)
        for bit in 0..<packed.count * 8 {
            var flipped = packed
            flipped[bit / 8] ^= 1 << UInt8(bit % 8)
            let content = try? unpack(flipped, as: .gzip)
            #expect(content == nil || content == original, "bit \(bit)")
        }
    }

    @Test("a bomb comes out in small pieces, and stops when nobody takes them")
    func bomb() throws {
        let packed = try python("out = gzip.compress(bytes(1 << 28), 9)")
        #expect(packed.count < 300_000)
        let (count, largest) = try unpack(packed, as: .gzip, until: 1 << 20)
        #expect(largest <= 1 << 18)
        #expect((1 << 20...1 << 20 + 1 << 18).contains(count))
    }
}
