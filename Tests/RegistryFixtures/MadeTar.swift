// SPDX-License-Identifier: Apache-2.0

/// A tar archive, member by member. Source: POSIX.1-2017, pax, "ustar Interchange Format".
package struct MadeTar {
    package enum Kind: Character {
        case file = "0"
        case hardLink = "1"
        case symlink = "2"
        case character = "3"
        case block = "4"
        case directory = "5"
    }

    private var members: [UInt8] = []

    package init() {}

    package mutating func add(
        _ name: String, _ content: [UInt8] = [], kind: Kind = .file, link: String = "", mode: Int = 0o644,
        device: (major: Int, minor: Int) = (0, 0)
    ) {
        var header = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, at offset: Int) {
            for (index, byte) in text.utf8.enumerated() { header[offset + index] = byte }
        }
        func octal(_ value: Int, _ width: Int) -> String {
            let digits = String(value, radix: 8)
            return String(repeating: "0", count: width - digits.utf8.count) + digits
        }
        put(name, at: 0)
        put(octal(mode, 7), at: 100)
        put(octal(0, 7), at: 108)
        put(octal(0, 7), at: 116)
        put(octal(content.count, 11), at: 124)
        put(octal(0, 11), at: 136)
        put(String(kind.rawValue), at: 156)
        put(link, at: 157)
        put("ustar", at: 257)
        put("00", at: 263)
        put(octal(device.major, 7), at: 329)
        put(octal(device.minor, 7), at: 337)
        put("        ", at: 148)
        put(octal(header.reduce(0) { $0 + Int($1) }, 6), at: 148)
        header[154] = 0
        members += header + content + [UInt8](repeating: 0, count: (512 - content.count % 512) % 512)
    }

    /// With its end.
    package var bytes: [UInt8] { members + [UInt8](repeating: 0, count: 1024) }

    /// A layer of one file.
    package static func layer(_ name: String, _ text: String) -> [UInt8] {
        var tar = MadeTar()
        tar.add(name, Array(text.utf8))
        return tar.bytes
    }
}
