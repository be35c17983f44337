// SPDX-License-Identifier: Apache-2.0

import Foundation
import Tar
import TestSupport
import Testing

/// An archive's bytes, given in pieces of a chosen size.
struct Bytes: TarSource {
    var bytes: ArraySlice<UInt8>
    var piece: Int

    init(_ bytes: [UInt8], piece: Int = .max) {
        self.bytes = bytes[...]
        self.piece = piece
    }

    mutating func read(into buffer: UnsafeMutableRawBufferPointer) throws(TarError) -> Int {
        let count = min(buffer.count, piece, bytes.count)
        buffer.copyBytes(from: bytes.prefix(count))
        bytes = bytes.dropFirst(count)
        return count
    }
}

/// An entry with what it holds.
struct Member: Equatable {
    var entry: TarEntry
    var content: [UInt8]
}

/// Reads a whole archive; files of more than `limit` bytes give what is stored of them only.
func read(_ bytes: [UInt8], piece: Int = .max, limit: UInt64 = 64 << 20) throws -> [Member] {
    var reader = TarReader(Bytes(bytes, piece: piece))
    var members: [Member] = []
    var buffer = [UInt8](repeating: 0, count: 5000)
    while let entry = try reader.next() {
        var content = [UInt8](repeating: 0, count: Int(entry.kind == .file && entry.size <= limit ? entry.size : 0))
        while true {
            var span = buffer.mutableSpan
            let part = try span.withUnsafeMutableBytes { bytes throws(TarError) in try reader.readData(into: bytes) }
            guard let part else { break }
            for index in 0..<part.count where Int(part.offset) + index < content.count { content[Int(part.offset) + index] = buffer[index] }
        }
        members.append(Member(entry: entry, content: content))
    }
    return members
}

func archive(_ members: [Member]) throws -> [UInt8] {
    try members.flatMap { try TarWriter.header($0.entry) + $0.content + TarWriter.padding(after: UInt64($0.content.count)) } + TarWriter.end
}

func file(_ path: String, _ content: String = "") -> Member {
    Member(entry: TarEntry(path: Array(path.utf8), kind: .file, size: UInt64(content.utf8.count)), content: Array(content.utf8))
}

/// A header block with fields of one's own, and a right checksum.
func rawHeader(_ path: String, type: Character = "0", size: String = "00000000000", changes: [Int: [UInt8]] = [:]) -> [UInt8] {
    var block = [UInt8](repeating: 0, count: 512)
    func put(_ offset: Int, _ bytes: [UInt8]) { block.replaceSubrange(offset..<(offset + bytes.count), with: bytes) }
    put(0, Array(path.utf8))
    put(100, Array("0000644".utf8))
    put(108, Array("0000000".utf8))
    put(116, Array("0000000".utf8))
    put(124, Array(size.utf8))
    put(136, Array("00000000000".utf8))
    put(156, Array(String(type).utf8))
    put(257, Array("ustar\0".utf8) + Array("00".utf8))
    for (offset, bytes) in changes { put(offset, bytes) }
    put(148, Array("        ".utf8))
    let sum = String(block.reduce(0) { $0 + Int($1) }, radix: 8)
    put(148, Array(String(repeating: "0", count: 6 - sum.count).utf8) + Array(sum.utf8) + [0])
    return block
}

/// A pax extended header of these records, as they stand.
func paxHeader(_ records: [UInt8], type: Character = "x") -> [UInt8] {
    let size = String(records.count, radix: 8)
    return rawHeader("pax", type: type, size: String(repeating: "0", count: 11 - size.count) + size) + records
        + TarWriter.padding(after: UInt64(records.count))
}

func record(_ key: String, _ value: String) -> [UInt8] {
    let body = " \(key)=\(value)\n"
    var length = body.utf8.count
    while String(length).count + body.utf8.count != length { length = String(length).count + body.utf8.count }
    return Array("\(length)\(body)".utf8)
}

/// Runs a program in an empty directory, which is gone afterwards. - Returns: its output.
func run(_ arguments: [String], in directory: URL, input: String = "") throws -> [UInt8] {
    let outcome = try command(arguments, in: directory.path, input: Array(input.utf8))
    try #require(outcome.code == 0, "\(arguments): \(outcome.errors)")
    return outcome.bytes
}

func withDirectory<Value>(_ body: (URL) throws -> Value) throws -> Value {
    let directory = URL(filePath: "/var/tmp/ctr-tar-test-\(UInt64.random(in: 0 ... .max))")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(at: directory) }
    return try body(directory)
}

struct Seeded: RandomNumberGenerator {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 | 1 }

    /// SplitMix64.
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
