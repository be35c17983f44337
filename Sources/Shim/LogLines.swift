// SPDX-License-Identifier: Apache-2.0

/// Cuts one stream into lines, and lines that are too long into pieces.
struct LogLines {
    /// A line's beginning, shorter than a piece.
    private var rest: [UInt8] = []

    mutating func take(_ bytes: ArraySlice<UInt8>, into records: inout LogRecords) {
        var bytes = bytes
        while let end = bytes.firstIndex(of: UInt8(ascii: "\n")) {
            if rest.isEmpty {
                let last = Self.cutPieces(of: bytes[..<end], keepingLast: false, into: &records)
                records.append(last, isPartial: false)
            } else {
                rest.append(contentsOf: bytes[..<end])
                let last = Self.cutPieces(of: rest[...], keepingLast: false, into: &records)
                records.append(last, isPartial: false)
                rest.removeAll(keepingCapacity: true)
            }
            bytes = bytes[(end + 1)...]
        }
        rest.append(contentsOf: bytes)
        if rest.count >= LogWriter.longestText { rest = Array(Self.cutPieces(of: rest[...], keepingLast: true, into: &records)) }
    }

    /// The stream has ended without a line feed.
    mutating func finish(into records: inout LogRecords) {
        if !rest.isEmpty { records.append(rest[...], isPartial: true) }
        rest = []
    }

    /// - Parameter keepingLast: the line goes on, so a piece of just the full length is cut as well.
    /// - Returns: what is left, shorter than a piece (or as long).
    private static func cutPieces(of text: ArraySlice<UInt8>, keepingLast: Bool, into records: inout LogRecords) -> ArraySlice<UInt8> {
        var text = text
        while text.count > LogWriter.longestText || keepingLast && text.count == LogWriter.longestText {
            let piece = text.prefix(cut(text))
            records.append(piece, isPartial: true)
            text = text.dropFirst(piece.count)
        }
        return text
    }

    /// Not in the middle of a UTF-8 sequence, where it is one.
    private static func cut(_ text: ArraySlice<UInt8>) -> Int {
        let longest = LogWriter.longestText
        for back in 1...4 {
            let byte = text[text.startIndex + longest - back]
            if byte & 0xC0 == 0x80 { continue }
            // A sequence that begins here and is not whole goes to the next piece.
            let length = byte < 0x80 ? 1 : byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : 2
            return length > back ? longest - back : longest
        }
        return longest
    }
}
