// SPDX-License-Identifier: Apache-2.0

import Compression
import Foundation
import TestSupport
import Testing

/// Unpacks a stream that comes in pieces of a chosen size, to its end.
func unpack(_ bytes: [UInt8], as format: CompressionFormat, piece: Int = .max) throws -> [UInt8] {
    try unpack(pieces: stride(from: 0, to: bytes.count, by: min(piece, max(bytes.count, 1))).map { bytes[$0...].prefix(piece) }, as: format)
}

func unpack(pieces: [ArraySlice<UInt8>], as format: CompressionFormat) throws -> [UInt8] {
    var decompressor = try Decompressor(format)
    var unpacked: [UInt8] = []
    for piece in pieces { try push(piece, to: &decompressor) { unpacked += $0 } }
    try decompressor.finish()
    return unpacked
}

private func push(_ bytes: ArraySlice<UInt8>, to decompressor: inout Decompressor, _ take: (UnsafeRawBufferPointer) throws -> Void) throws {
    try bytes.withUnsafeBytes { input in try decompressor.push(input, failing: { $0 as any Error }, take) }
}

struct Enough: Error {}

/// Unpacks until a number of bytes has come out, as a disk that becomes full would have it.
/// - Returns: how many came out, and the largest piece.
func unpack(_ bytes: [UInt8], as format: CompressionFormat, until limit: Int) throws -> (count: Int, largest: Int) {
    var decompressor = try Decompressor(format)
    var (count, largest) = (0, 0)
    do {
        try push(bytes[...], to: &decompressor) { output in
            count += output.count
            largest = max(largest, output.count)
            if count >= limit { throw Enough() }
        }
    } catch is Enough {}
    return (count, largest)
}

/// What a Python program writes, given the standard library's zlib: another implementation than the one under test.
func python(_ program: String) throws -> [UInt8] {
    let outcome = try command(["python3", "-c", "import gzip, random, sys\n\(program)\nsys.stdout.buffer.write(out)"])
    try #require(outcome.code == 0, "\(outcome.errors)")
    return outcome.bytes
}

/// 300,000 bytes that pack well but not trivially, and repeat themselves from further away than 32 KiB.
let text = "text = bytes(random.Random(7).choices(b'abcdefgh    \\n', k=200000)); text += text[:100000]"

/// A gzip member that only stores, made by hand. Source: RFC 1952, RFC 1951 3.2.4.
func storedMember(_ content: String, flags: UInt8 = 0, fields: [UInt8] = [], method: UInt8 = 8, crc: UInt32? = nil, size: UInt32? = nil)
    -> [UInt8]
{
    let bytes = Array(content.utf8)
    let count = UInt16(bytes.count)
    return [0x1F, 0x8B, method, flags, 0, 0, 0, 0, 0, 3] + fields + [1] + littleEndian(count) + littleEndian(~count) + bytes
        + littleEndian(crc ?? crc32(bytes)) + littleEndian(size ?? UInt32(bytes.count))
}

func littleEndian(_ number: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: number.littleEndian) { Array($0) } }

func crc32(_ bytes: [UInt8]) -> UInt32 {
    var crc: UInt32 = 0xFFFF_FFFF
    for byte in bytes {
        crc ^= UInt32(byte)
        for _ in 0..<8 { crc = crc & 1 == 1 ? (crc >> 1) ^ 0xEDB8_8320 : crc >> 1 }
    }
    return ~crc
}
