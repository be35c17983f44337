// SPDX-License-Identifier: Apache-2.0

/// A media type of the image-spec or of Docker's manifest schema 2. Parameters are cut off, case is folded (RFC 9110, section 8.3.1).
public struct MediaType: RawRepresentable, Hashable, Sendable, Codable, CustomStringConvertible {
    public let rawValue: String

    /// `Application/JSON ; charset=utf-8` becomes `application/json`.
    public init(rawValue: String) {
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
        var type = rawValue.utf8.prefix { $0 != UInt8(ascii: ";") }.drop(while: isSpace)
        while let last = type.last, isSpace(last) { type.removeLast() }
        // Letters of ASCII only: to Unicode, the lower case of a Kelvin sign is a k.
        self.rawValue = String(decoding: type.map { (0x41...0x5a).contains($0) ? $0 | 0x20 : $0 }, as: UTF8.self)
    }

    public init(from decoder: any Decoder) throws { self.init(rawValue: try decoder.singleValueContainer().decode(String.self)) }

    public func encode(to encoder: any Encoder) throws {
        var value = encoder.singleValueContainer()
        try value.encode(rawValue)
    }

    public var description: String { rawValue.isEmpty ? "empty" : printable(rawValue) }

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

    /// nil where it is not a layer.
    public var layerCompression: LayerCompression? { Self.layers[self] }

    /// Layers that "must not be distributed" are layers like others, where a registry has them.
    private static let layers: [MediaType: LayerCompression] = [
        .ociLayer: .none, .ociLayerGzip: .gzip, .ociLayerZstd: .zstd,
        .dockerLayer: .none, .dockerLayerGzip: .gzip, .dockerLayerZstd: .zstd,
        MediaType(rawValue: "application/vnd.oci.image.layer.nondistributable.v1.tar"): .none,
        MediaType(rawValue: "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"): .gzip,
        MediaType(rawValue: "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd"): .zstd,
        MediaType(rawValue: "application/vnd.docker.image.rootfs.foreign.diff.tar"): .none,
        MediaType(rawValue: "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"): .gzip,
    ]
}
