// SPDX-License-Identifier: Apache-2.0

internal import ShimProtocol

/// What a server says to a probe's GET, byte by byte: the status, and the beginning of the body. It takes a bounded number of bytes, whatever
/// comes. Source: RFC 9112, sections 2.2 and 4.
package struct HTTPAnswer: Sendable {
    package enum Finding: Sendable, Hashable {
        case unfinished
        /// The final status and all headers are there; of the body what has come.
        case answered(status: Int)
        case refused(String)
    }

    package static let headLimit = 16 << 10

    private var line: [UInt8] = []
    private var headBytes = 0
    private var status: Int?
    private var contentLength: Int?
    private var isHeadDone = false
    private var refusal: String?
    package private(set) var body: [UInt8] = []
    private var bodyBytes = 0

    package init() {}

    package var isBodyCut: Bool { bodyBytes > body.count }

    /// All of the body that is promised, or kept, is there.
    package var isBodyDone: Bool {
        isHeadDone && (bodyBytes >= ShimHealth.outputLimit || contentLength.map { bodyBytes >= $0 } ?? false)
    }

    package var finding: Finding {
        if let refusal { return .refused(refusal) }
        if isHeadDone, let status { return .answered(status: status) }
        return .unfinished
    }

    package mutating func take(_ bytes: ArraySlice<UInt8>) {
        var rest = bytes
        while refusal == nil, !isHeadDone, let byte = rest.popFirst() { takeHead(byte) }
        guard isHeadDone else { return }
        bodyBytes += rest.count
        body += rest.prefix(ShimHealth.outputLimit - body.count)
    }

    private mutating func takeHead(_ byte: UInt8) {
        headBytes += 1
        guard headBytes <= Self.headLimit else {
            refusal = "the answer's head has more than \(Self.headLimit) bytes"
            return
        }
        guard byte == UInt8(ascii: "\n") else { return line.append(byte) }
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        let text = String(decoding: line, as: UTF8.self)
        line.removeAll(keepingCapacity: true)
        if let status {
            if text.isEmpty { endHead(status) } else { takeHeader(text) }
        } else if let number = Self.status(of: text) {
            status = number
        } else {
            refusal = "this is no answer of HTTP/1: \"\(text.prefix(100))\""
        }
    }

    /// An interim answer (100, 103) is followed by the next one.
    private mutating func endHead(_ number: Int) {
        if (100...199).contains(number), number != 101 { status = nil } else { isHeadDone = true }
    }

    private mutating func takeHeader(_ text: String) {
        let parts = text.split(separator: ":", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "content-length" else { return }
        contentLength = Int(parts[1].drop { $0 == " " || $0 == "\t" }).flatMap { $0 >= 0 ? $0 : nil }
    }

    /// `HTTP/1.1 200 OK`
    private static func status(of line: String) -> Int? {
        let words = line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        guard words.count >= 2, words[0].utf8.count == 8, words[0].hasPrefix("HTTP/1."), words[1].utf8.count == 3,
            let number = Int(words[1]), (100...599).contains(number)
        else { return nil }
        return number
    }
}
