// SPDX-License-Identifier: Apache-2.0

/// Status and headers of one answer. Source: RFC 9112, sections 4 and 5.
package struct HTTPResponseHead: Sendable, Hashable {
    package var status: Int
    /// Names in lower case, in the order of the message.
    package var headers: [(name: String, value: String)]
    private let isHTTP10: Bool

    package static func == (left: Self, right: Self) -> Bool {
        left.status == right.status && left.headers.elementsEqual(right.headers) { $0.name == $1.name && $0.value == $1.value }
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(status) }

    /// - Parameter lines: the status line and the header lines, without their line ends.
    package init(lines: [String]) throws(HTTPError) {
        guard let first = lines.first else { throw .malformed("no status line") }
        status = try Self.status(in: first)
        isHTTP10 = first.hasPrefix("HTTP/1.0")
        headers = []
        for line in lines.dropFirst() { headers.append(try Self.header(in: line)) }
    }

    /// Every value of one header; a list in one line counts as one value.
    package func values(_ name: String) -> [String] { headers.filter { $0.name == name }.map(\.value) }

    /// The media type without its parameters, in lower case.
    package var mediaType: String? {
        guard let value = values("content-type").first else { return nil }
        return value.prefix { $0 != ";" && $0 != " " }.lowercased()
    }

    /// Whether another request may follow on the same connection.
    package var keepsAlive: Bool {
        let options = values("connection").flatMap { $0.split { $0 == "," || $0 == " " || $0 == "\t" } }
        return !isHTTP10 && !options.contains { $0.lowercased() == "close" }
    }

    private static func status(in line: String) throws(HTTPError) -> Int {
        let parts = line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count >= 2, parts[0] == "HTTP/1.1" || parts[0] == "HTTP/1.0", parts[1].utf8.count == 3,
            parts[1].utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let status = Int(parts[1]), status >= 100
        else { throw .malformed("status line \"\(terminalSafe(line))\"") }
        return status
    }

    private static func header(in line: String) throws(HTTPError) -> (name: String, value: String) {
        guard let colon = line.utf8.firstIndex(of: UInt8(ascii: ":")), colon != line.startIndex,
            !line[..<colon].utf8.contains(where: { $0 <= 0x20 || $0 == 0x7f })
        else { throw .malformed("header line \"\(terminalSafe(line))\"") }
        let blank: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        var value = line[line.utf8.index(after: colon)...].drop(while: blank)
        while let last = value.last, blank(last) { value.removeLast() }
        guard !value.utf8.contains(where: { $0 < 0x20 && $0 != 0x09 || $0 == 0x7f }) else {
            throw .malformed("header line \"\(terminalSafe(line))\"")
        }
        return (line[..<colon].lowercased(), String(value))
    }
}

/// How the end of a body is known. Source: RFC 9112, section 6.3.
package enum HTTPFraming: Sendable, Hashable {
    case none
    case length(Int64)
    case chunked
    case untilClose

    /// A message that frames itself in two ways is refused, not guessed at.
    package init(_ head: HTTPResponseHead) throws(HTTPError) {
        let encodings = head.values("transfer-encoding")
        let lengths = Set(head.values("content-length"))
        if head.status < 200 || head.status == 204 || head.status == 304 {
            self = .none
        } else if !encodings.isEmpty {
            guard lengths.isEmpty else { throw .malformed("both Transfer-Encoding and Content-Length") }
            guard encodings.count == 1, encodings[0].lowercased() == "chunked" else {
                throw .malformed("Transfer-Encoding \"\(terminalSafe(encodings.joined(separator: ", ")))\"")
            }
            self = .chunked
        } else if let text = lengths.first {
            guard lengths.count == 1, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
                let length = Int64(text)
            else { throw .malformed("Content-Length \"\(terminalSafe(lengths.joined(separator: ", ")))\"") }
            self = .length(length)
        } else {
            self = .untilClose
        }
    }
}
