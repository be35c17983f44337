// SPDX-License-Identifier: Apache-2.0

internal import Linux
internal import OCI
internal import ShimProtocol

/// Log records in their stored form, to be written at once. They share one time: they were read at once.
///
///     {"time":"2026-11-21T06:25:00.123456789Z","stream":"stdout","text":"the line","partial":true}
///
/// What is not UTF-8 is `base64` instead of `text`. Whatever the container writes, a record stays one line: quotes, backslashes and
/// control bytes are escaped (RFC 8259).
struct LogRecords {
    private(set) var bytes: [UInt8] = []
    private let stream: ShimStream
    /// Made for the first record.
    private var head: [UInt8] = []

    init(stream: ShimStream) { self.stream = stream }

    mutating func append(_ text: ArraySlice<UInt8>, isPartial: Bool) {
        if head.isEmpty {
            head = Array(#"{"time":"\#(Timestamp.now())","stream":"\#(stream == .stderr ? "stderr" : "stdout")","#.utf8)
        }
        bytes.append(contentsOf: head)
        if Self.isUTF8(text) {
            bytes.append(contentsOf: #""text":""#.utf8)
            appendEscaped(text)
        } else {
            bytes.append(contentsOf: #""base64":""#.utf8)
            appendBase64(text)
        }
        bytes.append(contentsOf: (isPartial ? "\",\"partial\":true}\n" : "\"}\n").utf8)
    }

    /// A record of this program's own words.
    static func notice(_ text: String) -> [UInt8] {
        var records = LogRecords(stream: .stderr)
        records.append(Array("[ctr-swift: \(text)]".utf8)[...], isPartial: false)
        return records.bytes
    }

    private static func isUTF8(_ text: ArraySlice<UInt8>) -> Bool {
        do {
            _ = try UTF8Span(validating: text.span)
            return true
        } catch {
            return false
        }
    }

    private mutating func appendEscaped(_ text: ArraySlice<UInt8>) {
        var text = text
        while let special = text.firstIndex(where: Self.isSpecial) {
            bytes.append(contentsOf: text[..<special])
            let byte = text[special]
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            } else {
                bytes.append(contentsOf: #"\u00"#.utf8)
                bytes.append(Self.hexadecimal[Int(byte >> 4)])
                bytes.append(Self.hexadecimal[Int(byte & 15)])
            }
            text = text[(special + 1)...]
        }
        bytes.append(contentsOf: text)
    }

    private static func isSpecial(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte == 0x7F
    }

    /// RFC 4648, section 4.
    private mutating func appendBase64(_ data: ArraySlice<UInt8>) {
        var rest = data
        while let first = rest.popFirst() {
            let second = rest.popFirst()
            let third = rest.popFirst()
            let bits = UInt32(first) << 16 | UInt32(second ?? 0) << 8 | UInt32(third ?? 0)
            bytes.append(Self.base64[Int(bits >> 18)])
            bytes.append(Self.base64[Int(bits >> 12 & 63)])
            bytes.append(second == nil ? UInt8(ascii: "=") : Self.base64[Int(bits >> 6 & 63)])
            bytes.append(third == nil ? UInt8(ascii: "=") : Self.base64[Int(bits & 63)])
        }
    }

    private static let hexadecimal = Array("0123456789abcdef".utf8)
    private static let base64 = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
}
