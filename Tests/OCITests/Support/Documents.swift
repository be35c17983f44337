// SPDX-License-Identifier: Apache-2.0

import OCI

/// Documents as text, so that a test says what is on the wire and not what our encoder makes of it.
enum Documents {
    static let digest = "sha256:" + String(repeating: "0123456789abcdef", count: 4)
    static func digest(_ digit: Character) -> String { "sha256:" + String(repeating: digit, count: 64) }

    static let ociManifest = "application/vnd.oci.image.manifest.v1+json"
    static let ociIndex = "application/vnd.oci.image.index.v1+json"
    static let ociConfig = "application/vnd.oci.image.config.v1+json"
    static let ociLayer = "application/vnd.oci.image.layer.v1.tar+gzip"
    static let dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
    static let dockerIndex = "application/vnd.docker.distribution.manifest.list.v2+json"
    static let dockerConfig = "application/vnd.docker.container.image.v1+json"
    static let dockerLayer = "application/vnd.docker.image.rootfs.diff.tar.gzip"

    static func descriptor(_ type: String, _ digest: String = digest, size: String = "7", adding more: String = "") -> String {
        #"{"mediaType":"\#(type)","digest":"\#(digest)","size":\#(size)\#(more)}"#
    }

    /// - Parameter mediaType: nil leaves the member out.
    static func manifest(
        _ mediaType: String? = ociManifest, config: String = descriptor(ociConfig), layers: [String] = [descriptor(ociLayer)],
        adding more: String = ""
    ) -> String {
        let type = mediaType.map { #""mediaType":"\#($0)","# } ?? ""
        return #"{"schemaVersion":2,\#(type)"config":\#(config),"layers":[\#(layers.joined(separator: ","))]\#(more)}"#
    }

    static func index(_ mediaType: String? = ociIndex, _ manifests: [String] = [], adding more: String = "") -> String {
        let type = mediaType.map { #""mediaType":"\#($0)","# } ?? ""
        return #"{"schemaVersion":2,\#(type)"manifests":[\#(manifests.joined(separator: ","))]\#(more)}"#
    }

    /// An entry of an index for `os/architecture[/variant]`.
    static func entry(_ platform: String, _ digest: String = digest, type: String = ociManifest, adding more: String = "") -> String {
        let parts = platform.split(separator: "/")
        let variant = parts.count > 2 ? #","variant":"\#(parts[2])""# : ""
        return descriptor(
            type, digest, adding: #","platform":{"os":"\#(parts[0])","architecture":"\#(parts[1])"\#(variant)}\#(more)"#)
    }

    static func parse(
        _ text: String, contentType: String? = nil, descriptor: String? = nil
    ) throws(DocumentError) -> ImageDocument {
        try ImageDocument.parse(
            Array(text.utf8), contentType: contentType, descriptorMediaType: descriptor.map(MediaType.init(rawValue:)))
    }
}

extension ImageDocument {
    var index: ImageIndex? { if case .index(let index) = self { index } else { nil } }
    var manifest: ImageManifest? { if case .manifest(let manifest) = self { manifest } else { nil } }
}
