// SPDX-License-Identifier: Apache-2.0

/// 128 random bits in hexadecimal. It names directories, cgroups and sockets, so it is never taken from outside.
package struct ContainerID: Hashable, Sendable, CustomStringConvertible {
    package let text: String

    /// A new ID. Source of the bits: getrandom(2), by `SystemRandomNumberGenerator`.
    package init() {
        var generator = SystemRandomNumberGenerator()
        text = Self.hex(generator.next()) + Self.hex(generator.next())
    }

    /// An ID read back from the database or a directory's name; nil where it is not one.
    package init?(_ text: String) {
        guard text.utf8.count == 32, text.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }) else { return nil }
        self.text = text
    }

    /// What tables show and names default to: 12 digits.
    package var short: String { String(text.prefix(12)) }

    package var description: String { text }

    private static func hex(_ bits: UInt64) -> String {
        let digits = String(bits, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

/// Names as Docker takes them: `[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}`.
package enum ContainerName {
    package static func isValid(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        guard let first = bytes.first, bytes.count <= 128, isAlphanumeric(first) else { return false }
        return bytes.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: false
        }
    }
}
