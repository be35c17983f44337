// SPDX-License-Identifier: Apache-2.0

package import ContentStore
internal import Layers
package import Logging
package import Metadata
package import OCI
package import Registry
package import Snapshots
internal import Synchronization

package struct ImageConfiguration: Sendable {
    /// Layers that a manifest may list.
    package var maxLayers: Int
    /// Layers that are fetched and unpacked at once.
    package var width: Int
    /// Keep the layers' blobs too; else only what is unpacked stays.
    package var keepBlobs: Bool

    package init(maxLayers: Int = 127, width: Int = 4, keepBlobs: Bool = false) {
        self.maxLayers = maxLayers
        self.width = width
        self.keepBlobs = keepBlobs
    }
}

/// The images of this node: pulled, loaded, found, removed.
package final class ImageService: Sendable {
    let registry: RegistryClient
    let content: ContentStore
    let snapshots: SnapshotStore
    /// What extractions leave free.
    var limits: ExtractionLimits {
        ExtractionLimits(reserveBytes: snapshots.reserve.bytes, reserveInodes: snapshots.reserve.inodes)
    }
    let metadata: MetadataStore
    let configuration: ImageConfiguration
    let logger: Logger
    private let configs = Mutex<[Digest: ImageConfig]>([:])
    /// What pulls that are under way have in common.
    let layerWork = SharedWork<LayerWorkKey, FetchedLayer> { $0.dispose() }
    let configWork = SharedWork<ConfigWorkKey, [UInt8]> { _ in }
    /// Held over a commit, by threads of their own.
    let commitTurn = Mutex<Void>(())
    /// Held while an image's waste is counted, likewise.
    let wasteTurn = Mutex<Void>(())

    package init(
        registry: RegistryClient, content: ContentStore, snapshots: SnapshotStore, metadata: MetadataStore,
        configuration: ImageConfiguration,
        logger: Logger
    ) {
        self.registry = registry
        self.content = content
        self.snapshots = snapshots
        self.metadata = metadata
        self.configuration = configuration
        self.logger = logger
    }

    /// An image that was found, and what its name was resolved to.
    package struct Found: Sendable {
        package var image: ImageRecord
        package var resolvedDigest: Digest
    }

    /// By reference, by image ID (`sha256:` and 64 digits, or 12 and more of them), for a platform.
    /// - Parameter platform: nil takes the node's own from an index, and a single image as it is.
    package func find(_ text: String, platform: Platform?) throws(ImageError) -> Found {
        do {
            if let found = try byID(text) { return found }
            let reference = try ImageReference(parsing: text).taggedOrLatest
            guard let record = try metadata.reference(Self.storedName(reference)) else { throw ImageError.notFound(text) }
            if let found = try choose(record, platform) { return found }
            throw ImageError.notFound(text)
        } catch {
            throw ImageError(error)
        }
    }

    /// Several platforms of one index may be here under one name; the name points at the one that came last.
    private func choose(_ record: ReferenceRecord, _ platform: Platform?) throws -> Found? {
        let wanted = platform ?? .host
        let images = try metadata.images().filter { record.names($0) }
        if let image = images.first(where: { $0.platform == wanted.description }) {
            return Found(image: image, resolvedDigest: record.resolvedDigest)
        }
        let single = images.first { $0.manifestDigest == record.manifestDigest && $0.indexDigest == nil }
        guard let single else { return nil }
        if let platform, single.platform != platform.description { return nil }
        return Found(image: single, resolvedDigest: record.resolvedDigest)
    }

    private func byID(_ text: String) throws -> Found? {
        try images(byID: text).first.map { Found(image: $0, resolvedDigest: $0.indexDigest ?? $0.manifestDigest) }
    }

    /// Several where manifests have the same config. None where the text is no ID, or nobody's.
    func images(byID text: String) throws -> [ImageRecord] {
        let hex = text.hasPrefix("sha256:") ? String(text.dropFirst(7)) : text
        guard (12...64).contains(hex.utf8.count), hex.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }) else {
            return []
        }
        let images = try metadata.images(hexPrefix: hex)
        guard Set(images.map(\.configDigest)).count <= 1 else { throw ImageError.ambiguous(text) }
        return images
    }

    /// With a digest the tag says nothing any more.
    static func storedName(_ reference: ImageReference) -> String {
        reference.digest.map { "\(reference.name)@\($0)" } ?? reference.taggedOrLatest.canonical
    }

    /// The image's config; kept in memory, since a run needs it.
    package func config(of image: ImageRecord) throws(ImageError) -> ImageConfig {
        if let known = configs.withLock({ $0[image.configDigest] }) { return known }
        let config: ImageConfig
        do { config = try ImageConfig.parse(try content.get(image.configDigest, limit: ImageDocument.sizeLimit)) } catch {
            throw ImageError(error)
        }
        configs.withLock { configs in
            if configs.count > 256 { configs = [:] }
            configs[image.configDigest] = config
        }
        return config
    }

    /// The config's bytes as they are stored.
    package func configBytes(of image: ImageRecord) throws(ImageError) -> [UInt8] {
        do { return try content.get(image.configDigest, limit: ImageDocument.sizeLimit) } catch { throw ImageError(error) }
    }

    package func images() throws(ImageError) -> [ImageRecord] {
        do throws(MetadataError) { return try metadata.images() } catch { throw .metadata(error) }
    }

    package func references() throws(ImageError) -> [ReferenceRecord] {
        do throws(MetadataError) { return try metadata.references() } catch { throw .metadata(error) }
    }
}
