// SPDX-License-Identifier: Apache-2.0

package import Linux
internal import SystemPackage

/// Bytes for a request's body, pulled. `read` returns 0 at the end.
package protocol UploadSource {
    mutating func read(into buffer: UnsafeMutableRawBufferPointer) throws(KernelError) -> Int
}

/// What became of a streamed body.
package enum UploadOutcome: Sendable, Hashable {
    case sent
    /// The daemon answered or closed before it had everything: its answer says why.
    case cutShort
    /// The source ended before, or went on after, the length that was announced.
    case wrongLength(sent: Int64, announced: Int64)
}

extension HTTPConnection {
    /// Streams a request's body. The daemon may refuse in the middle: it is looked at between pieces.
    /// - Parameter length: as announced in the head; nil sends chunks.
    package func sendBody(
        _ source: inout some UploadSource, length: Int64?, progress: (Int64) -> Void = { _ in }
    ) throws(UploadError) -> UploadOutcome {
        var isWhole = false
        // The daemon would take the next request for the rest of this body.
        defer { if !isWhole { abandon() } }
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        var sent: Int64 = 0
        while true {
            let count = try Self.pull(from: &source, into: &buffer)
            if count == 0 { break }
            if isReadable(milliseconds: 0) { return .cutShort }
            if let length, sent + Int64(count) > length { return .wrongLength(sent: sent + Int64(count), announced: length) }
            do throws(HTTPError) {
                try sendPiece(buffer[..<count], chunked: length == nil)
            } catch {
                if error.meansClosed { return .cutShort }
                throw .connection(error)
            }
            sent += Int64(count)
            progress(sent)
        }
        if let length {
            isWhole = sent == length
            return isWhole ? .sent : .wrongLength(sent: sent, announced: length)
        }
        do throws(HTTPError) {
            try Array("0\r\n\r\n".utf8).span.withUnsafeBytes { bytes throws(HTTPError) in try sendAll(bytes) }
        } catch {
            if error.meansClosed { return .cutShort }
            throw .connection(error)
        }
        isWhole = true
        return .sent
    }

    private static func pull(from source: inout some UploadSource, into buffer: inout [UInt8]) throws(UploadError) -> Int {
        var span = buffer.mutableSpan
        do throws(KernelError) {
            return try span.withUnsafeMutableBytes { bytes throws(KernelError) in try source.read(into: bytes) }
        } catch {
            throw .source(error)
        }
    }

    private func sendPiece(_ piece: ArraySlice<UInt8>, chunked: Bool) throws(HTTPError) {
        if chunked {
            let size = Array("\(String(piece.count, radix: 16))\r\n".utf8)
            try size.span.withUnsafeBytes { bytes throws(HTTPError) in try sendAll(bytes) }
        }
        try piece.span.withUnsafeBytes { bytes throws(HTTPError) in try sendAll(bytes) }
        if chunked { try Array("\r\n".utf8).span.withUnsafeBytes { bytes throws(HTTPError) in try sendAll(bytes) } }
    }

}

/// Which side of an upload failed.
package enum UploadError: Error, Sendable, Hashable {
    case source(KernelError)
    case connection(HTTPError)
}
