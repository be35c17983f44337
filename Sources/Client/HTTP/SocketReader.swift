// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux

/// Buffered reading from a stream socket. Blocks; one thread.
struct SocketReader {
    private let raw: CInt
    private var buffer: [UInt8]
    private var position = 0
    private var end = 0

    /// - Parameter raw: lent: the owner keeps it open for as long as this reader is used.
    init(lent raw: CInt) {
        self.raw = raw
        buffer = [UInt8](repeating: 0, count: 1 << 16)
    }

    /// Whether bytes are here that nobody asked for yet.
    var hasBufferedBytes: Bool { position < end }

    /// Fills the empty buffer. Returns false at the end of the stream.
    private mutating func fill() throws(HTTPError) -> Bool {
        let raw = raw
        var span = buffer.mutableSpan
        let count: Int
        do throws(KernelError) {
            count = try span.withUnsafeMutableBytes { bytes throws(KernelError) in
                try kernel("recv(2)", "daemon socket") { recv(raw, bytes.baseAddress, bytes.count, 0) }
            }
        } catch {
            throw .kernel(error)
        }
        position = 0
        end = count
        return count > 0
    }

    /// One line without its CR LF (a bare LF is taken too, as RFC 9112 section 2.2 allows).
    /// - Returns: nil at the end of the stream before the first byte.
    mutating func line(limit: Int, what: String) throws(HTTPError) -> [UInt8]? {
        var line: [UInt8] = []
        while true {
            if position == end, try !fill() {
                if line.isEmpty { return nil }
                throw .closed(while: "sending \(what)")
            }
            let rest = buffer[position..<end]
            let stop = rest.firstIndex(of: UInt8(ascii: "\n"))
            line.append(contentsOf: rest[..<(stop ?? end)])
            position = stop.map { $0 + 1 } ?? end
            if line.count > limit { throw .tooLong(what, limit: limit) }
            guard stop != nil else { continue }
            if line.last == UInt8(ascii: "\r") { line.removeLast() }
            return line
        }
    }

    /// Some bytes, at most `limit`; empty only at the end of the stream.
    mutating func some(limit: Int) throws(HTTPError) -> ArraySlice<UInt8> {
        if position == end, try !fill() { return [] }
        let stop = min(end, position + limit)
        defer { position = stop }
        return buffer[position..<stop]
    }
}
