// SPDX-License-Identifier: Apache-2.0

package import APITypes
internal import Compression
internal import ContentStore
internal import Glibc
internal import JSON
internal import Layers
internal import Linux
package import Metadata
package import OCI
internal import Snapshots
package import SystemPackage

internal import struct Crypto.SHA256

extension ImageService {
    /// Loads an OCI layout or a `docker save` archive, also a compressed one.
    /// - Parameter archive: a spool file; what is not needed any more may be made beside it and is removed again.
    /// - Throws: `ImageError`; images that were committed before it stay.
    package func load(archive path: FilePath, progress: @escaping @Sendable (PullEvent) -> Void) async throws(ImageError) -> [ImageRecord] {
        do {
            StoreStep.archiveSpooled.reach()
            let plain = try await onThread { try self.unpacked(path) }
            StoreStep.archiveInflated.reach()
            let loaded: Result<[ImageRecord], any Error>
            do { loaded = .success(try await load(unpacked: plain, progress: progress)) } catch { loaded = .failure(error) }
            // Many gigabytes are not unlinked in a moment.
            if plain != path { try? await onThread { try self.content.removeSpoolFile(plain) } }
            return try loaded.get()
        } catch {
            await forgetUnfinished()
            throw ImageError(error)
        }
    }

    private func load(unpacked path: FilePath, progress: @escaping @Sendable (PullEvent) -> Void) async throws -> [ImageRecord] {
        let archive = try await onThread { try ImageArchive(path) }
        let loading = Loading(service: self, archive: archive, progress: progress)
        let plans = try await onThread { try loading.plans() }
        var images: [ImageRecord] = []
        for plan in plans { images.append(try await plan.run()) }
        return images
    }

    /// The size of a stored layer, or nil.
    package func layerSize(_ diffID: DiffID) throws(ImageError) -> LayerSize? {
        do throws(MetadataError) { return try metadata.layer(.layer(diffID))?.size } catch { throw .metadata(error) }
    }

    /// The archive itself, or its content in another spool file.
    private func unpacked(_ path: FilePath) throws -> FilePath {
        let file = try openFile(path, O_RDONLY | O_NOFOLLOW)
        var chunk = [UInt8](repeating: 0, count: 1 << 18)
        var count = try Self.read(file, &chunk)
        let format = CompressionFormat.detect(chunk[..<count])
        if format == .none { return path }
        let plain = try content.newSpoolFile()
        do {
            let output = try openFile(plain, O_WRONLY | O_NOFOLLOW)
            var decompressor = try Decompressor(format)
            while count > 0 {
                try snapshots.checkSpace(bytes: UInt64(count), inodes: 0)
                try chunk.span.withUnsafeBytes { bytes throws(ImageError) in
                    try decompressor.push(
                        UnsafeRawBufferPointer(rebasing: bytes[..<count]), failing: { ImageError.archive("\($0)") },
                        { part throws(ImageError) in
                            do throws(KernelError) { try writeAll(output, part, object: plain.string) } catch { throw .kernel(error) }
                        })
                }
                count = try Self.read(file, &chunk)
            }
            try decompressor.finish()
            return plain
        } catch {
            try? content.removeSpoolFile(plain)
            throw error
        }
    }

    private static func read(_ file: borrowing OwnedFD, _ chunk: inout [UInt8]) throws(KernelError) -> Int {
        let raw = file.raw
        var span = chunk.mutableSpan
        return try span.withUnsafeMutableBytes { buffer throws(KernelError) in
            try kernel("read(2)", "archive") { Glibc.read(raw, buffer.baseAddress, buffer.count) }
        }
    }
}

/// What an archive holds, as images to be made.
private struct Loading: Sendable {
    let service: ImageService
    let archive: ImageArchive
    let progress: @Sendable (PullEvent) -> Void

    func plans() throws -> [ImageBuild] {
        if archive.member("index.json") != nil, archive.member("oci-layout") != nil { return try layoutPlans() }
        if archive.member("manifest.json") != nil { return try dockerPlans() }
        throw ImageError.archive("the archive is neither an OCI layout (index.json) nor made by `docker save` (manifest.json)")
    }

