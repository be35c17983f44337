// SPDX-License-Identifier: Apache-2.0

internal import Glibc
package import Linux

/// One HTTP/1.1 connection over a Unix socket: request, answer, request, answer. Blocks; one thread.
package final class HTTPConnection {
    /// Heads longer than this are refused.
    package static let headLimit = 64 << 10
    /// Answers before the answer (1xx), and empty lines before it.
    private static let interimLimit = 16

    private let socket: OwnedFD
    private var reader: SocketReader
    private var body: HTTPBodyReader?
    private var keepsAlive = true

    /// - Parameter socket: a connected stream socket.
    package init(owning socket: consuming OwnedFD) {
        let raw = socket.raw
        self.socket = socket
        reader = SocketReader(lent: raw)
    }

    /// For poll(2), while an answer is awaited.
    package var descriptor: CInt { socket.raw }

    /// Whether the connection can carry another request: its answer was read whole, and the daemon has not closed it meanwhile.
    package var isReusable: Bool {
        guard keepsAlive, body?.isFinished ?? true, !reader.hasBufferedBytes else { return false }
        return !isReadable(milliseconds: 0)
    }

    /// Sends a request whole, or its head where the body is streamed. A daemon that refuses a peer answers and closes without reading: what it
    /// said is then still to be received, and no error here.
    package func send(_ request: HTTPRequest) throws(HTTPError) {
        let bytes = request.serialized(userAgent: "ctr-swift/\(clientVersion)")
        do throws(HTTPError) {
            try bytes.span.withUnsafeBytes { bytes throws(HTTPError) in try sendAll(bytes) }
        } catch {
            guard error.meansClosed else { throw error }
            abandon()
        }
    }

    /// Reads the next answer's head; interim answers (1xx) are passed over.
    package func receiveHead() throws(HTTPError) -> HTTPResponseHead {
        for _ in 0..<Self.interimLimit {
            let head = try HTTPResponseHead(lines: headLines())
            if (100..<200).contains(head.status), head.status != 101 { continue }
            let framing = try HTTPFraming(head)
            body = HTTPBodyReader(framing)
            keepsAlive = keepsAlive && head.keepsAlive && framing != .untilClose
            return head
        }
        throw .malformed("more than \(Self.interimLimit) interim answers")
    }

    /// What was begun will not be finished: nothing more goes over this connection.
    package func abandon() { keepsAlive = false }

    /// Some bytes of the answer's body; empty at its end.
    package func receiveBody() throws(HTTPError) -> ArraySlice<UInt8> {
        guard var body else { return [] }
        defer { self.body = body }
        return try body.next(from: &reader)
    }

    /// The rest of the answer's body.
    /// - Throws: `.tooLong` above `limit`.
    package func receiveWholeBody(limit: Int) throws(HTTPError) -> [UInt8] {
        var whole: [UInt8] = []
        while true {
            let bytes = try receiveBody()
            if bytes.isEmpty { return whole }
            whole.append(contentsOf: bytes)
            if whole.count > limit { throw .tooLong("a body", limit: limit) }
        }
    }

    /// Whether the daemon has said something, or closed.
    package func isReadable(milliseconds: CInt) -> Bool {
        if reader.hasBufferedBytes { return true }
        var entry = pollfd(fd: socket.raw, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, milliseconds) > 0
    }

    private func headLines() throws(HTTPError) -> [String] {
        var lines: [String] = []
        var left = Self.headLimit
        while true {
            guard let line = try reader.line(limit: left, what: "a head") else { throw .closed(while: "an answer was awaited") }
            if line.isEmpty {
                // RFC 9112, 2.2: empty lines before a message are passed over.
                if !lines.isEmpty { return lines }
                left -= Self.headLimit / Self.interimLimit
                if left <= 0 { throw .malformed("nothing but empty lines") }
                continue
            }
            left -= line.count + 1
            if left <= 0 { throw .tooLong("a head", limit: Self.headLimit) }
            lines.append(String(decoding: line, as: UTF8.self))
        }
    }

    /// A daemon that closed is an error here and never a SIGPIPE.
    func sendAll(_ bytes: UnsafeRawBufferPointer) throws(HTTPError) {
        let raw = socket.raw
        var rest = bytes
        while !rest.isEmpty {
            do throws(KernelError) {
                let sent = try kernel("send(2)", "daemon socket") { Glibc.send(raw, rest.baseAddress, rest.count, CInt(MSG_NOSIGNAL)) }
                rest = UnsafeRawBufferPointer(rebasing: rest[sent...])
            } catch {
                throw .kernel(error)
            }
        }
    }
}
