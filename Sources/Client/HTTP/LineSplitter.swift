// SPDX-License-Identifier: Apache-2.0

/// Cuts a stream of bytes into the lines of NDJSON. Empty lines are skipped: a server may send them to keep a connection alive.
struct LineSplitter {
    /// The daemon's longest line is a manifest event of 500 layers.
    static let limit = 4 << 20
    private var rest: [UInt8] = []

    /// - Returns: the lines that `bytes` completes.
    mutating func lines(in bytes: ArraySlice<UInt8>) throws(HTTPError) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        var start = bytes.startIndex
        while let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
            take(bytes[start..<end], into: &lines)
            start = bytes.index(after: end)
        }
        rest.append(contentsOf: bytes[start...])
        if rest.count > Self.limit { throw .tooLong("a line", limit: Self.limit) }
        return lines
    }

    /// What follows the last line feed, at the end of the stream.
    mutating func last() -> [UInt8]? {
        var lines: [[UInt8]] = []
        take([], into: &lines)
        return lines.first
    }

    private mutating func take(_ bytes: ArraySlice<UInt8>, into lines: inout [[UInt8]]) {
        var line = rest
        rest = []
        line.append(contentsOf: bytes)
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        if !line.isEmpty { lines.append(line) }
    }
}
