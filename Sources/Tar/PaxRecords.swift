// SPDX-License-Identifier: Apache-2.0

/// The records of a pax extended header: `length key=value\n`. Source: POSIX pax, "pax Extended Header"; GNU tar manual, "Storing Sparse Files".
struct PaxRecords {
    var path: [UInt8]?
    var linkPath: [UInt8]?
    var size: UInt64?
    var uid: UInt64?
    var gid: UInt64?
    var modified: (seconds: Int64, nanoseconds: Int64)?
    var attributes: [TarEntry.Attribute] = []
    /// GNU.sparse.*: version, name, real size, and the map as far as it stands in the header.
    var sparseMajor: UInt64?
    var sparseMinor: UInt64?
    var sparseName: [UInt8]?
    var sparseRealSize: UInt64?
    var sparseMap: [TarEntry.Extent]?
    private var sparseOffset: UInt64?

    static let mostExtents = 1 << 18
    /// More than any filesystem keeps for one file.
    static let mostAttributes = 1000

    init() {}

    init(_ bytes: [UInt8], offset: UInt64) throws(TarError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let digits = rest.prefix(20).prefix { $0 != UInt8(ascii: " ") }
            guard let length = Self.decimal(digits).flatMap(Int.init(exactly:)), length > digits.count + 1, length <= rest.count else {
                throw .badExtension("a record's length is wrong", offset: offset)
            }
            let record = rest.prefix(length)
            rest = rest.dropFirst(length)
            guard record.last == UInt8(ascii: "\n"), let equals = record.firstIndex(of: UInt8(ascii: "=")) else {
                throw .badExtension("a record is not \"key=value\"", offset: offset)
            }
            let keyStart = record.startIndex + digits.count + 1
            guard keyStart <= equals else { throw .badExtension("a record has no key", offset: offset) }
            try set(record[keyStart..<equals], Array(record[(equals + 1)..<(record.endIndex - 1)]), offset)
        }
    }

    /// An empty value leaves what the header itself says.
    private mutating func set(_ key: ArraySlice<UInt8>, _ value: [UInt8], _ offset: UInt64) throws(TarError) {
        if let attribute = Self.suffix(of: key, behind: "SCHILY.xattr.") { return try setAttribute(attribute, value, offset) }
        if let attribute = Self.suffix(of: key, behind: "LIBARCHIVE.xattr.") { return try setEncodedAttribute(attribute, value, offset) }
        if value.isEmpty {
            // A map of no parts says that all is a hole; without it the file would come out empty.
            if key.elementsEqual("GNU.sparse.map".utf8) { sparseMap = sparseMap ?? [] }
            return
        }
        func number() throws(TarError) -> UInt64 {
            guard let number = Self.decimal(value[...]) else {
                throw .badNumber(field: String(decoding: key, as: UTF8.self), offset: offset)
            }
            return number
        }
        let name = String(decoding: key, as: UTF8.self)
        switch name {
        case "path": path = try Self.noNUL(value, offset)
        case "linkpath": linkPath = try Self.noNUL(value, offset)
        case "size": size = try number()
        case "uid": uid = try number()
        case "gid": gid = try number()
        case "mtime":
            guard let time = Self.time(value) else { throw .badNumber(field: "mtime", offset: offset) }
            modified = time
        case "GNU.sparse.major": sparseMajor = try number()
        case "GNU.sparse.minor": sparseMinor = try number()
        case "GNU.sparse.name": sparseName = try Self.noNUL(value, offset)
        case "GNU.sparse.size", "GNU.sparse.realsize": sparseRealSize = try number()
        case "GNU.sparse.numblocks": sparseMap = sparseMap ?? []
        case "GNU.sparse.offset": sparseOffset = try number()
        case "GNU.sparse.numbytes":
            guard let place = sparseOffset else { throw .badSparseMap("a length without its offset", offset: offset) }
            try appendExtent(place, try number(), offset)
        case "GNU.sparse.map": try setMap(value, offset)
        // Charsets, comments and times that nobody stores: not needed to make the file.
        default: break
        }
    }

    private static func suffix(of key: ArraySlice<UInt8>, behind prefix: String) -> ArraySlice<UInt8>? {
        key.starts(with: prefix.utf8) ? key.dropFirst(prefix.utf8.count) : nil
    }

    private mutating func setAttribute(_ key: ArraySlice<UInt8>, _ value: [UInt8], _ offset: UInt64) throws(TarError) {
        guard !key.isEmpty, !key.contains(0) else { throw .badExtension("an attribute has no name", offset: offset) }
        attributes.removeAll { key.elementsEqual($0.key) }
        guard attributes.count < Self.mostAttributes else {
            throw .badExtension("more than \(Self.mostAttributes) attributes", offset: offset)
        }
        attributes.append(TarEntry.Attribute(key: Array(key), value: value))
    }

    /// libarchive writes each attribute in both forms; here the key is URL-encoded and the value base64.
    private mutating func setEncodedAttribute(_ key: ArraySlice<UInt8>, _ value: [UInt8], _ offset: UInt64) throws(TarError) {
        guard let key = Self.urlDecoded(key), let value = Self.base64Decoded(value) else {
            throw .badExtension("LIBARCHIVE.xattr is malformed", offset: offset)
        }
        if !attributes.contains(where: { $0.key == key }) { try setAttribute(key[...], value, offset) }
    }

    private mutating func appendExtent(_ place: UInt64, _ length: UInt64, _ offset: UInt64) throws(TarError) {
        var map = sparseMap ?? []
        guard map.count < Self.mostExtents else { throw .badSparseMap("more than \(Self.mostExtents) parts", offset: offset) }
        map.append(TarEntry.Extent(offset: place, length: length))
        sparseMap = map
        sparseOffset = nil
    }

    private mutating func setMap(_ value: [UInt8], _ offset: UInt64) throws(TarError) {
        let numbers = value.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
        guard numbers.count % 2 == 0 else { throw .badSparseMap("an odd number of numbers", offset: offset) }
        for index in stride(from: 0, to: numbers.count, by: 2) {
            guard let place = Self.decimal(numbers[index]), let length = Self.decimal(numbers[index + 1]) else {
                throw .badSparseMap("a number is malformed", offset: offset)
            }
            try appendExtent(place, length, offset)
        }
    }

    private static func noNUL(_ value: [UInt8], _ offset: UInt64) throws(TarError) -> [UInt8] {
        guard !value.contains(0) else { throw .badExtension("a name holds a NUL", offset: offset) }
        return value
    }

    static func decimal(_ digits: ArraySlice<UInt8>) -> UInt64? {
        guard !digits.isEmpty, digits.count <= 20, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return UInt64(String(decoding: digits, as: UTF8.self))
    }

    /// Decimal seconds with a fraction, and maybe a minus: -1.5 is half a second after -2.
    private static func time(_ text: [UInt8]) -> (seconds: Int64, nanoseconds: Int64)? {
        let isNegative = text.first == UInt8(ascii: "-")
        let parts = text.dropFirst(isNegative ? 1 : 0).split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = parts.first.flatMap(decimal), let seconds = Int64(exactly: whole) else { return nil }
        var nanoseconds: Int64 = 0
        if parts.count == 2 {
            let digits = parts[1].prefix(9)
            guard parts[1].allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
            nanoseconds = digits.isEmpty ? 0 : Int64(decimal(digits) ?? 0)
            for _ in digits.count..<9 { nanoseconds *= 10 }
        }
        if !isNegative { return (seconds, nanoseconds) }
        return nanoseconds == 0 ? (-seconds, 0) : (-seconds - 1, 1_000_000_000 - nanoseconds)
    }

    private static func urlDecoded(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        var decoded: [UInt8] = []
        var rest = text
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                decoded.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(hex), let low = rest.popFirst().flatMap(hex) else { return nil }
            decoded.append(high << 4 | low)
        }
        return decoded
    }

    private static func hex(_ digit: UInt8) -> UInt8? {
        switch digit {
        case 0x30...0x39: digit - 0x30
        case 0x41...0x46: digit - 0x41 + 10
        case 0x61...0x66: digit - 0x61 + 10
        default: nil
        }
    }

    private static func base64Decoded(_ text: [UInt8]) -> [UInt8]? {
        var decoded: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for byte in text where byte != UInt8(ascii: "=") {
            let value: UInt8
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = byte - 0x41
            case UInt8(ascii: "a")...UInt8(ascii: "z"): value = byte - 0x61 + 26
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = byte - 0x30 + 52
            case UInt8(ascii: "+"): value = 62
            case UInt8(ascii: "/"): value = 63
            default: return nil
            }
            bits = bits << 6 | UInt32(value)
            count += 6
            if count >= 8 {
                count -= 8
                decoded.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            }
        }
        return decoded
    }
}
