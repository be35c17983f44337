// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux
internal import OCI
internal import ShimProtocol
internal import SystemPackage

/// Writes a container's output as JSON lines, one `LogRecord` each (APITypes). A record is written whole, by one write(2).
///
/// A log that can't be written (a full disk) never stops the container: what is lost is counted, and told when writing works again.
struct LogWriter: ~Copyable {
    /// A line that is longer becomes several records, all but the last marked `partial`.
    static let longestText = 16 << 10

    private let file: OwnedFD
    private var rests: [ShimStream: [UInt8]] = [:]
    private var lostBytes = 0

    init(directory: FilePath) throws(KernelError) {
        file = try openFile(directory.appending("container.log"), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, mode: 0o600)
    }

    /// Takes output as it came; the bytes after the last line feed wait for more.
    mutating func write(_ bytes: ArraySlice<UInt8>, from stream: ShimStream) {
        let time = Timestamp.now()
        var records: [UInt8] = []
        var rest = rests[stream] ?? []
        rests[stream] = nil
        var start = bytes.startIndex
        while let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
            rest.append(contentsOf: bytes[start..<end])
            Self.append(&records, time, stream, &rest, ended: true)
            start = end + 1
        }
        rest.append(contentsOf: bytes[start...])
        if rest.count >= Self.longestText { Self.append(&records, time, stream, &rest, ended: false) }
        rests[stream] = rest
        store(records)
    }

    /// The container has ended: what has no line feed is a (partial) record, too.
    mutating func finish() {
        for (stream, rest) in rests.sorted(by: { $0.key.rawValue < $1.key.rawValue }) where !rest.isEmpty {
            var records: [UInt8] = []
            Self.record(&records, Timestamp.now(), stream, rest[...], partial: true)
            store(records)
        }
        rests = [:]
    }

    /// Moves whole pieces of `rest` into records; with `ended` all of it.
    private static func append(_ records: inout [UInt8], _ time: String, _ stream: ShimStream, _ rest: inout [UInt8], ended: Bool) {
        var text = rest[...]
        while text.count > longestText || (!ended && text.count == longestText) {
            let piece = text.prefix(cut(text))
            record(&records, time, stream, piece, partial: true)
            text = text.dropFirst(piece.count)
        }
        if ended {
            record(&records, time, stream, text, partial: false)
            rest = []
        } else {
            rest = Array(text)
        }
    }

    /// Not in the middle of a UTF-8 sequence, where it is one.
    private static func cut(_ text: ArraySlice<UInt8>) -> Int {
        var count = longestText
        while count > longestText - 4, text[text.startIndex + count - 1] & 0xC0 == 0x80 { count -= 1 }
        if count > longestText - 4, text[text.startIndex + count - 1] & 0xC0 == 0xC0 { return count - 1 }
        return longestText
    }

    private static func record(_ records: inout [UInt8], _ time: String, _ stream: ShimStream, _ text: ArraySlice<UInt8>, partial: Bool) {
        records.append(contentsOf: #"{"time":"\#(time)","stream":"\#(stream == .stderr ? "stderr" : "stdout")","#.utf8)
        if String(validating: text, as: UTF8.self) != nil {
            records.append(contentsOf: #""text":""#.utf8)
            JSONText.append(text, to: &records)
        } else {
            records.append(contentsOf: #""base64":""#.utf8)
            Base64.append(text, to: &records)
        }
        records.append(contentsOf: (partial ? "\",\"partial\":true}\n" : "\"}\n").utf8)
    }

    private mutating func store(_ records: [UInt8]) {
        guard !records.isEmpty else { return }
        var bytes = records
        if lostBytes > 0 {
            let word = #"{"time":"\#(Timestamp.now())","stream":"stderr","text":"[ctr-swift: \#(lostBytes) bytes of log records could not be written]"}"#
            bytes = Array(word.utf8) + [UInt8(ascii: "\n")] + bytes
        }
        do throws(KernelError) {
            try bytes.span.withUnsafeBytes { buffer throws(KernelError) in try writeAll(file, buffer, object: "container.log") }
            lostBytes = 0
        } catch {
            lostBytes += records.count
        }
    }
}

/// A string's inside by RFC 8259; the text is valid UTF-8.
enum JSONText {
    static func append(_ text: ArraySlice<UInt8>, to bytes: inout [UInt8]) {
        for byte in text {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case 0..<0x20, 0x7f:
                bytes.append(contentsOf: #"\u00"#.utf8)
                bytes.append(hex(byte >> 4))
                bytes.append(hex(byte & 15))
            default: bytes.append(byte)
            }
        }
    }

    private static func hex(_ digit: UInt8) -> UInt8 { digit < 10 ? 0x30 + digit : 0x61 + digit - 10 }
}

/// RFC 4648, section 4.
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func append(_ data: ArraySlice<UInt8>, to bytes: inout [UInt8]) {
        var rest = data
        while !rest.isEmpty {
            let group = Array(rest.prefix(3))
            rest = rest.dropFirst(3)
            let bits = UInt32(group[0]) << 16 | UInt32(group.count > 1 ? group[1] : 0) << 8 | UInt32(group.count > 2 ? group[2] : 0)
            for index in 0..<4 {
                bytes.append(index <= group.count ? alphabet[Int(bits >> UInt32(18 - 6 * index) & 63)] : UInt8(ascii: "="))
            }
        }
    }
}
