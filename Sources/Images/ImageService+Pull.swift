// SPDX-License-Identifier: Apache-2.0

package import APITypes
internal import ContentStore
internal import Layers
package import Metadata
package import OCI
internal import Registry
internal import Synchronization

extension ImageService {
    /// Resolves, chooses, checks, fetches, unpacks and commits; see docs/architecture.md, "From registry to PID 1".
    /// - Parameter progress: called on any thread, in no strict order between layers.
    /// - Throws: `ImageError`; then nothing of the image is left but layers that others use.
    package func pull(
        _ reference: ImageReference, platform: Platform?, credentials: RegistryCredentials?,
        progress: @escaping @Sendable (PullEvent) -> Void
    ) async throws(ImageError) -> ImageRecord {
        do {
            return try await Pull(
                service: self, reference: reference.taggedOrLatest, platform: platform, credentials: credentials, progress: progress
            ).run()
        } catch {
            await forgetUnfinished()
            throw ImageError(error)
        }
    }
}

/// One pull, step by step.
private struct Pull: Sendable {
    let service: ImageService
    let reference: ImageReference
    let platform: Platform?
    let credentials: RegistryCredentials?
    let progress: @Sendable (PullEvent) -> Void

    private static let deepestIndex = 3

    func run() async throws -> ImageRecord {
        var event = PullEvent(.resolved)
        let top = try await service.registry.manifest(reference, credentials: credentials)
        event.digest = top.digest.description
        event.reference = reference.familiar
        progress(event)
        let (document, manifest, indexDigest) = try await choose(top)
        try check(manifest)
        announce(document, manifest)
        let work = fetchConfig(manifest.config)
        let result: Result<ImageRecord, any Error>
        do {
            result = .success(try await build(top, document, manifest, indexDigest, try await work.value()).run())
        } catch {
            result = .failure(error)
        }
        await work.leave()
        return try result.get()
    }

    /// From the store, where it is; by one request, however many pulls want it.
    private func fetchConfig(_ descriptor: Descriptor) -> Membership<[UInt8]> {
        let (service, reference, credentials) = (service, reference, credentials)
        let key = ConfigWorkKey(descriptor: descriptor, repository: reference.name, credentials: credentials)
        return service.configWork.join(key, for: reference.name, listener: { _ in }) { _ in
            let stored = try? await onThread { try service.content.get(descriptor.digest, limit: ImageDocument.sizeLimit) }
            if let stored, Int64(stored.count) == descriptor.size { return stored }
            return try await service.registry.blob(
                descriptor, of: reference, limit: ImageDocument.sizeLimit, credentials: credentials)
        }
    }

    private func build(
        _ top: RegistryDocument, _ document: RegistryDocument, _ manifest: ImageManifest, _ indexDigest: Digest?, _ configBytes: [UInt8]
    ) throws -> ImageBuild {
        let config = try documents("config \(manifest.config.digest)") { () throws(DocumentError) in
            let config = try ImageConfig.parse(configBytes)
            try manifest.validate(config: config)
            try config.requireCheckable()
            return config
        }
        let image = record(document, manifest, config, indexDigest)
        var blobs = [
            PendingBlob(digest: document.digest, bytes: document.bytes, mediaType: image.mediaType),
            PendingBlob(digest: manifest.config.digest, bytes: configBytes, mediaType: manifest.config.mediaType.rawValue),
        ]
        if indexDigest != nil { blobs.append(PendingBlob(digest: top.digest, bytes: top.bytes, mediaType: Self.type(of: top))) }
        return ImageBuild(
            service: service, image: image, layers: pending(manifest, config), blobs: blobs,
            references: [
                ReferenceRecord(name: ImageService.storedName(reference), manifestDigest: document.digest, resolvedDigest: top.digest)
            ], progress: progress)
    }

    private static func type(of index: RegistryDocument) -> String {
        index.contentType.map(MediaType.init(rawValue:)).flatMap { $0.isIndex ? $0.rawValue : nil } ?? MediaType.ociIndex.rawValue
    }

    /// Through indexes to the manifest of the platform. Each step is asked for by digest, and so is what it says it is.
    private func choose(_ top: RegistryDocument) async throws -> (RegistryDocument, ImageManifest, Digest?) {
        var document = top
        var descriptorType: MediaType?
        var index: Digest?
        for _ in 0...Self.deepestIndex {
            let bytes = document.bytes
            let type = document.contentType
            let parsed = try documents("manifest \(document.digest)") { () throws(DocumentError) in
                try ImageDocument.parse(bytes, contentType: type, descriptorMediaType: descriptorType)
            }
            switch parsed {
            case .manifest(let manifest): return (document, manifest, index)
            case .index(let list):
                index = index ?? document.digest
                let entry = try list.choose(platform ?? .host)
                descriptorType = entry.mediaType
                document = try await service.registry.manifest(
                    ImageReference(registry: reference.registry, repository: reference.repository, tag: nil, digest: entry.digest),
                    credentials: credentials)
                guard Int64(document.bytes.count) == entry.size else {
                    throw ImageError.document(
                        what: "manifest \(entry.digest)",
                        .invalid("it has \(document.bytes.count) bytes, its descriptor says \(entry.size)"))
                }
            }
        }
        throw ImageError.document(what: reference.familiar, .unsupported("indexes within indexes, more than \(Self.deepestIndex) deep"))
    }

