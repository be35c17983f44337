// SPDX-License-Identifier: Apache-2.0

internal import Linux

/// A layer's listing on disk, `files` beside its `layer.json`:
///
///     magic "ctrfiles", version 1
///     record: length, tag, identity, mode, uid, gid, seconds, nanoseconds,
///             [attributes: 8 bytes, where the tag says so],
///             file: size, checksum (8 bytes) | symlink: length, target | device: number,
///             how many bytes the path shares with the one before, the path's other bytes up to the record's end
///     ...
///     record: length, tag `end`, how many records came before
///
/// Numbers are LEB128, seconds zigzag. The tag's low four bits are the kind. A record tells everything of its name, also of a second name of
/// a file, so that it can be read alone; names come in the archive's order, directories last, each behind what is in it: only then is their
/// time set. Some 30 bytes a file: 280 KiB for the 10,483 names of the benchmarks' image.
enum ListingFormat {
    static let magic: [UInt8] = Array("ctrfiles".utf8) + [1]

    static let kindMask: UInt8 = 0x0F
    static let hasAttributes: UInt8 = 0x40
    /// A later entry of the archive took the name away. Only while the listing is written.
    static let isRemoved: UInt8 = 0x80

    enum Kind: UInt8 { case file = 1, directory, symlink, characterDevice, blockDevice, fifo, whiteout, end = 15 }

    /// No record is longer: a path of 2,048 names of 255 bytes.
    static let greatestLength = 1 << 20

    static func kind(_ content: ListedObject.Content) -> Kind {
        switch content {
        case .file: .file
        case .directory: .directory
        case .symlink: .symlink
        case .characterDevice: .characterDevice
        case .blockDevice: .blockDevice
        case .fifo: .fifo
        case .whiteout: .whiteout
        }
    }

    /// All of a record but its length and path.
    static func encode(_ object: ListedObject, into bytes: inout [UInt8]) {
        bytes.append(kind(object.content).rawValue | (object.attributes == 0 ? 0 : hasAttributes))
        append(object.identity, to: &bytes)
        append(UInt64(object.mode), to: &bytes)
        append(UInt64(object.uid), to: &bytes)
        append(UInt64(object.gid), to: &bytes)
        append(UInt64(bitPattern: object.modified.seconds << 1 ^ object.modified.seconds >> 63), to: &bytes)
        append(UInt64(object.modified.nanoseconds), to: &bytes)
        if object.attributes != 0 { appendFixed(object.attributes, to: &bytes) }
        switch object.content {
        case .file(let size, let checksum):
            append(size, to: &bytes)
            appendFixed(checksum, to: &bytes)
        case .symlink(let target):
            append(UInt64(target.count), to: &bytes)
            bytes += target
        case .characterDevice(let number), .blockDevice(let number): append(number, to: &bytes)
        case .directory, .fifo, .whiteout: break
        }
    }

    static func append(_ number: UInt64, to bytes: inout [UInt8]) {
        var rest = number
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    private static func appendFixed(_ number: UInt64, to bytes: inout [UInt8]) {
        for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: number >> UInt64(shift))) }
    }
}

/// Reads a record's numbers, one after the other.
struct ListingFields {
    private let bytes: ArraySlice<UInt8>
    private var position: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    mutating func byte() throws(ListingError) -> UInt8 {
        guard position < bytes.endIndex else { throw .damaged("a record ends too early") }
        defer { position += 1 }
        return bytes[position]
    }

    mutating func number() throws(ListingError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            let part = try byte()
            guard shift < 63 || part <= 1 else { break }
            value |= UInt64(part & 0x7F) << shift
            if part & 0x80 == 0 { return value }
        }
        throw .damaged("a number of more than 64 bits")
    }

    mutating func small() throws(ListingError) -> UInt32 {
        guard let value = UInt32(exactly: try number()) else { throw .damaged("a number of more than 32 bits") }
        return value
    }

    mutating func fixed() throws(ListingError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 8) { value |= UInt64(try byte()) << shift }
        return value
    }

    mutating func take(_ count: UInt64) throws(ListingError) -> ArraySlice<UInt8> {
        guard count <= UInt64(bytes.endIndex - position) else { throw .damaged("a record ends too early") }
        defer { position += Int(count) }
        return bytes[position..<position + Int(count)]
    }

    var rest: ArraySlice<UInt8> { bytes[position...] }

    /// - Parameter tag: was read.
    mutating func object(tag: UInt8) throws(ListingError) -> ListedObject {
        guard let kind = ListingFormat.Kind(rawValue: tag & ListingFormat.kindMask) else { throw .damaged("an object of kind \(tag)") }
        var object = ListedObject(.directory)
        object.identity = try number()
        object.mode = try small()
        object.uid = try small()
        object.gid = try small()
        let seconds = try number()
        let nanoseconds = try small()
        object.modified = FileTime(seconds: Int64(seconds >> 1) ^ -Int64(seconds & 1), nanoseconds: Int64(nanoseconds))
        if tag & ListingFormat.hasAttributes != 0 { object.attributes = try fixed() }
        object.content = try content(kind)
        return object
    }

    private mutating func content(_ kind: ListingFormat.Kind) throws(ListingError) -> ListedObject.Content {
        switch kind {
        case .file: return .file(size: try number(), checksum: try fixed())
        case .symlink:
            let length = try number()
            return .symlink(target: Array(try take(length)))
        case .characterDevice: return .characterDevice(try number())
        case .blockDevice: return .blockDevice(try number())
        case .directory: return .directory
        case .fifo: return .fifo
        case .whiteout: return .whiteout
        case .end: throw .damaged("an end in the middle")
        }
    }
}