    // MARK: OCI layout

    private func layoutPlans() throws -> [ImageBuild] {
        let index = try JSON.decode(ImageIndex.self, from: archive.read("index.json", limit: ImageDocument.sizeLimit))
        var plans: [ImageBuild] = []
        for entry in index.manifests where entry.annotations?["vnd.docker.reference.type"] == nil {
            plans.append(try layoutPlan(entry))
        }
        guard !plans.isEmpty else { throw ImageError.archive("index.json lists no images") }
        return plans
    }

    private func layoutPlan(_ entry: Descriptor) throws -> ImageBuild {
        var descriptor = entry
        var indexDigest: Digest?
        for _ in 0..<4 {
            let bytes = try document(descriptor)
            switch try ImageDocument.parse(bytes, descriptorMediaType: descriptor.mediaType) {
            case .index(let list):
                indexDigest = indexDigest ?? descriptor.digest
                descriptor = try list.choose(.host)
            case .manifest(let manifest): return try plan(entry, descriptor, bytes, manifest, indexDigest)
            }
        }
        throw ImageError.archive("indexes within indexes, more than three deep")
    }

    private func plan(
        _ entry: Descriptor, _ descriptor: Descriptor, _ bytes: [UInt8], _ manifest: ImageManifest, _ index: Digest?
    ) throws -> ImageBuild {
        try manifest.validate()
        try manifest.requireCheckable()
        try checkCeiling(manifest.layers.count, "\(descriptor.digest)")
        let configBytes = try document(manifest.config)
        let config = try ImageConfig.parse(configBytes)
        try config.requireCheckable()
        try manifest.validate(config: config)
        let layers = try zip(manifest.layers, config.rootfs.diffIDs).map { layer, diffID in
            try pending(blobName(layer.digest), layer.digest, layer.size, diffID, layer.mediaType)
        }
        let names = [entry.annotations?["io.containerd.image.name"], entry.annotations?["org.opencontainers.image.ref.name"]].compactMap {
            $0
        }
        return build(
            config, manifest.config.digest, layers,
            PendingBlob(digest: descriptor.digest, bytes: bytes, mediaType: (manifest.mediaType ?? .ociManifest).rawValue),
            PendingBlob(digest: manifest.config.digest, bytes: configBytes, mediaType: manifest.config.mediaType.rawValue),
            // A tag alone ("latest") names no repository; the annotation may hold other texts too.
            references: names.filter { $0.contains("/") || $0.contains(":") }.compactMap { try? ImageReference(parsing: $0) },
            resolved: index ?? descriptor.digest, index: index)
    }

    private func document(_ descriptor: Descriptor) throws -> [UInt8] {
        let bytes = try archive.read(blobName(descriptor.digest), limit: ImageDocument.sizeLimit)
        let digest = Digest(sha256: SHA256.hash(data: bytes))
        guard digest == descriptor.digest, Int64(bytes.count) == descriptor.size else {
            throw ImageError.archive("blob \(descriptor.digest) of the archive has \(bytes.count) bytes with digest \(digest)")
        }
        return bytes
    }

    private func blobName(_ digest: Digest) -> String { "blobs/\(digest.algorithm.rawValue)/\(digest.hex)" }

    // MARK: docker save

    private struct DockerEntry: Decodable {
        var config: String
        var repoTags: [String]?
        var layers: [String]
        private enum CodingKeys: String, CodingKey {
            case config = "Config"
            case repoTags = "RepoTags"
            case layers = "Layers"
        }
    }

    private func dockerPlans() throws -> [ImageBuild] {
        let entries = try JSON.decode([DockerEntry].self, from: archive.read("manifest.json", limit: ImageDocument.sizeLimit))
        guard !entries.isEmpty else { throw ImageError.archive("manifest.json lists no images") }
        return try entries.map(dockerPlan)
    }

