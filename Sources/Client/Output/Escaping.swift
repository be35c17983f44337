// SPDX-License-Identifier: Apache-2.0

/// Text from images, registries and other users, made safe to show: no byte of it can move the cursor, set a title, write the
/// clipboard or turn the reading direction round.
///
/// Line feed, carriage return and tab become `\n`, `\r` and `\t`, other control characters `\x1b`, everything else that is not
/// seen (C1 controls, direction marks, joiners, separators, private and unassigned scalars) `\u{202e}`. Marks that stand on a
/// letter stay, at most four on one. A backslash stays as it is: this is for reading, not for parsing back.
package func terminalSafe(_ text: String) -> String {
    if text.utf8.allSatisfy({ (0x20..<0x7f).contains($0) }) { return text }
    var result = ""
    var marks = 0
    for scalar in text.unicodeScalars {
        marks = scalar.isMark ? marks + 1 : 0
        if let escape = terminalEscape(scalar) {
            result += escape
        } else if marks > 4 || marks > 0 && result.isEmpty {
            result += "\\u{\(String(scalar.value, radix: 16))}"
        } else {
            result.unicodeScalars.append(scalar)
        }
    }
    return result
}

/// What to show in place of a scalar; nil shows it as it is.
func terminalEscape(_ scalar: Unicode.Scalar) -> String? {
    switch scalar.value {
    case 0x0a: return "\\n"
    case 0x0d: return "\\r"
    case 0x09: return "\\t"
    case 0x00...0x1f, 0x7f: return "\\x" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
    case 0x20...0x7e: return nil
    default: return scalar.isSeen ? nil : "\\u{\(String(scalar.value, radix: 16))}"
    }
}

/// JSON text with the same scalars as `\u` escapes: still the same document.
package func terminalSafe(json bytes: [UInt8]) -> String {
    let text = String(decoding: bytes, as: UTF8.self)
    if text.utf8.allSatisfy({ (0x20..<0x7f).contains($0) || $0 == 0x0a }) { return text }
    var result = ""
    for scalar in text.unicodeScalars {
        if scalar == "\n" || scalar.isASCII && scalar.value != 0x7f || scalar.isSeen {
            result.unicodeScalars.append(scalar)
        } else {
            for unit in UTF16.encode(scalar) ?? .init() {
                let digits = String(unit, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
        }
    }
    return result
}

extension Unicode.Scalar {
    fileprivate var isSeen: Bool {
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: false
        // U+115F, U+1160, U+3164, U+FFA0: letters by name, blanks in fact.
        default: ![0x115f, 0x1160, 0x3164, 0xffa0].contains(value)
        }
    }

    fileprivate var isMark: Bool {
        guard value >= 0x300 else { return false }
        switch properties.generalCategory {
        case .nonspacingMark, .enclosingMark: return true
        default: return false
        }
    }

    /// Columns of a terminal. Source: wcwidth(3); Unicode's EastAsianWidth.txt, the blocks that are wide throughout.
    fileprivate var columns: Int {
        if isMark { return 0 }
        switch value {
        case 0x1100...0x115f, 0x2e80...0x303e, 0x3041...0x33ff, 0x3400...0x4dbf, 0x4e00...0x9fff, 0xa000...0xa4cf, 0xa960...0xa97c,
            0xac00...0xd7a3, 0xf900...0xfaff, 0xfe30...0xfe6f, 0xff01...0xff60, 0xffe0...0xffe6, 0x1f300...0x1f64f, 0x1f680...0x1f6ff,
            0x1f900...0x1faff, 0x20000...0x3fffd:
            return 2
        default: return 1
        }
    }
}

/// Columns that an escaped text takes on a terminal.
package func columns(of text: String) -> Int {
    let bytes = text.utf8
    if bytes.allSatisfy({ $0 < 0x80 }) { return bytes.count }
    return text.unicodeScalars.reduce(0) { $0 + $1.columns }
}

/// The first so many columns of an escaped text, the last of them an ellipsis where something was cut.
package func shortened(_ text: String, columns limit: Int) -> String {
    guard columns(of: text) > limit else { return text }
    var result = ""
    var used = 0
    for scalar in text.unicodeScalars {
        if used + scalar.columns > limit - 1 { break }
        used += scalar.columns
        result.unicodeScalars.append(scalar)
    }
    return result + "…"
}
