// SPDX-License-Identifier: Apache-2.0

/// `GET /v1/snapshots/uppers/{id}`: what a container has written. Sizes are blocks on disk x 512.
public struct UpperReport: Codable, Sendable, Hashable {
    /// What was added since somebody last asked; less than 0 where it shrank.
    public struct Growth: Codable, Sendable, Hashable {
        public var sizeInBytes: Int64
        public var inodes: Int64
        public var since: String
        public init(sizeInBytes: Int64, inodes: Int64, since: String) {
            self.sizeInBytes = sizeInBytes
            self.inodes = inodes
            self.since = since
        }
    }

    public struct File: Codable, Sendable, Hashable {
        public var path: String
        public var pathBase64: String?
        public var sizeInBytes: Int64
        public init(_ path: PathText, sizeInBytes: Int64) {
            self.path = path.text
            pathBase64 = path.base64
            self.sizeInBytes = sizeInBytes
        }
    }

    /// What lies directly in a directory.
    public struct Directory: Codable, Sendable, Hashable {
        public var path: String
        public var pathBase64: String?
        public var sizeInBytes: Int64
        public var inodes: Int64
        public init(_ path: PathText, sizeInBytes: Int64, inodes: Int64) {
            self.path = path.text
            pathBase64 = path.base64
            self.sizeInBytes = sizeInBytes
            self.inodes = inodes
        }
    }

    /// A file in the place of one of a lower.
    public struct CopiedFile: Codable, Sendable, Hashable {
        public var path: String
        public var pathBase64: String?
        public var sizeInBytes: Int64
        public var lowerSizeInBytes: Int64
        /// The diff ID, or the chain ID of a fix-up, of the lower.
        public var lower: String
        public init(_ path: PathText, sizeInBytes: Int64, lowerSizeInBytes: Int64, lower: String) {
            self.path = path.text
            pathBase64 = path.base64
            self.sizeInBytes = sizeInBytes
            self.lowerSizeInBytes = lowerSizeInBytes
            self.lower = lower
        }
    }

    public struct CopiedFiles: Codable, Sendable, Hashable {
        public var count: Int
        public var sizeInBytes: Int64
        public var lowerSizeInBytes: Int64
        /// Those with the largest lower files.
        public var largest: [CopiedFile]
        public init(count: Int, sizeInBytes: Int64, lowerSizeInBytes: Int64, largest: [CopiedFile]) {
            self.count = count
            self.sizeInBytes = sizeInBytes
            self.lowerSizeInBytes = lowerSizeInBytes
            self.largest = largest
        }
    }

    public struct Mark: Codable, Sendable, Hashable {
        public var path: String
        public var pathBase64: String?
        public init(_ path: PathText) {
            self.path = path.text
            pathBase64 = path.base64
        }
    }

    /// All of them counted, the first of them named.
    public struct Marks: Codable, Sendable, Hashable {
        public var count: Int
        public var first: [Mark]
        public init(count: Int, first: [Mark]) {
            self.count = count
            self.first = first
        }
    }

    public var container: String
    public var name: String
    public var path: String
    public var measuredAt: String
    public var sizeInBytes: Int64
    public var inodes: Int64
    /// Left out the first time.
    public var growth: Growth?
    public var files: Int64
    public var directories: Int64
    public var largestFiles: [File]
    public var fullestDirectories: [Directory]
    public var copiedUp: CopiedFiles
    public var whiteouts: Marks
    public var opaqueDirectories: Marks
    public init(
        container: String, name: String, path: String, measuredAt: String, sizeInBytes: Int64, inodes: Int64, growth: Growth?, files: Int64,
        directories: Int64, largestFiles: [File], fullestDirectories: [Directory], copiedUp: CopiedFiles, whiteouts: Marks,
        opaqueDirectories: Marks
    ) {
        self.container = container
        self.name = name
        self.path = path
        self.measuredAt = measuredAt
        self.sizeInBytes = sizeInBytes
        self.inodes = inodes
        self.growth = growth
        self.files = files
        self.directories = directories
        self.largestFiles = largestFiles
        self.fullestDirectories = fullestDirectories
        self.copiedUp = copiedUp
        self.whiteouts = whiteouts
        self.opaqueDirectories = opaqueDirectories
    }
}

/// A path of a tree, whose bytes need not be UTF-8, as JSON can hold it.
public struct PathText: Sendable, Hashable {
    /// Bytes that are not UTF-8 as `\xff`.
    public var text: String
    /// The bytes, where `text` does not hold them.
    public var base64: String?

    public init(_ bytes: [UInt8]) {
        if let text = String(validating: bytes, as: UTF8.self) {
            self.text = text
        } else {
            text = Self.escaped(bytes)
            base64 = Self.base64(bytes)
        }
    }

    private static func escaped(_ bytes: [UInt8]) -> String {
        var text = ""
        var rest = bytes[...]
        while let first = rest.first {
            let length = first < 0x80 ? 1 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2
            if let scalar = String(validating: rest.prefix(length), as: UTF8.self) {
                text += scalar
                rest = rest.dropFirst(length)
            } else {
                text += "\\x" + String(first, radix: 16)
                rest = rest.dropFirst()
            }
        }
        return text
    }

    /// Source: RFC 4648, 4.
    private static func base64(_ bytes: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let bits = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << UInt32(8 * (3 - group.count))
            for place in 0..<4 {
                text.append(place <= group.count ? alphabet[Int(bits >> UInt32(18 - 6 * place) & 63)] : UInt8(ascii: "="))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
