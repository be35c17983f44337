// SPDX-License-Identifier: Apache-2.0

/// Takes one body off a connection, piece by piece. Source: RFC 9112, sections 6 and 7.
struct HTTPBodyReader {
    private enum State {
        case length(Int64)
        /// Bytes left of the present chunk; 0 is before a size line.
        case chunk(Int64)
        case untilClose
        case finished
    }
    private var state: State

    init(_ framing: HTTPFraming) {
        switch framing {
        case .none, .length(0): state = .finished
        case .length(let length): state = .length(length)
        case .chunked: state = .chunk(0)
        case .untilClose: state = .untilClose
        }
    }

    var isFinished: Bool {
        if case .finished = state { true } else { false }
    }

    /// - Returns: some bytes; empty at the end of the body.
    mutating func next(from reader: inout SocketReader) throws(HTTPError) -> ArraySlice<UInt8> {
        switch state {
        case .finished:
            return []
        case .untilClose:
            let bytes = try reader.some(limit: .max >> 1)
            if bytes.isEmpty { state = .finished }
            return bytes
        case .length(let left):
            let bytes = try piece(left, from: &reader)
            let rest = left - Int64(bytes.count)
            state = rest == 0 ? .finished : .length(rest)
            return bytes
        case .chunk(var left):
            if left == 0 {
                left = try Self.chunkSize(from: &reader)
                if left == 0 {
                    try Self.skipTrailers(from: &reader)
                    state = .finished
                    return []
                }
            }
            let bytes = try piece(left, from: &reader)
            left -= Int64(bytes.count)
            if left == 0 { try Self.endOfChunk(from: &reader) }
            state = .chunk(left)
            return bytes
        }
    }

    private func piece(_ left: Int64, from reader: inout SocketReader) throws(HTTPError) -> ArraySlice<UInt8> {
        let bytes = try reader.some(limit: Int(clamping: min(left, 1 << 30)))
        if bytes.isEmpty { throw .closed(while: "sending its answer") }
        return bytes
    }

    private static func chunkSize(from reader: inout SocketReader) throws(HTTPError) -> Int64 {
        guard let line = try reader.line(limit: 1024, what: "a chunk size") else { throw .closed(while: "sending its answer") }
        // RFC 9112, 7.1: digits, then an end or extensions. Anything else would be guessed at.
        let digits = line.prefix { Self.isHexDigit($0) }
        let rest = line[digits.endIndex...].drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        guard rest.isEmpty || rest.first == UInt8(ascii: ";"), digits.count <= 15,
            let size = Int64(String(decoding: digits, as: UTF8.self), radix: 16)
        else { throw .malformed("chunk size \"\(terminalSafe(String(decoding: line, as: UTF8.self)))\"") }
        return size
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20)
    }

    private static func endOfChunk(from reader: inout SocketReader) throws(HTTPError) {
        guard let line = try reader.line(limit: 16, what: "a chunk's end") else { throw .closed(while: "sending its answer") }
        guard line.isEmpty else { throw .malformed("a chunk longer than its size") }
    }

    private static func skipTrailers(from reader: inout SocketReader) throws(HTTPError) {
        var lines = 0
        while let line = try reader.line(limit: 8192, what: "a trailer") {
            if line.isEmpty { return }
            lines += 1
            if lines > 100 { throw .tooLong("trailers", limit: 100 * 8192) }
        }
        throw .closed(while: "sending its trailers")
    }
}
