// SPDX-License-Identifier: Apache-2.0

/// Where an archive's bytes come from. Blocks.
package protocol TarSource: ~Copyable {
    /// Fills a part of the buffer. - Returns: how many bytes; 0 at the end of the stream.
    mutating func read(into buffer: UnsafeMutableRawBufferPointer) throws(TarError) -> Int
}

/// Reads an archive as a stream: ustar, GNU and pax headers in any mixture, sparse files in all their forms.
///
/// Like Go's reader, by which most images were read so far: types without content have none, whatever their size field says;
/// global headers are not applied; the stream may end without the two zero blocks, but not within an entry.
package struct TarReader<Source: TarSource & ~Copyable>: ~Copyable {
    /// Names and attributes in extension headers; the kernel takes 4 KiB for a path and 64 KiB for an attribute.
    package static var extensionLimit: Int { 1 << 20 }

    private var source: Source
    /// Bytes read from the source so far.
    private var offset: UInt64 = 0
    /// Of the current entry's stored data: what is left, and the zeros behind it.
    private var remaining: UInt64 = 0
    private var padding = 0
    /// The parts of the current entry that are still to come; where all is stored, one.
    private var extents: ArraySlice<TarEntry.Extent> = []
    private var extentDone: UInt64 = 0
    private var atEnd = false

    package init(_ source: consuming Source) { self.source = source }

    /// How far the archive has been read: after `next`, where the entry's stored content begins.
    package var position: UInt64 { offset }

    /// The next entry; skips what is left of the current one. nil at the archive's end.
    package mutating func next() throws(TarError) -> TarEntry? {
        try skipData()
        if atEnd { return nil }
        var pax = PaxRecords()
        var longName: [UInt8]?
        var longLink: [UInt8]?
        var dangling = false
        while true {
            let start = offset
            guard let block = try readBlock() else { return try end(dangling, start) }
            if TarHeader.isZero(block) {
                // What other readers would take for more entries must not be passed over here.
                if let second = try readBlock(), !TarHeader.isZero(second) { throw .loneZeroBlock(offset: start) }
                return try end(dangling, start)
            }
            let header = try TarHeader(block, offset: start)
            dangling = dangling || header.type != UInt8(ascii: "g")
            switch header.type {
            case UInt8(ascii: "x"): pax = try PaxRecords(try readExtension(header, start), offset: start)
            case UInt8(ascii: "g"): _ = try readExtension(header, start)
            case UInt8(ascii: "L"): longName = try readExtension(header, start).untilNUL
            case UInt8(ascii: "K"): longLink = try readExtension(header, start).untilNUL
            default: return try entry(header, pax, longName, longLink, start)
            }
        }
    }

    /// Extension headers in front of nothing: something was cut off.
    private mutating func end(_ dangling: Bool, _ start: UInt64) throws(TarError) -> TarEntry? {
        guard !dangling else { throw .truncated(offset: start) }
        atEnd = true
        return nil
    }

    /// Reads some of the current file's content into the buffer.
    /// - Returns: where in the file it belongs, and how many bytes; nil at the file's end. What lies between are holes.
    package mutating func readData(into buffer: UnsafeMutableRawBufferPointer) throws(TarError) -> (offset: UInt64, count: Int)? {
        while let extent = extents.first {
            let left = extent.length - extentDone
            if left == 0 {
                extents.removeFirst()
                extentDone = 0
                continue
            }
            let wanted = Int(min(UInt64(buffer.count), left))
            let count = try source.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted]))
            guard count > 0 else { throw .truncated(offset: offset) }
            let place = extent.offset + extentDone
            extentDone += UInt64(count)
            remaining -= UInt64(count)
            offset += UInt64(count)
            return (place, count)
        }
        return nil
    }

    // MARK: Headers

    private mutating func entry(
        _ header: TarHeader, _ pax: PaxRecords, _ longName: [UInt8]?, _ longLink: [UInt8]?, _ start: UInt64
    ) throws(TarError) -> TarEntry {
        let path = pax.sparseName ?? pax.path ?? longName ?? header.path
        var entry = TarEntry(path: path, kind: try Self.kind(header.type, path, start), mode: try header.mode())
        entry.linkTarget = pax.linkPath ?? longLink ?? header.linkTarget
        entry.uid = if let uid = pax.uid { uid } else { try header.uid() }
        entry.gid = if let gid = pax.gid { gid } else { try header.gid() }
        entry.modifiedSeconds = if let time = pax.modified { time.seconds } else { try header.modified() }
        entry.modifiedNanoseconds = pax.modified?.nanoseconds ?? 0
        entry.attributes = pax.attributes
        if entry.kind == .characterDevice || entry.kind == .blockDevice {
            entry.deviceMajor = try header.deviceMajor()
            entry.deviceMinor = try header.deviceMinor()
        }
        let stored: UInt64 = if let size = pax.size { size } else { try header.size() }
        guard stored <= UInt64(Int64.max) - 512 else { throw .badNumber(field: "size", offset: start) }
        if Self.hasContent(header.type) {
            remaining = stored
            padding = Int((512 - stored % 512) % 512)
        }
        if entry.kind == .file { try begin(&entry, stored: stored, header, pax, start) }
        return entry
    }

    /// The others have none, whatever their size field says.
    private static func hasContent(_ type: UInt8) -> Bool { [0, UInt8(ascii: "0"), UInt8(ascii: "7"), UInt8(ascii: "S")].contains(type) }

    private static func kind(_ type: UInt8, _ path: [UInt8], _ start: UInt64) throws(TarError) -> TarEntry.Kind {
        switch type {
        // Before POSIX a directory was a file whose name ends in a slash.
        case 0: path.last == UInt8(ascii: "/") ? .directory : .file
        case UInt8(ascii: "0"), UInt8(ascii: "7"), UInt8(ascii: "S"): .file
        case UInt8(ascii: "1"): .hardLink
        case UInt8(ascii: "2"): .symlink
        case UInt8(ascii: "3"): .characterDevice
        case UInt8(ascii: "4"): .blockDevice
        case UInt8(ascii: "5"): .directory
        case UInt8(ascii: "6"): .fifo
        default: throw .unsupportedType(type, offset: start)
        }
    }

    /// Sets out for the content: all of it, or the map's parts.
    private mutating func begin(
        _ entry: inout TarEntry, stored: UInt64, _ header: TarHeader, _ pax: PaxRecords, _ start: UInt64
    ) throws(TarError) {
        entry.size = stored
        var map: [TarEntry.Extent]?
        if header.type == UInt8(ascii: "S") {
            map = try readOldMap(header, start)
            entry.size = try header.sparseRealSize()
        } else if pax.sparseMajor == 1 {
            map = try readStoredMap(start)
            entry.size = pax.sparseRealSize ?? stored
        } else if let inHeader = pax.sparseMap {
            map = inHeader
            entry.size = pax.sparseRealSize ?? stored
        }
        guard let map else {
            extents = stored > 0 ? [TarEntry.Extent(offset: 0, length: stored)] : []
            return
        }
        try Self.check(map, realSize: entry.size, stored: remaining, start)
        entry.sparse = map
        extents = map[...]
    }

    /// Overlaps and lies would write more than was sent, or beyond the file (CVE-2025-58183 is the same in another reader).
    private static func check(_ map: [TarEntry.Extent], realSize: UInt64, stored: UInt64, _ start: UInt64) throws(TarError) {
        guard realSize <= UInt64(Int64.max) else { throw .badNumber(field: "real size", offset: start) }
        var end: UInt64 = 0
        var sum: UInt64 = 0
        for extent in map {
            let (extentEnd, overflow) = extent.offset.addingReportingOverflow(extent.length)
            guard !overflow, extent.offset >= end, extentEnd <= realSize else {
                throw .badSparseMap("parts overlap or lie beyond the file", offset: start)
            }
            end = extentEnd
            sum += extent.length
        }
        guard sum == stored else { throw .badSparseMap("its parts have \(sum) bytes, \(stored) are stored", offset: start) }
    }

    private mutating func readOldMap(_ header: TarHeader, _ start: UInt64) throws(TarError) -> [TarEntry.Extent] {
        var map = try header.sparseExtents()
        var more = header.isSparseExtended
        while more {
            guard let block = try readBlock() else { throw .truncated(offset: offset) }
            map += try TarHeader.extents(block, from: 0, count: 21, offset: start)
            guard map.count <= PaxRecords.mostExtents else {
                throw .badSparseMap("more than \(PaxRecords.mostExtents) parts", offset: start)
            }
            more = block[504] != 0
        }
        return map
    }

    /// Version 1.0: decimal lines at the front of the data, filled up to a block.
    private mutating func readStoredMap(_ start: UInt64) throws(TarError) -> [TarEntry.Extent] {
        var numbers: [UInt64] = []
        var digits: [UInt8] = []
        var wanted: Int?
        while true {
            guard remaining >= 512, let block = try readBlock() else { throw .badSparseMap("it ends early", offset: start) }
            remaining -= 512
            for byte in block {
                if byte != UInt8(ascii: "\n") {
                    guard digits.count < 20 else { throw .badSparseMap("a number is malformed", offset: start) }
                    digits.append(byte)
                    continue
                }
                guard let number = PaxRecords.decimal(digits[...]) else { throw .badSparseMap("a number is malformed", offset: start) }
                digits = []
                if wanted == nil {
                    guard number <= UInt64(PaxRecords.mostExtents) else {
                        throw .badSparseMap("more than \(PaxRecords.mostExtents) parts", offset: start)
                    }
                    wanted = Int(number) * 2
                } else {
                    numbers.append(number)
                }
                if numbers.count == wanted {
                    return stride(from: 0, to: numbers.count, by: 2).map { TarEntry.Extent(offset: numbers[$0], length: numbers[$0 + 1]) }
                }
            }
        }
    }

    private mutating func readExtension(_ header: TarHeader, _ start: UInt64) throws(TarError) -> [UInt8] {
        let size = try header.size()
        guard size <= UInt64(Self.extensionLimit) else { throw .extensionTooLarge(bytes: size, limit: Self.extensionLimit, offset: start) }
        var bytes = [UInt8](repeating: 0, count: Int(size) + Int((512 - size % 512) % 512))
        guard try fill(&bytes) else { throw .truncated(offset: offset) }
        bytes.removeLast(bytes.count - Int(size))
        return bytes
    }

    // MARK: Bytes

    private mutating func skipData() throws(TarError) {
        var scratch = [UInt8](repeating: 0, count: 1 << 15)
        while remaining + UInt64(padding) > 0 {
            let total = remaining + UInt64(padding)
            let wanted = Int(min(UInt64(scratch.count), total))
            var span = scratch.mutableSpan
            let count = try span.withUnsafeMutableBytes { buffer throws(TarError) in
                try source.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted]))
            }
            guard count > 0 else { throw .truncated(offset: offset) }
            offset += UInt64(count)
            let data = min(remaining, UInt64(count))
            remaining -= data
            padding -= count - Int(data)
        }
        extents = []
        extentDone = 0
    }

    /// nil at the end of the stream.
    private mutating func readBlock() throws(TarError) -> [UInt8]? {
        var block = [UInt8](repeating: 0, count: TarHeader.blockSize)
        return try fill(&block) ? block : nil
    }

    /// - Returns: false where the stream ended before the first byte.
    private mutating func fill(_ bytes: inout [UInt8]) throws(TarError) -> Bool {
        var done = 0
        let total = bytes.count
        while done < total {
            var span = bytes.mutableSpan
            let count = try span.withUnsafeMutableBytes { buffer throws(TarError) in
                try source.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[done...]))
            }
            if count == 0 {
                if done == 0 { return false }
                throw .truncated(offset: offset + UInt64(done))
            }
            done += count
        }
        offset += UInt64(total)
        return true
    }
}

extension [UInt8] {
    /// GNU's long names end with a NUL.
    fileprivate var untilNUL: [UInt8] { Array(prefix { $0 != 0 }) }
}
