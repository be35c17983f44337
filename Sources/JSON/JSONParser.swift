// SPDX-License-Identifier: Apache-2.0

/// RFC 8259 without leniency: no duplicate names, no trailing bytes, no lone surrogates, no invalid UTF-8, no depth that would cost
/// the stack.
struct JSONParser {
    /// Real documents are below ten.
    static let deepest = 128

    private let bytes: [UInt8]
    private var position = 0
    private var depth = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func document() throws(JSONError) -> JSONValue {
        let value = try value()
        skipSpace()
        guard position == bytes.count else { throw wrong("bytes after the document") }
        return value
    }

    private mutating func value() throws(JSONError) -> JSONValue {
        skipSpace()
        switch try peek() {
        case UInt8(ascii: "{"): return try nested { parser throws(JSONError) in try parser.object() }
        case UInt8(ascii: "["): return try nested { parser throws(JSONError) in try parser.array() }
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        default: return .number(try number())
        }
    }

    private mutating func nested(_ body: (inout JSONParser) throws(JSONError) -> JSONValue) throws(JSONError) -> JSONValue {
        depth += 1
        guard depth <= Self.deepest else { throw wrong("more than \(Self.deepest) levels") }
        position += 1
        let value = try body(&self)
        depth -= 1
        return value
    }

    private mutating func object() throws(JSONError) -> JSONValue {
        var members: [(key: String, value: JSONValue)] = []
        let start = position
        skipSpace()
        if try peek() == UInt8(ascii: "}") {
            position += 1
            return .object(JSONObject())
        }
        while true {
            skipSpace()
            guard try peek() == UInt8(ascii: "\"") else { throw wrong("a member's name expected") }
            let key = try string()
            skipSpace()
            guard try next() == UInt8(ascii: ":") else { throw wrong("':' expected") }
            members.append((key, try value()))
            skipSpace()
            switch try next() {
            case UInt8(ascii: ","): continue
            case UInt8(ascii: "}"):
                guard let object = JSONObject(unique: members) else {
                    throw JSONError("a member is there twice in an object", at: "byte \(start)")
                }
                return .object(object)
            default: throw wrong("',' or '}' expected")
            }
        }
    }

    private mutating func array() throws(JSONError) -> JSONValue {
        var values: [JSONValue] = []
        skipSpace()
        if try peek() == UInt8(ascii: "]") {
            position += 1
            return .array([])
        }
        while true {
            values.append(try value())
            skipSpace()
            switch try next() {
            case UInt8(ascii: ","): continue
            case UInt8(ascii: "]"): return .array(values)
            default: throw wrong("',' or ']' expected")
            }
        }
    }

    private mutating func literal(_ text: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
        let end = position + text.utf8CodeUnitCount
        guard end <= bytes.count else { throw wrong("the document ends early") }
        for offset in 0..<text.utf8CodeUnitCount where bytes[position + offset] != text.utf8Start[offset] {
            throw wrong("'\(text)' expected")
        }
        position = end
        return value
    }

    /// number = [ "-" ] ( "0" / 1-9 *digit ) [ "." 1*digit ] [ ("e" / "E") [ "+" / "-" ] 1*digit ]
    private mutating func number() throws(JSONError) -> JSONNumber {
        let start = position
        if at(UInt8(ascii: "-")) { position += 1 }
        if at(UInt8(ascii: "0")) { position += 1 } else { try digits() }
        if at(UInt8(ascii: ".")) {
            position += 1
            try digits()
        }
        if at(UInt8(ascii: "e")) || at(UInt8(ascii: "E")) {
            position += 1
            if at(UInt8(ascii: "+")) || at(UInt8(ascii: "-")) { position += 1 }
            try digits()
        }
        return JSONNumber(text: String(decoding: bytes[start..<position], as: UTF8.self))
    }

    private mutating func digits() throws(JSONError) {
        let start = position
        while position < bytes.count, (0x30...0x39).contains(bytes[position]) { position += 1 }
        guard position > start else { throw wrong(position == bytes.count ? "the document ends early" : "a value expected") }
    }

    private mutating func string() throws(JSONError) -> String {
        position += 1
        let start = position
        while position < bytes.count {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                let text = try text(of: bytes.span.extracting(start..<position))
                position += 1
                return text
            }
            if byte == UInt8(ascii: "\\") { return try escapedString(from: start) }
            guard byte >= 0x20 else { throw wrong("a control byte in a string") }
            position += 1
        }
        throw wrong("the document ends in a string")
    }

    private mutating func escapedString(from start: Int) throws(JSONError) -> String {
        var units = Array(bytes[start..<position])
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                return try text(of: units.span)
            case UInt8(ascii: "\\"): try escape(into: &units)
            case 0..<0x20: throw wrong("a control byte in a string")
            default: units.append(byte)
            }
        }
        throw wrong("the document ends in a string")
    }

    private mutating func escape(into units: inout [UInt8]) throws(JSONError) {
        switch try next() {
        case UInt8(ascii: "\""): units.append(UInt8(ascii: "\""))
        case UInt8(ascii: "\\"): units.append(UInt8(ascii: "\\"))
        case UInt8(ascii: "/"): units.append(UInt8(ascii: "/"))
        case UInt8(ascii: "b"): units.append(0x08)
        case UInt8(ascii: "f"): units.append(0x0c)
        case UInt8(ascii: "n"): units.append(0x0a)
        case UInt8(ascii: "r"): units.append(0x0d)
        case UInt8(ascii: "t"): units.append(0x09)
        case UInt8(ascii: "u"): units.append(contentsOf: String(try unicodeEscape()).utf8)
        default: throw wrong("an unknown escape")
        }
    }

    private mutating func unicodeEscape() throws(JSONError) -> Character {
        var code = try hexQuad()
        if (0xd800...0xdbff).contains(code) {
            guard try next() == UInt8(ascii: "\\"), try next() == UInt8(ascii: "u") else { throw wrong("a lone surrogate") }
            let low = try hexQuad()
            guard (0xdc00...0xdfff).contains(low) else { throw wrong("a lone surrogate") }
            code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
        }
        guard let scalar = Unicode.Scalar(code) else { throw wrong("a lone surrogate") }
        return Character(scalar)
    }

    private mutating func hexQuad() throws(JSONError) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            let byte = try next()
            let digit: UInt8
            switch byte {
            case 0x30...0x39: digit = byte - 0x30
            case 0x41...0x46: digit = byte - 0x41 + 10
            case 0x61...0x66: digit = byte - 0x61 + 10
            default: throw wrong("four hexadecimal digits expected")
            }
            code = code << 4 | UInt32(digit)
        }
        return code
    }

    private func text(of bytes: Span<UInt8>) throws(JSONError) -> String {
        do { return String(copying: try UTF8Span(validating: bytes)) } catch { throw wrong("invalid UTF-8 in a string") }
    }

    private func at(_ byte: UInt8) -> Bool { position < bytes.count && bytes[position] == byte }

    private func peek() throws(JSONError) -> UInt8 {
        guard position < bytes.count else { throw wrong("the document ends early") }
        return bytes[position]
    }

    private mutating func next() throws(JSONError) -> UInt8 {
        let byte = try peek()
        position += 1
        return byte
    }

    private mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0a, 0x0d: position += 1
            default: return
            }
        }
    }

    private func wrong(_ reason: String) -> JSONError { JSONError(reason, at: "byte \(position)") }
}
