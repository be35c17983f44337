// SPDX-License-Identifier: Apache-2.0

public import JSON

/// One image: its config and its layers from the lowest up. Source: image-spec manifest.md.
public struct ImageManifest: Codable, Sendable, Hashable {
    public var schemaVersion: Int
    public var mediaType: MediaType?
    public var config: Descriptor
    public var layers: [Descriptor]
    public var annotations: [String: String]?
    public var artifactType: String?
    /// `subject`, and what is not known here.
    public var others = JSONOtherMembers()

    public init(config: Descriptor, layers: [Descriptor], annotations: [String: String]? = nil) {
        schemaVersion = 2
        mediaType = .ociManifest
        self.config = config
        self.layers = layers
        self.annotations = annotations
    }

    /// Is this something to run? An artifact has another config type, or layers that are no file systems.
    public func validate() throws(DocumentError) {
        guard config.mediaType.isConfig, artifactType == nil else {
            throw .unsupported("the manifest's config is \(config.mediaType): it is an artifact, not an image")
        }
        guard !layers.isEmpty else { throw .invalid("the manifest lists no layers") }
        for layer in layers where !layer.mediaType.isLayer { throw .unsupported("layer \(layer.digest) has media type \(layer.mediaType)") }
    }

    /// Do config and manifest speak of the same layers? Source: image-spec config.md, "rootfs".
    public func validate(config: ImageConfig) throws(DocumentError) {
        guard config.rootfs.type == "layers" else {
            throw .invalid("the config's rootfs.type is \"\(printable(config.rootfs.type))\", not \"layers\"")
        }
        guard config.rootfs.diffIDs.count == layers.count else {
            throw .invalid("the manifest lists \(layers.count) layers, its config \(config.rootfs.diffIDs.count) diff IDs")
        }
    }
}
