// SPDX-License-Identifier: Apache-2.0

import Client
import Linux
import SystemPackage
import Testing

/// What a client makes of bytes on a connection, however they are cut.
@Suite struct HTTPTests {
    /// Reads one answer that was written whole, with the other end closed behind it.
    private func receive(_ text: String, limit: Int = 1 << 20) throws -> (head: HTTPResponseHead, body: String, isReusable: Bool) {
        var pair = try UnixSocket.Pair(.stream)
        let connection = HTTPConnection(owning: pair.takeFirst())
        let other = pair.takeSecond()
        try Array(text.utf8).withUnsafeBytes { try writeAll(other, $0, object: "pair") }
        try other.close(of: "pair")
        let head = try connection.receiveHead()
        let body = String(decoding: try connection.receiveWholeBody(limit: limit), as: UTF8.self)
        return (head, body, connection.isReusable)
    }

    @Test(
        "a body ends where its framing says",
        arguments: [
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ""),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", "hello"),
            ("HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", "hello"),
            ("HTTP/1.1 200\r\ncontent-length:5\r\n\r\nhello", "hello"),
            ("\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: \t5 \r\n\r\nhello", "hello"),
            ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "hi"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "hello"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nhel\r\n002\r\nlo\r\n000\r\n\r\n", "hello"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;name=\"v\"\r\nhello\r\n0 ;x\r\nTrailer: x\r\n\r\n", "hello"),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nA\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n",
                "01234567890123456789"
            ),
            ("HTTP/1.1 200 OK\r\n\r\nto the end", "to the end"),
            ("HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n", ""),
            ("HTTP/1.1 304 Not Modified\r\n\r\n", ""),
        ])
    func framing(text: String, body: String) throws { #expect(try receive(text).body == body) }

    @Test(
        "an answer that is not HTTP, or frames itself in two ways, is refused",
        arguments: [
            "HTTP/2 200 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 +20 OK\r\n\r\n",
            "HTTP/1.1 099 X\r\n\r\n",
            "hello\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "HTTP/1.1 200 OK\r\n: x\r\n\r\n",
            "HTTP/1.1 200 OK\r\nA : x\r\n\r\n", "HTTP/1.1 200 OK\r\nA: x\r\n folded: y\r\n\r\n", "HTTP/1.1 200 OK\r\nA: x\u{0}y\r\n\r\n",
            "HTTP/1.1 200 OK\r\nA: x\rB: y\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
            "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello",
            "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello",
            "HTTP/1.1 200 OK\r\nContent-Length: 0x5\r\n\r\nhello", "HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5 5\r\nhello\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello!\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nhello",
            String(repeating: "HTTP/1.1 100 Continue\r\n\r\n", count: 1000), String(repeating: "\r\n", count: 1000),
        ])
    func malformed(text: String) throws {
        let error = try #require(throws: HTTPError.self) { try receive(text) }
        guard case .malformed = error else {
            Issue.record("\(error)")
            return
        }
    }

    @Test(
        "an answer that breaks off is told as such, wherever it does",
        arguments: [
            "", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nTrailer: x\r\n",
        ])
    func cut(text: String) throws {
        let error = try #require(throws: HTTPError.self) { try receive(text) }
        guard case .closed = error else {
            Issue.record("\(error)")
            return
        }
    }

    @Test("heads, chunk sizes, trailers and bodies have limits")
    func limits() throws {
        let long = String(repeating: "a", count: 70_000)
        for text in [
            "HTTP/1.1 200 \(long)\r\n\r\n", "HTTP/1.1 200 OK\r\nA: \(long)\r\n\r\n",
            "HTTP/1.1 200 OK\r\n" + String(repeating: "A: b\r\n", count: 14_000) + "\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;\(long)\r\nhello\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: \(long)\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + String(repeating: "A: b\r\n", count: 101) + "\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123456789",
        ] {
            let error = try #require(throws: HTTPError.self) { try receive(text, limit: 8) }
            guard case .tooLong = error else {
                Issue.record("\(error)")
                continue
            }
        }
    }

    @Test(
        "a connection is used again only where its answer was read whole and nobody closes it",
        arguments: [
            ("", true), ("Connection: keep-alive\r\n", true), ("Connection: close\r\n", false),
            ("Connection: Keep-Alive, Close\r\n", false),
        ])
    func reuse(header: String, expected: Bool) throws {
        var pair = try UnixSocket.Pair(.stream)
        let connection = HTTPConnection(owning: pair.takeFirst())
        let other = pair.takeSecond()
        let text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\(header)\r\nhi"
        try Array(text.utf8).withUnsafeBytes { try writeAll(other, $0, object: "pair") }
        _ = try connection.receiveHead()
        #expect(!connection.isReusable, "the body is still to come")
        _ = try connection.receiveWholeBody(limit: 10)
        #expect(connection.isReusable == expected)
        try Array("stray".utf8).withUnsafeBytes { try writeAll(other, $0, object: "pair") }
        #expect(!connection.isReusable, "bytes that nobody asked for")
    }

    @Test(
        "requests are encoded so that no segment or value leaves its place",
        arguments: [
            (["v1", "containers", "a b"], [("all", "true")], "/v1/containers/a%20b?all=true"),
            (["v1", "../x?y#z%"], [("r", "a&b=c+d"), ("none", nil)], "/v1/..%2Fx%3Fy%23z%25?r=a%26b%3Dc%2Bd"),
            (["é\r\n"], [], "/%C3%A9%0D%0A"), (["A-z.0_~"], [("n", nil)], "/A-z.0_~"),
        ] as [([String], [(String, String?)], String)])
    func targets(path: [String], query: [(String, String?)], expected: String) {
        #expect(HTTPRequest.target(path, query: query.map { (name: $0.0, value: $0.1) }) == expected)
    }
}