    /// Before any blob is fetched.
    private func check(_ manifest: ImageManifest) throws {
        try documents("manifest of \(reference.familiar)") { () throws(DocumentError) in try manifest.validate() }
        let limit = service.configuration.maxLayers
        guard manifest.layers.count <= limit else {
            throw ImageError.tooManyLayers(count: manifest.layers.count, limit: limit, image: reference.familiar)
        }
        try documents("manifest of \(reference.familiar)") { () throws(DocumentError) in try manifest.requireCheckable() }
        guard manifest.config.size <= Int64(ImageDocument.sizeLimit) else {
            throw ImageError.document(
                what: "config \(manifest.config.digest)",
                .tooLarge(bytes: Int(clamping: manifest.config.size), limit: ImageDocument.sizeLimit))
        }
    }

    private func announce(_ document: RegistryDocument, _ manifest: ImageManifest) {
        var event = PullEvent(.manifest)
        event.digest = document.digest.description
        event.layers = manifest.layers.map { PullEvent.Layer(digest: $0.digest.description, sizeInBytes: $0.size) }
        progress(event)
    }

    private func record(_ document: RegistryDocument, _ manifest: ImageManifest, _ config: ImageConfig, _ index: Digest?) -> ImageRecord {
        let layers = zip(manifest.layers, config.rootfs.diffIDs).map { descriptor, diffID in
            ImageRecord.Layer(diffID: diffID, blobDigest: descriptor.digest, compressedBytes: descriptor.size)
        }
        return ImageRecord(
            manifestDigest: document.digest, mediaType: (manifest.mediaType ?? .ociManifest).rawValue, configDigest: manifest.config.digest,
            indexDigest: index, platform: config.platform.description, layers: layers)
    }

    private func pending(_ manifest: ImageManifest, _ config: ImageConfig) -> [PendingLayer] {
        zip(manifest.layers, config.rootfs.diffIDs).map { descriptor, diffID in
            PendingLayer(
                digest: descriptor.digest, size: descriptor.size, diffID: diffID, mediaType: descriptor.mediaType, source: reference.name
            ) { tell in
                RegistryLayer(
                    source: service.registry.stream(descriptor, of: reference, credentials: credentials) {
                        var event = PullEvent(.layer)
                        event.digest = descriptor.digest.description
                        event.diffID = diffID.description
                        event.status = .retrying
                        tell(event)
                    })
            }
        }
    }

    private func documents<Value>(_ what: String, _ body: () throws(DocumentError) -> Value) throws -> Value {
        do throws(DocumentError) { return try body() } catch { throw ImageError.document(what: what, error) }
    }
}

// Only SHA-256 is computed here: what can't be checked isn't fetched.
extension ImageManifest {
    func requireCheckable() throws(DocumentError) {
        for descriptor in [config] + layers where descriptor.digest.algorithm != .sha256 {
            throw .unsupported("digest \(descriptor.digest) is no sha256, and others can't be checked")
        }
    }
}

extension ImageConfig {
    func requireCheckable() throws(DocumentError) {
        for diffID in rootfs.diffIDs where diffID.digest.algorithm != .sha256 {
            throw .unsupported("diff ID \(diffID) is no sha256, and others can't be checked")
        }
    }
}

/// What must be the same for two pulls to share a config: also who asks, since a registry decides by that.
struct ConfigWorkKey: Hashable, Sendable {
    var descriptor: Descriptor
    var repository: String
    var credentials: RegistryCredentials?
}

/// A registry's blob as a layer's source.
final class RegistryLayer: LayerSource {
    private let source: BlobSource
    private let said = Mutex<RegistryError?>(nil)

    init(source: BlobSource) { self.source = source }

    /// What the registry said, where it did not give the blob.
    var failure: RegistryError? { said.withLock { $0 } }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(LayerError) -> Int {
        do throws(BlobFailure) { return try source.read(into: buffer) } catch {
            if case .registry(let error) = error { said.withLock { $0 = error } }
            throw .source("\(error)")
        }
    }

    func cancel() { source.cancel() }
}
