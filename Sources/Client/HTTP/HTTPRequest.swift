// SPDX-License-Identifier: Apache-2.0

/// One request to the daemon. Source: RFC 9112, sections 3 and 5.
package struct HTTPRequest: Sendable, Hashable {
    package enum Method: String, Sendable, Hashable { case get = "GET", post = "POST", put = "PUT", delete = "DELETE" }

    package enum Body: Sendable, Hashable {
        case none
        case bytes([UInt8], contentType: String)
        /// Sent after the head by `HTTPConnection.sendBody`; a length that is not known is sent in chunks.
        case stream(length: Int64?, contentType: String)
    }

    package var method: Method
    /// Path and query, percent-encoded: `/v1/containers?all=true`.
    package var target: String
    package var body: Body

    package init(_ method: Method, _ target: String, body: Body = .none) {
        self.method = method
        self.target = target
        self.body = body
    }

    /// Builds a target from raw path segments and query values, encoding each.
    package static func target(_ segments: [String], query: [(name: String, value: String?)] = []) -> String {
        let path = segments.map { "/" + percentEncoded($0) }.joined()
        let pairs = query.compactMap { pair in pair.value.map { "\(percentEncoded(pair.name))=\(percentEncoded($0))" } }
        return pairs.isEmpty ? path : path + "?" + pairs.joined(separator: "&")
    }

    /// The head, and a body that is in memory, as they go over the socket.
    package func serialized(userAgent: String) -> [UInt8] {
        var head = "\(method.rawValue) \(target) HTTP/1.1\r\nHost: localhost\r\nUser-Agent: \(userAgent)\r\n"
        head += "Accept: application/json, application/problem+json, application/x-ndjson\r\n"
        switch body {
        case .none:
            if method == .post { head += "Content-Length: 0\r\n" }
            return Array((head + "\r\n").utf8)
        case .bytes(let bytes, let contentType):
            head += "Content-Type: \(contentType)\r\nContent-Length: \(bytes.count)\r\n\r\n"
            return Array(head.utf8) + bytes
        case .stream(let length, let contentType):
            head += "Content-Type: \(contentType)\r\n"
            head += length.map { "Content-Length: \($0)\r\n" } ?? "Transfer-Encoding: chunked\r\n"
            return Array((head + "\r\n").utf8)
        }
    }
}

/// Encodes everything but RFC 3986's unreserved characters, byte by byte.
package func percentEncoded(_ text: String) -> String {
    var result = ""
    for byte in text.utf8 {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
            result.unicodeScalars.append(Unicode.Scalar(byte))
        default:
            result += byte < 16 ? "%0" : "%"
            result += String(byte, radix: 16, uppercase: true)
        }
    }
    return result
}
