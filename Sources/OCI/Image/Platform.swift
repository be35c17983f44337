// SPDX-License-Identifier: Apache-2.0

public import JSON

/// An operating system, an architecture and its variant, normalised: `linux/arm64/v8` is `linux/arm64`.
/// Source: image-spec image-index.md, "platform"; the names are Go's.
public struct Platform: Sendable, Hashable, CustomStringConvertible {
    public var os: String
    public var architecture: String
    public var variant: String?
    public var osVersion: String?
    /// `os.features`, and what is not known here.
    public var others = JSONOtherMembers()

    public init(os: String, architecture: String, variant: String? = nil, osVersion: String? = nil) {
        self.os = os.lowercased()
        (self.architecture, self.variant) = Self.normalise(architecture.lowercased(), variant?.lowercased())
        self.osVersion = osVersion
    }

    /// Parses `os/architecture[/variant]`; nil for anything else.
    public init?(parsing text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard (2...3).contains(parts.count), parts.allSatisfy({ part in !part.isEmpty && part.utf8.allSatisfy(Self.isNameByte) }) else {
            return nil
        }
        self.init(os: parts[0], architecture: parts[1], variant: parts.count == 3 ? parts[2] : nil)
    }

    /// The platform that this program was built for.
    public static var host: Platform {
        #if arch(x86_64)
        Platform(os: "linux", architecture: "amd64")
        #elseif arch(arm64)
        Platform(os: "linux", architecture: "arm64")
        #elseif arch(riscv64)
        Platform(os: "linux", architecture: "riscv64")
        #elseif arch(powerpc64le)
        Platform(os: "linux", architecture: "ppc64le")
        #elseif arch(s390x)
        Platform(os: "linux", architecture: "s390x")
        #else
        Platform(os: "linux", architecture: "arm", variant: "v7")
        #endif
    }

    public var description: String { printable(([os, architecture] + (variant.map { [$0] } ?? [])).joined(separator: "/")) }

    /// How well an image for `offered` suits this node: nil not at all; smaller is better. An older variant runs on a newer processor.
    public func distance(to offered: Platform) -> Int? {
        guard os == offered.os, architecture == offered.architecture else { return nil }
        if variant == offered.variant { return 0 }
        guard let own = Self.level(architecture, variant), let other = Self.level(architecture, offered.variant), other <= own else {
            return nil
        }
        return own - other
    }

    private static func level(_ architecture: String, _ variant: String?) -> Int? {
        let text = variant ?? (architecture == "arm" ? "v7" : architecture == "arm64" ? "v8" : "v1")
        let digits = text.utf8.dropFirst()
        guard text.utf8.first == UInt8(ascii: "v"), (1...2).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return Int(text.dropFirst())
    }

    private static func normalise(_ architecture: String, _ variant: String?) -> (String, String?) {
        let variant = variant?.isEmpty == true ? nil : variant
        switch (architecture, variant) {
        case ("x86_64", _), ("x86-64", _): return ("amd64", variant == "v1" ? nil : variant)
        case ("amd64", "v1"): return ("amd64", nil)
        case ("aarch64", _): return ("arm64", variant == "8" || variant == "v8" ? nil : variant)
        case ("arm64", "8"), ("arm64", "v8"): return ("arm64", nil)
        case ("armhf", _): return ("arm", "v7")
        case ("armel", _): return ("arm", "v6")
        case ("arm", nil), ("arm", "7"): return ("arm", "v7")
        case ("arm", "5"), ("arm", "6"), ("arm", "8"): return ("arm", "v" + (variant ?? "7"))
        case ("i386", _), ("i686", _): return ("386", variant)
        default: return (architecture, variant)
        }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        case UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."): true
        default: false
        }
    }
}

extension Platform: Codable {
    private enum CodingKeys: String, CodingKey {
        case os, architecture, variant
        case osVersion = "os.version"
        case others
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            os: try values.decode(String.self, forKey: .os), architecture: try values.decode(String.self, forKey: .architecture),
            variant: try values.decodeIfPresent(String.self, forKey: .variant),
            osVersion: try values.decodeIfPresent(String.self, forKey: .osVersion))
        others = try values.decode(JSONOtherMembers.self, forKey: .others)
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(architecture, forKey: .architecture)
        try values.encode(os, forKey: .os)
        try values.encodeIfPresent(variant, forKey: .variant)
        try values.encodeIfPresent(osVersion, forKey: .osVersion)
        try values.encode(others, forKey: .others)
    }
}
