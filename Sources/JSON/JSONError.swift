// SPDX-License-Identifier: Apache-2.0

/// Why a document was refused: what was wrong, and where. Both are safe to show: bounded, without control bytes of the document.
public struct JSONError: Error, Sendable, Hashable, CustomStringConvertible {
    public let reason: String
    /// A coding path ("layers[2].size") or a byte offset ("byte 17").
    public let place: String

    package init(_ reason: String, at place: String) {
        self.reason = Self.printable(reason, limit: 512)
        self.place = Self.printable(place, limit: 256)
    }

    public var description: String { place.isEmpty ? reason : "\(reason) at \(place)" }

    static func path(_ path: [any CodingKey]) -> String {
        var text = ""
        for key in path {
            if let index = key.intValue {
                text += "[\(index)]"
            } else {
                text += text.isEmpty ? key.stringValue : ".\(key.stringValue)"
            }
        }
        return text
    }

    /// A text from outside for a message: bounded in characters, with everything that a terminal or a log could obey written as an escape.
    package static func printable(_ text: String, limit: Int) -> String {
        if text.utf8.count <= limit, text.utf8.allSatisfy({ (0x20...0x7e).contains($0) }) { return text }
        var result = ""
        for scalar in text.unicodeScalars.prefix(limit) {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse:
                result += "\\u{\(String(scalar.value, radix: 16))}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return text.unicodeScalars.dropFirst(limit).isEmpty ? result : result + "…"
    }
}
