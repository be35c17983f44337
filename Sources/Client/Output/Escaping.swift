// SPDX-License-Identifier: Apache-2.0

/// Text from images, registries and other users, made safe to show: no byte of it can move the cursor, set a title, write the
/// clipboard or turn the reading direction round.
///
/// Control characters become `\n`, `\t`, `\r` or `\x1b`; C1 controls, line separators and direction marks become `\u{202e}`.
/// A backslash stays as it is: this is for reading, not for parsing back.
package func terminalSafe(_ text: String) -> String {
    if text.utf8.allSatisfy({ (0x20..<0x7f).contains($0) }) { return text }
    var result = ""
    for scalar in text.unicodeScalars {
        if let escape = terminalEscape(scalar) { result += escape } else { result.unicodeScalars.append(scalar) }
    }
    return result
}

/// What to show in place of a scalar; nil shows it as it is.
func terminalEscape(_ scalar: Unicode.Scalar) -> String? {
    switch scalar.value {
    case 0x0a: "\\n"
    case 0x0d: "\\r"
    case 0x09: "\\t"
    case 0x00...0x1f, 0x7f: "\\x" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
    // C1, soft hyphen's invisible friends, bidirectional marks and overrides, line and paragraph separator, BOM.
    case 0x80...0x9f, 0x061c, 0x200b...0x200f, 0x2028...0x202e, 0x2060...0x2069, 0xfeff: "\\u{\(String(scalar.value, radix: 16))}"
    default: nil
    }
}
