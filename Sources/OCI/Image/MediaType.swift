// SPDX-License-Identifier: Apache-2.0

/// A media type of the image-spec or of Docker's manifest schema 2. Parameters are cut off, case is folded.
public struct MediaType: RawRepresentable, Hashable, Sendable, Codable, CustomStringConvertible {
    public let rawValue: String

    public init(rawValue: String) {
        let end = rawValue.utf8.firstIndex(of: UInt8(ascii: ";")) ?? rawValue.endIndex
        self.rawValue = String(rawValue[..<end]).lowercased().filter { $0 != " " && $0 != "\t" }
    }

    public init(from decoder: any Decoder) throws { self.init(rawValue: try decoder.singleValueContainer().decode(String.self)) }

    public func encode(to encoder: any Encoder) throws {
        var value = encoder.singleValueContainer()
        try value.encode(rawValue)
    }

    public var description: String { printable(rawValue) }

    public static let ociIndex = MediaType(rawValue: "application/vnd.oci.image.index.v1+json")
    public static let ociManifest = MediaType(rawValue: "application/vnd.oci.image.manifest.v1+json")
    public static let ociConfig = MediaType(rawValue: "application/vnd.oci.image.config.v1+json")
    public static let ociLayer = MediaType(rawValue: "application/vnd.oci.image.layer.v1.tar")
    public static let ociLayerGzip = MediaType(rawValue: "application/vnd.oci.image.layer.v1.tar+gzip")
    public static let ociLayerZstd = MediaType(rawValue: "application/vnd.oci.image.layer.v1.tar+zstd")
    public static let dockerIndex = MediaType(rawValue: "application/vnd.docker.distribution.manifest.list.v2+json")
    public static let dockerManifest = MediaType(rawValue: "application/vnd.docker.distribution.manifest.v2+json")
    public static let dockerSchema1 = MediaType(rawValue: "application/vnd.docker.distribution.manifest.v1+json")
    public static let dockerSchema1Signed = MediaType(rawValue: "application/vnd.docker.distribution.manifest.v1+prettyjws")
    public static let dockerConfig = MediaType(rawValue: "application/vnd.docker.container.image.v1+json")
    public static let dockerLayer = MediaType(rawValue: "application/vnd.docker.image.rootfs.diff.tar")
    public static let dockerLayerGzip = MediaType(rawValue: "application/vnd.docker.image.rootfs.diff.tar.gzip")
    public static let dockerLayerZstd = MediaType(rawValue: "application/vnd.docker.image.rootfs.diff.tar.zstd")

    public var isIndex: Bool { self == .ociIndex || self == .dockerIndex }
    public var isManifest: Bool { self == .ociManifest || self == .dockerManifest }
    public var isConfig: Bool { self == .ociConfig || self == .dockerConfig }
    public var isLayer: Bool { layerCompression != nil }
    public var isSchema1: Bool { self == .dockerSchema1 || self == .dockerSchema1Signed }

    public enum LayerCompression: String, Sendable, Hashable { case none, gzip, zstd }

    /// nil where it is not a layer. Non-distributable layers are layers like others where a registry has them.
    public var layerCompression: LayerCompression? {
        switch rawValue.replacingOccurrence(of: "nondistributable.", with: "").replacingOccurrence(of: ".foreign.", with: ".") {
        case Self.ociLayer.rawValue, Self.dockerLayer.rawValue: .some(.none)
        case Self.ociLayerGzip.rawValue, Self.dockerLayerGzip.rawValue: .gzip
        case Self.ociLayerZstd.rawValue, Self.dockerLayerZstd.rawValue: .zstd
        default: nil
        }
    }
}

extension String {
    /// Replaces the first occurrence; Foundation's twin is not linked.
    fileprivate func replacingOccurrence(of part: String, with other: String) -> String {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(part) { return self[..<start] + other + self[index(start, offsetBy: part.count)...] }
            start = index(after: start)
        }
        return self
    }
}
