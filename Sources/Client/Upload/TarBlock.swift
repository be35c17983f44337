// SPDX-License-Identifier: Apache-2.0

/// Headers of an archive of plain files. Source: POSIX pax, "ustar Interchange Format"; GNU tar for sizes from 8 GiB on.
enum TarBlock {
    /// - Returns: nil where the name does not fit; a layout's names are short.
    static func header(_ name: String, size: Int64) -> [UInt8]? {
        guard name.utf8.count <= 100 else { return nil }
        var block = [UInt8](repeating: 0, count: 512)
        put(name, in: &block, at: 0)
        put("0000644\0" + "0000000\0" + "0000000\0", in: &block, at: 100)
        if size < 1 << 33 {
            put(octal(size, 11), in: &block, at: 124)
        } else {
            // Base 256, big-endian, told by the first bit.
            for index in 0..<8 { block[135 - index] = UInt8(truncatingIfNeeded: size >> Int64(8 * index)) }
            block[124] = 0x80
        }
        put(octal(0, 11), in: &block, at: 136)
        put("        0", in: &block, at: 148)
        put("ustar\u{0}00", in: &block, at: 257)
        put(octal(block.reduce(0) { $0 + Int64($1) }, 6) + "\0 ", in: &block, at: 148)
        return block
    }

    private static func put(_ text: String, in block: inout [UInt8], at offset: Int) {
        for (index, byte) in text.utf8.enumerated() { block[offset + index] = byte }
    }

    private static func octal(_ value: Int64, _ width: Int) -> String {
        let digits = String(value, radix: 8)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
