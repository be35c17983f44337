// SPDX-License-Identifier: Apache-2.0

/// One member of an archive, with everything that headers before it said about it. Names are bytes.
package struct TarEntry: Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        case file
        case hardLink
        case symlink
        case characterDevice
        case blockDevice
        case directory
        case fifo
    }

    package var path: [UInt8]
    package var kind: Kind
    /// The twelve permission bits.
    package var mode: UInt32
    package var uid: UInt64
    package var gid: UInt64
    /// What a file holds: for a sparse one the whole, with its holes.
    package var size: UInt64
    package var modifiedSeconds: Int64
    package var modifiedNanoseconds: Int64
    package var linkTarget: [UInt8]
    package var deviceMajor: UInt64
    package var deviceMinor: UInt64
    /// Extended attributes, in their order; of a key that comes twice the last.
    package var attributes: [Attribute]
    /// The parts of a sparse file that are stored, in order; nil where all is stored.
    package var sparse: [Extent]?

    package struct Attribute: Sendable, Hashable {
        package var key: [UInt8]
        package var value: [UInt8]
        package init(key: [UInt8], value: [UInt8]) {
            self.key = key
            self.value = value
        }
    }

    package struct Extent: Sendable, Hashable {
        package var offset: UInt64
        package var length: UInt64
        package init(offset: UInt64, length: UInt64) {
            self.offset = offset
            self.length = length
        }
    }

    package init(path: [UInt8], kind: Kind, mode: UInt32 = 0o644, size: UInt64 = 0, linkTarget: [UInt8] = []) {
        self.path = path
        self.kind = kind
        self.mode = mode
        uid = 0
        gid = 0
        self.size = size
        modifiedSeconds = 0
        modifiedNanoseconds = 0
        self.linkTarget = linkTarget
        deviceMajor = 0
        deviceMinor = 0
        attributes = []
    }
}

/// Why a stream is no archive that can be taken. The offset is that of the header concerned.
package enum TarError: Error, Sendable, Hashable {
    case badChecksum(offset: UInt64)
    case badNumber(field: String, offset: UInt64)
    case badExtension(String, offset: UInt64)
    case extensionTooLarge(bytes: UInt64, limit: Int, offset: UInt64)
    case badSparseMap(String, offset: UInt64)
    case unsupportedType(UInt8, offset: UInt64)
    case truncated(offset: UInt64)
    /// One zero block, where two end an archive.
    case loneZeroBlock(offset: UInt64)
    /// Only when writing.
    case unsupportedEntry(String)
    /// The stream itself failed; whoever gave it knows why.
    case sourceFailed
}

extension TarError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .badChecksum(let offset): "tar header at byte \(offset): its checksum is wrong"
        case .badNumber(let field, let offset): "tar header at byte \(offset): \(field) is not a number in range"
        case .badExtension(let what, let offset): "tar extension header at byte \(offset): \(what)"
        case .extensionTooLarge(let bytes, let limit, let offset):
            "tar extension header at byte \(offset): \(bytes) bytes, \(limit) are allowed"
        case .badSparseMap(let what, let offset): "sparse file at byte \(offset): \(what)"
        case .unsupportedType(let type, let offset): "tar header at byte \(offset): type \(Self.shown(type)) is not known"
        case .truncated(let offset): "the tar stream ends at byte \(offset), in the middle of an entry"
        case .loneZeroBlock(let offset):
            "the tar stream goes on behind the zero block at byte \(offset), where only a second one may stand"
        case .unsupportedEntry(let what): what
        case .sourceFailed: "the stream failed"
        }
    }
    private static func shown(_ type: UInt8) -> String {
        (0x21...0x7e).contains(type) ? "\"\(String(UnicodeScalar(type)))\"" : "\(type)"
    }
}
