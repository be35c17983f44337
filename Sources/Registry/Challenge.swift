// SPDX-License-Identifier: Apache-2.0

/// One challenge of a WWW-Authenticate header. Source: RFC 9110, 11.6.1; Docker's "Token Authentication Specification".
package struct Challenge: Equatable, Sendable {
    package enum Scheme: String, Sendable { case bearer, basic }

    package var scheme: Scheme
    /// Names in lower case.
    package var parameters: [String: String] = [:]

    /// The one to answer: a token rather than a password.
    package static func choose(among headers: [String]) -> Challenge? {
        let offered = headers.flatMap { parse($0) }
        return offered.first { $0.scheme == .bearer } ?? offered.first { $0.scheme == .basic }
    }

    /// The challenges of a header that can be answered. What is malformed ends the reading: a half-read challenge isn't answered.
    package static func parse(_ header: String) -> [Challenge] {
        var reader = HeaderReader(header)
        var found: [Challenge] = []
        // nil: a scheme that is not known, whose parameters are read over.
        var current: Challenge?
        while true {
            reader.skipSeparators()
            guard let word = reader.token() else { break }
            if reader.skipEquals() {
                guard let value = reader.value() else { return found }
                if current?.parameters.updateValue(value, forKey: word.lowercased()) != nil { return found }
            } else {
                if let current { found.append(current) }
                current = Scheme(rawValue: word.lowercased()).map { Challenge(scheme: $0) }
            }
        }
        if let current, reader.isAtEnd { found.append(current) }
        return found
    }
}

/// Reads the pieces of a structured header.
private struct HeaderReader {
    private var rest: ArraySlice<UInt8>

    init(_ text: String) { rest = Array(text.utf8)[...] }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func skipSeparators() { rest = rest.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") || $0 == UInt8(ascii: ",") } }

    mutating func token() -> String? {
        let token = rest.prefix { Self.isTokenByte($0) }
        rest = rest[token.endIndex...]
        return token.isEmpty ? nil : String(decoding: token, as: UTF8.self)
    }

    /// An equals sign, with white space around it.
    mutating func skipEquals() -> Bool {
        let after = rest.drop { Self.isSpace($0) }
        guard after.first == UInt8(ascii: "=") else { return false }
        rest = after.dropFirst().drop { Self.isSpace($0) }
        return true
    }

    /// A token, nothing (the end of a token68), or a quoted string without its quotes. nil where a quote is not closed.
    mutating func value() -> String? {
        guard rest.first == UInt8(ascii: "\"") else {
            rest = rest.drop { $0 == UInt8(ascii: "=") }
            return token() ?? ""
        }
        rest = rest.dropFirst()
        var value: [UInt8] = []
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: value, as: UTF8.self)
            case UInt8(ascii: "\\"):
                guard let quoted = rest.popFirst() else { return nil }
                value.append(quoted)
            default: value.append(byte)
            }
        }
        return nil
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

    /// tchar of RFC 9110, 5.6.2, and the slash that a token68 and careless servers' values have.
    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: "!#$%&'*+-.^_`|~/:".utf8.contains(byte)
        }
    }
}
