// SPDX-License-Identifier: Apache-2.0

/// Writes archives: plain ustar, with a pax extended header where an entry needs one. Nothing is kept; the caller puts the parts together:
/// `header(entry)`, the content, `padding(after: size)`, …, `end`. Source: POSIX pax, "ustar Interchange Format".
package enum TarWriter {
    /// The two zero blocks that close an archive.
    package static let end = [UInt8](repeating: 0, count: 2 * TarHeader.blockSize)

    /// The zeros that fill the last block of a content.
    package static func padding(after size: UInt64) -> [UInt8] { [UInt8](repeating: 0, count: Int((512 - size % 512) % 512)) }

    /// Everything in front of an entry's content.
    /// - Throws: `TarError.unsupportedEntry` for what this writer has no form for: a sparse file, a NUL in a name, an attribute's key with "=",
    ///   a device number of more than seven octal digits.
    package static func header(_ entry: TarEntry) throws(TarError) -> [UInt8] {
        guard entry.sparse == nil else { throw .unsupportedEntry("a sparse file can't be written") }
        guard !entry.path.contains(0), !entry.linkTarget.contains(0) else { throw .unsupportedEntry("a name with a NUL can't be written") }
        guard entry.attributes.allSatisfy({ !$0.key.contains(UInt8(ascii: "=")) && !$0.key.contains(0) }) else {
            throw .unsupportedEntry("an attribute whose name has a \"=\" or a NUL can't be written")
        }
        guard max(entry.deviceMajor, entry.deviceMinor) <= UInt64(mostOctal(7)) else {
            throw .unsupportedEntry("a device numbered \(entry.deviceMajor):\(entry.deviceMinor) can't be written")
        }
        return try header(entry, adding: [])
    }

    /// The same for a file of which only some parts are stored: GNU's form 1.0 in pax records, which GNU tar, bsdtar, Go and Python read. The parts'
    /// content follows, without gaps, and `padding` after their sum.
    /// - Parameter extents: in order; the last one ends at the file's end, and may be empty.
    package static func sparseHeader(_ entry: TarEntry, _ extents: [TarEntry.Extent]) throws(TarError) -> [UInt8] {
        var map = Array("\(extents.count)\n".utf8)
        for extent in extents { map += Array("\(extent.offset)\n\(extent.length)\n".utf8) }
        map += padding(after: UInt64(map.count))
        var stored = entry
        stored.sparse = nil
        stored.path =
            Array("GNUSparseFile.0/".utf8) + (entry.path.split(separator: UInt8(ascii: "/")).last.map { Array($0.suffix(80)) } ?? [])
        stored.size = UInt64(map.count) + extents.reduce(0) { $0 + $1.length }
        guard !entry.path.contains(0) else { throw .unsupportedEntry("a name with a NUL can't be written") }
        let own =
            record("GNU.sparse.major", Array("1".utf8)) + record("GNU.sparse.minor", Array("0".utf8))
            + record("GNU.sparse.name", entry.path) + record("GNU.sparse.realsize", Array(String(entry.size).utf8))
        return try header(stored, adding: own) + map
    }

    private static func header(_ entry: TarEntry, adding own: [UInt8]) throws(TarError) -> [UInt8] {
        let records = own + records(entry)
        guard !records.isEmpty else { return block(entry) }
        var extended = TarEntry(path: Array("pax/".utf8) + entry.path.suffix(90), kind: .file, size: UInt64(records.count))
        extended.modifiedSeconds = max(0, min(entry.modifiedSeconds, mostOctal(11)))
        return block(extended, type: UInt8(ascii: "x")) + records + padding(after: UInt64(records.count)) + block(entry)
    }

    // MARK: The pax records of an entry

    private static func records(_ entry: TarEntry) -> [UInt8] {
        var records: [UInt8] = []
        if !fits(entry.path, 100) { records += record("path", entry.path) }
        if !fits(entry.linkTarget, 100) { records += record("linkpath", entry.linkTarget) }
        if entry.kind == .file, entry.size > UInt64(mostOctal(11)) { records += record("size", Array(String(entry.size).utf8)) }
        if entry.uid > UInt64(mostOctal(7)) { records += record("uid", Array(String(entry.uid).utf8)) }
        if entry.gid > UInt64(mostOctal(7)) { records += record("gid", Array(String(entry.gid).utf8)) }
        if entry.modifiedNanoseconds != 0 || !(0...mostOctal(11)).contains(entry.modifiedSeconds) {
            records += record("mtime", time(entry))
        }
        for attribute in entry.attributes { records += record(Array("SCHILY.xattr.".utf8) + attribute.key, attribute.value) }
        return records
    }

    /// ustar's names are in no known charset beyond ASCII.
    private static func fits(_ name: [UInt8], _ width: Int) -> Bool { name.count <= width && name.allSatisfy { $0 < 0x80 } }

    private static func record(_ key: String, _ value: [UInt8]) -> [UInt8] { record(Array(key.utf8), value) }

    /// The length in front counts its own digits.
    private static func record(_ key: [UInt8], _ value: [UInt8]) -> [UInt8] {
        let body = [UInt8(ascii: " ")] + key + [UInt8(ascii: "=")] + value + [UInt8(ascii: "\n")]
        var length = body.count
        while String(length).utf8.count + body.count != length { length = String(length).utf8.count + body.count }
        return Array(String(length).utf8) + body
    }

    /// Seconds with a fraction; -0.5 is (-1, 500 000 000).
    private static func time(_ entry: TarEntry) -> [UInt8] {
        let isNegative = entry.modifiedSeconds < 0
        var seconds = entry.modifiedSeconds.magnitude
        var nanoseconds = entry.modifiedNanoseconds
        if isNegative, nanoseconds > 0 {
            seconds -= 1
            nanoseconds = 1_000_000_000 - nanoseconds
        }
        let digits = String(nanoseconds)
        let fraction = String(repeating: "0", count: max(0, 9 - digits.utf8.count)) + digits
        return Array((isNegative ? "-" : "").utf8) + Array("\(seconds).\(fraction)".utf8)
    }

    // MARK: The block

    private static func block(_ entry: TarEntry, type: UInt8? = nil) -> [UInt8] {
        var block = [UInt8](repeating: 0, count: TarHeader.blockSize)
        put(entry.path, 0, 100, &block)
        put(octal(Int64(entry.mode & 0o7777), 7), 100, 8, &block)
        put(octal(Int64(clamping: entry.uid), 7), 108, 8, &block)
        put(octal(Int64(clamping: entry.gid), 7), 116, 8, &block)
        put(octal(entry.kind == .file ? Int64(clamping: entry.size) : 0, 11), 124, 12, &block)
        put(octal(entry.modifiedSeconds, 11), 136, 12, &block)
        block[156] = type ?? typeFlag(entry.kind)
        put(entry.linkTarget, 157, 100, &block)
        put(Array("ustar".utf8) + [0] + Array("00".utf8), 257, 8, &block)
        put(octal(Int64(clamping: entry.deviceMajor), 7), 329, 8, &block)
        put(octal(Int64(clamping: entry.deviceMinor), 7), 337, 8, &block)
        for index in 148..<156 { block[index] = UInt8(ascii: " ") }
        put(octal(block.reduce(0) { $0 + Int64($1) }, 6) + [0], 148, 7, &block)
        return block
    }

    private static func put(_ bytes: [UInt8], _ offset: Int, _ width: Int, _ block: inout [UInt8]) {
        for (index, byte) in bytes.prefix(width).enumerated() { block[offset + index] = byte }
    }

    /// What does not fit stands in a pax record.
    private static func octal(_ value: Int64, _ digits: Int) -> [UInt8] {
        let text = String(min(max(value, 0), mostOctal(digits)), radix: 8)
        return Array((String(repeating: "0", count: digits - text.utf8.count) + text).utf8)
    }

    private static func mostOctal(_ digits: Int) -> Int64 { (Int64(1) << Int64(3 * digits)) - 1 }

    private static func typeFlag(_ kind: TarEntry.Kind) -> UInt8 {
        switch kind {
        case .file: UInt8(ascii: "0")
        case .hardLink: UInt8(ascii: "1")
        case .symlink: UInt8(ascii: "2")
        case .characterDevice: UInt8(ascii: "3")
        case .blockDevice: UInt8(ascii: "4")
        case .directory: UInt8(ascii: "5")
        case .fifo: UInt8(ascii: "6")
        }
    }
}
