// SPDX-License-Identifier: Apache-2.0

internal import Tar

extension FuzzTarget {
    enum Tar {
        /// Holes are not stored: no part of a file lies beyond its end, no more is read than was sent, the pieces in which a stream comes
        /// make no difference, and what the writer makes of entries are these entries.
        static func check(_ bytes: [UInt8]) throws(BrokenPromise) {
            let bytes = TarBytes.withRightChecksums(bytes)
            let whole = try read(bytes, piece: .max)
            let inPieces = try read(bytes, piece: 7)
            try promise(whole == inPieces, "read whole: \(whole)\nread in pieces: \(inPieces)")
            try promise(whole.members.reduce(0) { $0 + $1.data.count } <= bytes.count, "more content than was sent")
            try writeAgain(whole.members)
        }

        private struct Outcome: Equatable {
            var members: [ReadMember] = []
            var error: TarError?
        }

        private struct ReadMember: Equatable {
            var entry: TarEntry
            var data: [UInt8] = []
        }

        private static func read(_ bytes: [UInt8], piece: Int) throws(BrokenPromise) -> Outcome {
            var outcome = Outcome()
            var broken: BrokenPromise?
            var buffer = [UInt8](repeating: 0, count: 1 << 12)
            do throws(TarError) {
                var reader = TarReader(MemorySource(bytes, piece: piece))
                while let entry = try reader.next() {
                    outcome.members.append(ReadMember(entry: entry))
                    while true {
                        var span = buffer.mutableSpan
                        let part = try span.withUnsafeMutableBytes { place throws(TarError) in try reader.readData(into: place) }
                        guard let part else { break }
                        if part.count <= 0 || part.offset > entry.size || UInt64(part.count) > entry.size - part.offset {
                            broken = BrokenPromise("\(part.count) bytes at \(part.offset) of a file of \(entry.size)")
                        }
                        outcome.members[outcome.members.count - 1].data += buffer[..<part.count]
                    }
                }
            } catch {
                outcome.error = error
            }
            if let broken { throw broken }
            return outcome
        }

        private static func writeAgain(_ members: [ReadMember]) throws(BrokenPromise) {
            for member in members where member.entry.sparse == nil && UInt64(member.data.count) == member.entry.size {
                guard let header = try? TarWriter.header(member.entry) else { continue }
                let written = header + member.data + TarWriter.padding(after: UInt64(member.data.count)) + TarWriter.end
                let again = try read(written, piece: .max)
                try promise(again == Outcome(members: [member]), "read: \(member)\nwritten and read: \(again)")
            }
        }
    }
}

/// An archive in memory, in pieces of a chosen size.
struct MemorySource: TarSource, ~Copyable {
    private let bytes: [UInt8]
    private let piece: Int
    private var position = 0

    init(_ bytes: [UInt8], piece: Int) {
        self.bytes = bytes
        self.piece = piece
    }

    mutating func read(into buffer: UnsafeMutableRawBufferPointer) throws(TarError) -> Int {
        let count = min(buffer.count, piece, bytes.count - position)
        buffer.copyBytes(from: bytes[position..<(position + count)])
        position += count
        return count
    }
}

/// A fuzzer does not find checksums by itself, and what is behind them would never be reached.
enum TarBytes {
    private static let block = 512

    /// With the checksum of every block that may be a header made right.
    static func withRightChecksums(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for start in stride(from: 0, to: bytes.count - block + 1, by: block) {
            guard bytes[start..<(start + block)].contains(where: { $0 != 0 }) else { continue }
            // What stands there now tells headers from data: digits, blanks, or nothing yet.
            guard bytes[(start + 148)..<(start + 156)].allSatisfy({ (0x30...0x37).contains($0) || $0 == 0x20 || $0 == 0 }) else { continue }
            for index in 148..<156 { bytes[start + index] = 0x20 }
            let sum = String(bytes[start..<(start + block)].reduce(0) { $0 + Int($1) }, radix: 8)
            bytes.replaceSubrange(
                (start + 148)..<(start + 156), with: Array((String(repeating: "0", count: 6 - sum.utf8.count) + sum).utf8) + [0, 0x20])
        }
        return bytes
    }

    /// Archives that lie one behind the other: two zero blocks end one.
    static func split(_ bytes: [UInt8], most: Int) -> [[UInt8]] {
        var archives: [[UInt8]] = []
        var begin = 0
        var place = 0
        while place + 2 * block <= bytes.count, archives.count < most - 1 {
            let isEnd = bytes[place..<(place + 2 * block)].allSatisfy { $0 == 0 }
            place += isEnd ? 2 * block : block
            guard isEnd else { continue }
            archives.append(Array(bytes[begin..<place]))
            begin = place
        }
        if begin < bytes.count || archives.isEmpty { archives.append(Array(bytes[begin...])) }
        return archives
    }
}
