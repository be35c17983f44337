// SPDX-License-Identifier: Apache-2.0

internal import Foundation
package import OCI

internal import struct Crypto.SHA256

/// The digest that registries call bytes by.
package func digest(of bytes: [UInt8]) -> Digest { Digest(sha256: SHA256.hash(data: bytes)) }

/// A small image, made by code: layers, config and manifest, each of which a test may damage.
package struct MadeImage: Sendable {
    /// As a registry has them.
    package var layers: [[UInt8]]
    package var config: [UInt8]
    package var manifest: [UInt8]

    package static let manifestType = "application/vnd.oci.image.manifest.v1+json"
    package static let indexType = "application/vnd.oci.image.index.v1+json"
    package static let layerType = "application/vnd.oci.image.layer.v1.tar"

    /// - Parameters:
    ///   - layers: plain tars, from the lowest up.
    ///   - diffIDs: what the config says they are; nil for the truth.
    ///   - sizes: what the manifest says of them; nil for the truth.
    ///   - history: JSON of the config's history; nil for none.
    ///   - execution: JSON of what it runs as.
    package init(
        layers: [[UInt8]], architecture: String = Platform.host.architecture, diffIDs: [Digest]? = nil, sizes: [Int]? = nil,
        layerType: String = layerType, history: String? = nil, execution: String = #"{"Cmd":["true"]}"#
    ) {
        let listed = (diffIDs ?? layers.map { digest(of: $0) }).map { "\"\($0)\"" }.joined(separator: ",")
        self.layers = layers
        config = Array(
            """
            {"architecture":"\(architecture)","os":"linux","config":\(execution),"rootfs":{"type":"layers","diff_ids":[\(listed)]}\
            \(history.map { ",\"history\":" + $0 } ?? "")}
            """.utf8)
        let descriptors = zip(layers, sizes ?? layers.map(\.count)).map { layer, size in
            "{\"mediaType\":\"\(layerType)\",\"digest\":\"\(digest(of: layer))\",\"size\":\(size)}"
        }
        manifest = Self.manifest(config: config, layers: descriptors.joined(separator: ","))
    }

    /// A manifest of any config and of whatever is given as layers.
    package static func manifest(config: [UInt8], layers: String) -> [UInt8] {
        Array(
            """
            {"schemaVersion":2,"mediaType":"\(manifestType)","config":{"mediaType":"application/vnd.oci.image.config.v1+json",\
            "digest":"\(digest(of: config))","size":\(config.count)},"layers":[\(layers)]}
            """.utf8)
    }

    /// An index of images for architectures of Linux.
    package static func index(_ images: [(architecture: String, manifest: [UInt8])]) -> [UInt8] {
        let entries = images.map { image in
            """
            {"mediaType":"\(manifestType)","digest":"\(digest(of: image.manifest))","size":\(image.manifest.count),\
            "platform":{"architecture":"\(image.architecture)","os":"linux"}}
            """
        }
        return Array("{\"schemaVersion\":2,\"mediaType\":\"\(indexType)\",\"manifests\":[\(entries.joined(separator: ","))]}".utf8)
    }

    package var manifestDigest: Digest { digest(of: manifest) }

    /// What an honest registry answers, whatever the repository and the tag.
    package func answer(_ request: SeenRequest) -> Answer {
        let name = request.path.split(separator: "/").last.map { String($0) } ?? ""
        if request.path.contains("/manifests/") {
            return name.hasPrefix("sha256:") && name != manifestDigest.description ? .notFound() : .manifest(manifest)
        }
        guard let blob = (layers + [config]).first(where: { digest(of: $0).description == name }) else { return .notFound() }
        return request.offset.map { .part(blob, from: $0) } ?? .ok(blob)
    }

    /// Writes an OCI image layout.
    /// - Parameter name: what it is called in it.
    package func writeLayout(_ directory: String, name: String? = nil) throws {
        let root = URL(filePath: directory)
        let blobs = root.appending(path: "blobs/sha256")
        try FileManager.default.createDirectory(at: blobs, withIntermediateDirectories: true)
        for blob in layers + [config, manifest] {
            try Data(blob).write(to: blobs.appending(path: digest(of: blob).hex))
        }
        try Data("{\"imageLayoutVersion\":\"1.0.0\"}".utf8).write(to: root.appending(path: "oci-layout"))
        let named = name.map { ",\"annotations\":{\"org.opencontainers.image.ref.name\":\"\($0)\"}" } ?? ""
        try Data(
            """
            {"schemaVersion":2,"manifests":[{"mediaType":"\(Self.manifestType)","digest":"\(manifestDigest)","size":\(manifest.count)\(named)}]}
            """.utf8
        ).write(to: root.appending(path: "index.json"))
    }
}
