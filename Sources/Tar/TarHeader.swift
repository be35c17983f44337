// SPDX-License-Identifier: Apache-2.0

/// The fields of one 512-byte block. Source: tar(5); POSIX pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format".
struct TarHeader {
    static let blockSize = 512

    private let block: [UInt8]
    private let offset: UInt64

    /// - Throws: `TarError.badChecksum`. Some writers of old summed signed bytes; both sums are taken.
    init(_ block: [UInt8], offset: UInt64) throws(TarError) {
        self.block = block
        self.offset = offset
        var unsigned = 0
        var signed = 0
        for (index, byte) in block.enumerated() {
            let byte = (148..<156).contains(index) ? UInt8(ascii: " ") : byte
            unsigned += Int(byte)
            signed += Int(Int8(bitPattern: byte))
        }
        guard let sum = Self.octal(block[148..<156]), sum == UInt64(unsigned) || Int64(clamping: sum) == Int64(signed) else {
            throw .badChecksum(offset: offset)
        }
    }

    static func isZero(_ block: [UInt8]) -> Bool { block.allSatisfy { $0 == 0 } }

    var type: UInt8 { block[156] }

    private var isUstar: Bool { block[257..<263].elementsEqual(Array("ustar".utf8) + [0]) }

    /// POSIX divides a long name in two; GNU uses these bytes for something else.
    var path: [UInt8] {
        let name = text(0..<100)
        let prefix = isUstar ? text(345..<500) : []
        return prefix.isEmpty ? name : prefix + [UInt8(ascii: "/")] + name
    }

    var linkTarget: [UInt8] { text(157..<257) }

    func mode() throws(TarError) -> UInt32 { UInt32(truncatingIfNeeded: try number(100..<108, "mode")) & 0o7777 }
    func uid() throws(TarError) -> UInt64 { try number(108..<116, "uid") }
    func gid() throws(TarError) -> UInt64 { try number(116..<124, "gid") }
    func size() throws(TarError) -> UInt64 { try number(124..<136, "size") }
    func deviceMajor() throws(TarError) -> UInt64 { try number(329..<337, "device major") }
    func deviceMinor() throws(TarError) -> UInt64 { try number(337..<345, "device minor") }

    /// The only one that may be negative: before 1970.
    func modified() throws(TarError) -> Int64 {
        let field = block[136..<148]
        guard let first = field.first, first & 0x80 != 0 else { return Int64(clamping: try number(136..<148, "mtime")) }
        guard let value = Self.binary(field) else { throw .badNumber(field: "mtime", offset: offset) }
        return value
    }

    // MARK: Old GNU sparse files

    var isSparseExtended: Bool { block[482] != 0 }
    func sparseRealSize() throws(TarError) -> UInt64 { try number(483..<495, "real size") }
    func sparseExtents() throws(TarError) -> [TarEntry.Extent] { try Self.extents(block, from: 386, count: 4, offset: offset) }

    /// Pairs of twelve bytes; an empty one ends the list.
    static func extents(_ block: [UInt8], from start: Int, count: Int, offset: UInt64) throws(TarError) -> [TarEntry.Extent] {
        var extents: [TarEntry.Extent] = []
        for index in 0..<count {
            let at = start + index * 24
            if block[at] == 0 { break }
            guard let place = value(block[at..<at + 12]), let length = value(block[at + 12..<at + 24]) else {
                throw .badSparseMap("a number is malformed", offset: offset)
            }
            extents.append(TarEntry.Extent(offset: place, length: length))
        }
        return extents
    }

    // MARK: Numbers

    private func text(_ range: Range<Int>) -> [UInt8] { Array(block[range].prefix { $0 != 0 }) }

    private func number(_ range: Range<Int>, _ field: String) throws(TarError) -> UInt64 {
        guard let value = Self.value(block[range]) else { throw .badNumber(field: field, offset: offset) }
        return value
    }

    /// Octal digits, or GNU's base 256 where the first bit is set; never negative here.
    private static func value(_ field: ArraySlice<UInt8>) -> UInt64? {
        guard let first = field.first else { return nil }
        if first & 0x80 == 0 { return octal(field) }
        return binary(field).flatMap(UInt64.init(exactly:))
    }

    /// Spaces before, a space or NUL behind; an empty field is 0.
    private static func octal(_ field: ArraySlice<UInt8>) -> UInt64? {
        let digits = field.drop { $0 == UInt8(ascii: " ") || $0 == 0 }.prefix { $0 != 0 && $0 != UInt8(ascii: " ") }
        var value: UInt64 = 0
        for digit in digits {
            guard (0x30...0x37).contains(digit), value <= UInt64.max >> 3 else { return nil }
            value = value << 3 | UInt64(digit - 0x30)
        }
        return value
    }

    /// Two's complement, most significant first; the first bit only marks the form.
    private static func binary(_ field: ArraySlice<UInt8>) -> Int64? {
        guard let first = field.first else { return nil }
        let isNegative = first & 0x40 != 0
        var value: Int64 = isNegative ? -1 : 0
        var bytes = Array(field)
        bytes[0] = isNegative ? first | 0x80 : first & 0x7F
        for byte in bytes {
            let (shifted, overflow) = value.multipliedReportingOverflow(by: 256)
            guard !overflow else { return nil }
            value = shifted | Int64(byte)
        }
        return value
    }
}