    /// There is no manifest in such an archive: one is made, so that the image has a digest like every other.
    private func dockerPlan(_ entry: DockerEntry) throws -> ImageBuild {
        try checkCeiling(entry.layers.count, entry.repoTags?.first ?? entry.config)
        let configBytes = try archive.read(entry.config, limit: ImageDocument.sizeLimit)
        let config = try ImageConfig.parse(configBytes)
        try config.requireCheckable()
        let configDigest = Digest(sha256: SHA256.hash(data: configBytes))
        guard config.rootfs.diffIDs.count == entry.layers.count else {
            throw ImageError.archive("manifest.json lists \(entry.layers.count) layers, the config \(config.rootfs.diffIDs.count) diff IDs")
        }
        let layers = try zip(entry.layers, config.rootfs.diffIDs).map { name, diffID in
            try pending(name, try digest(name, diffID), nil, diffID, nil)
        }
        let manifest = ImageManifest(
            config: Descriptor(mediaType: .ociConfig, digest: configDigest, size: Int64(configBytes.count)),
            layers: layers.map {
                Descriptor(mediaType: $0.digest == $0.diffID.digest ? .ociLayer : .ociLayerGzip, digest: $0.digest, size: $0.size ?? 0)
            })
        let manifestBytes = try JSON.encode(manifest)
        let manifestDigest = Digest(sha256: SHA256.hash(data: manifestBytes))
        return build(
            config, configDigest, layers,
            PendingBlob(digest: manifestDigest, bytes: manifestBytes, mediaType: MediaType.ociManifest.rawValue),
            PendingBlob(digest: configDigest, bytes: configBytes, mediaType: MediaType.ociConfig.rawValue),
            references: try (entry.repoTags ?? []).map { try ImageReference(parsing: $0) }, resolved: manifestDigest, index: nil)
    }

    /// Of a layer's stored bytes. A plain tar's is its diff ID, and extraction checks that; a compressed one's is computed.
    private func digest(_ name: String, _ diffID: DiffID) throws -> Digest {
        guard let member = archive.member(name) else { throw ImageError.archive("the archive has no \"\(printable(name))\"") }
        let source = try archive.source(member)
        var hash = SHA256()
        var chunk = [UInt8](repeating: 0, count: 1 << 18)
        var isFirst = true
        while true {
            var span = chunk.mutableSpan
            let count = try span.withUnsafeMutableBytes { buffer throws(LayerError) in try source.read(into: buffer) }
            if count == 0 { return Digest(sha256: hash.finalize()) }
            if isFirst, CompressionFormat.detect(chunk[..<count]) == .none { return diffID.digest }
            isFirst = false
            hash.update(data: chunk[..<count])
        }
    }

    // MARK: Both

    private func pending(_ name: String, _ digest: Digest, _ size: Int64?, _ diffID: DiffID, _ type: MediaType?) throws -> PendingLayer {
        guard let member = archive.member(name) else { throw ImageError.archive("the archive has no \"\(printable(name))\"") }
        let archive = archive
        return PendingLayer(
            digest: digest, size: size ?? Int64(clamping: member.size), diffID: diffID, mediaType: type, source: archive.name
        ) { _ throws(LayerError) in try archive.source(member) }
    }

    private func checkCeiling(_ count: Int, _ image: String) throws {
        let limit = service.configuration.maxLayers
        guard count <= limit else { throw ImageError.tooManyLayers(count: count, limit: limit, image: printable(image)) }
    }

    private func build(
        _ config: ImageConfig, _ configDigest: Digest, _ layers: [PendingLayer], _ manifest: PendingBlob, _ configBlob: PendingBlob,
        references: [ImageReference],
        resolved: Digest, index: Digest?
    ) -> ImageBuild {
        let references = references.map { reference in
            ReferenceRecord(
                name: ImageService.storedName(reference.taggedOrLatest), manifestDigest: manifest.digest, resolvedDigest: resolved)
        }
        let image = ImageRecord(
            manifestDigest: manifest.digest, mediaType: manifest.mediaType, configDigest: configDigest, indexDigest: index,
            platform: config.platform.description,
            layers: layers.map { ImageRecord.Layer(diffID: $0.diffID, blobDigest: $0.digest, compressedBytes: $0.size) })
        return ImageBuild(
            service: service, image: image, layers: layers, blobs: [manifest, configBlob], references: references, progress: progress)
    }
}
