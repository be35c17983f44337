// SPDX-License-Identifier: Apache-2.0

public import APITypes
internal import Containers
internal import ContentStore
internal import Images
internal import Linux
internal import Metadata
internal import OCI
internal import Registry
internal import Snapshots
internal import SystemPackage

extension NodeRuntime {
    /// Pulls an image; `progress` is called on any thread. A pull whose task is cancelled leaves nothing.
    public func pull(_ request: PullRequest, progress: @escaping @Sendable (PullEvent) -> Void) async throws(EngineError) -> ImageSummary {
        let reference: ImageReference
        do throws(ReferenceError) { reference = try ImageReference(parsing: request.reference) } catch {
            throw EngineError(.invalidRequest, "\(error)")
        }
        let platform = try platform(request.platform)
        defer { ResidentMemory.release() }
        do throws(ImageError) {
            let image = try await imageService.pull(reference, platform: platform, credentials: request.credentials, progress: progress)
            // Before a collection: where everything unused may go at once, this image may go with it.
            let summary = try await summary(of: image)
            upkeep.notePull()
            eventHub.publish("image", "pull", id: image.manifestDigest.description, attributes: ["reference": reference.familiar])
            return summary
        } catch {
            throw EngineError(error)
        }
    }

    /// A file that an archive can be written to; `load` takes it, or the next start sweeps it.
    public func newSpoolFile() async throws(EngineError) -> String {
        do throws(ContentError) {
            return try await pool.run { () throws(ContentError) in try self.content.newSpoolFile() }.string
        } catch {
            throw EngineError(ImageError.content(error))
        }
    }

    /// Whether so much more of an archive fits beside the reserve. What is not needed is deleted first, as for a pull.
    /// - Throws: `EngineError`, code `noSpace`.
    public func requireSpace(spooled bytes: Int64) async throws(EngineError) {
        do throws(SnapshotError) {
            try await pool.run { () throws(SnapshotError) in
                _ = try self.snapshotStore.checkSpace(bytes: UInt64(clamping: bytes), inodes: 0)
            }
        } catch {
            throw EngineError(error)
        }
    }

    /// Loads every image of an archive (an OCI layout or what `docker save` writes). The file is removed.
    public func load(spooled path: String, progress: @escaping @Sendable (PullEvent) -> Void) async throws(EngineError) -> [ImageSummary] {
        let file = FilePath(path)
        let result: Result<[ImageSummary], EngineError>
        do throws(EngineError) { result = .success(try await load(file, progress: progress)) } catch { result = .failure(error) }
        // Many gigabytes are not unlinked in a moment.
        await pool.run { try? self.content.removeSpoolFile(file) }
        ResidentMemory.release()
        StoreStep.archiveRemoved.reach()
        return try result.get()
    }

    private func load(_ file: FilePath, progress: @escaping @Sendable (PullEvent) -> Void) async throws(EngineError) -> [ImageSummary] {
        do throws(ImageError) {
            var summaries: [ImageSummary] = []
            for image in try await imageService.load(archive: file, progress: progress) {
                summaries.append(try await summary(of: image))
                eventHub.publish("image", "load", id: image.manifestDigest.description)
            }
            upkeep.notePull()
            return summaries
        } catch {
            throw EngineError(error)
        }
    }

    /// Newest first.
    public func images() async throws(EngineError) -> [ImageSummary] {
        try await imageWork { service throws(ImageError) in
            let references = try service.references()
            let images = try service.images().sorted { $0.createdAt > $1.createdAt }
            return try images.map { image throws(ImageError) in try Self.summary(of: image, references, service) }
        }
    }

    public func image(_ reference: String) async throws(EngineError) -> ImageDetail {
        try await imageWork { service throws(ImageError) in
            let image = try service.find(reference, platform: nil).image
            let config = String(decoding: try service.configBytes(of: image), as: UTF8.self)
            let layers = try image.layers.map { layer throws(ImageError) in
                let size = try service.layerSize(layer.diffID)
                return ImageDetail.Layer(
                    diffID: layer.diffID.description, digest: layer.blobDigest?.description, compressedSizeInBytes: layer.compressedBytes,
                    sizeInBytes: size?.diskBytes ?? 0, inodes: size?.inodes ?? 0)
            }
            return ImageDetail(summary: try Self.summary(of: image, try service.references(), service), config: config, layers: layers)
        }
    }

    /// - Parameter force: also where a container uses it; the container goes on with its layers.
    public func removeImage(_ reference: String, force: Bool) async throws(EngineError) -> RemoveImageResponse {
        let removed = try await imageWork { service throws(ImageError) in try service.remove(reference, force: force) }
        eventHub.publish("image", removed.deleted.isEmpty ? "untag" : "delete", id: reference)
        return RemoveImageResponse(untagged: removed.untagged, deleted: removed.deleted, freedBytes: removed.freedBytes)
    }

    public func checkRegistry(_ request: RegistryCheckRequest) async throws(EngineError) {
        let name: String
        do throws(ReferenceError) { name = try ImageReference(parsing: "\(request.registry)/x").registry } catch {
            throw EngineError(.invalidRequest, "\"\(printable(request.registry))\" is not a registry's host")
        }
        do { try await registry.check(name, credentials: request.credentials) } catch let error as RegistryError {
            throw EngineError(ImageError.registry(error))
        } catch {
            throw EngineError(.registryUnavailable, "\(error)")
        }
    }

    /// The image that a container is made of.
    func runnableImage(_ request: CreateContainerRequest) async throws(EngineError) -> RunnableImage {
        let platform = try platform(request.platform)
        let mounted = try await mountedImages(request, platform)
        return try await imageWork { service throws(ImageError) in
            let found = try service.find(request.image, platform: platform)
            let config: ImageConfig
            do throws(ImageError) { config = try service.config(of: found.image) } catch {
                // Removed since it was found? Then that is what is to be said.
                _ = try service.find(request.image, platform: platform)
                throw error
            }
            var image = RunnableImage(resolvedDigest: found.resolvedDigest, manifestDigest: found.image.manifestDigest, config: config)
            image.mounted = mounted
            return image
        }
    }

    /// The manifests of the images that are to be mounted, by what the request calls them. One that is missing is not the container's image, which a
    /// client would pull.
    private func mountedImages(_ request: CreateContainerRequest, _ platform: Platform?) async throws(EngineError) -> [String: Digest] {
        var found: [String: Digest] = [:]
        for mount in request.mounts where mount.type == .image {
            guard let source = mount.source, !source.isEmpty else { continue }
            do throws(EngineError) {
                found[source] = try await imageWork { service throws(ImageError) in
                    try service.find(source, platform: platform).image.manifestDigest
                }
            } catch  where error.code == .imageNotFound {
                throw EngineError(
                    .invalidRequest, "image \"\(printable(source))\" for the mount at \(printable(mount.target)) is not here",
                    remedy: "`ctr-swift pull` it first")
            }
        }
        return found
    }

    private func platform(_ text: String?) throws(EngineError) -> Platform? {
        guard let text else { return nil }
        guard let platform = Platform(parsing: text) else {
            throw EngineError(
                .invalidRequest, "\"\(printable(text))\" is not a platform", remedy: "use os/architecture[/variant], like linux/arm64")
        }
        return platform
    }

    func imageWork<Value: Sendable>(
        _ body: @escaping @Sendable (ImageService) throws(ImageError) -> Value
    ) async throws(EngineError) -> Value {
        let service = imageService
        do throws(ImageError) { return try await pool.run { () throws(ImageError) in try body(service) } } catch {
            throw EngineError(error)
        }
    }

    private func summary(of image: ImageRecord) async throws(ImageError) -> ImageSummary {
        let service = imageService
        return try await pool.run { () throws(ImageError) in try Self.summary(of: image, try service.references(), service) }
    }

    static func summary(of image: ImageRecord, _ references: [ReferenceRecord], _ service: ImageService) throws(ImageError)
        -> ImageSummary
    {
        let names = references.filter { $0.names(image) }
        let parsed = names.compactMap { try? ImageReference(parsing: $0.name) }
        var digests = parsed.filter { $0.digest != nil }.map(\.familiar)
        for (record, reference) in zip(names, parsed) where reference.digest == nil {
            let digest = "\(reference.familiarName)@\(record.resolvedDigest)"
            if !digests.contains(digest) { digests.append(digest) }
        }
        let sizes = try Set(image.diffIDs).map { diffID throws(ImageError) in try service.layerSize(diffID)?.diskBytes ?? 0 }
        return ImageSummary(
            id: image.configDigest.description, references: parsed.filter { $0.digest == nil }.map(\.familiar), digests: digests,
            manifestDigest: image.manifestDigest.description, platform: image.platform, createdAt: try service.config(of: image).created,
            sizeInBytes: sizes.reduce(0, +), layerCount: image.layers.count, lastUsedAt: image.lastUsedAt, pinned: image.isPinned)
    }
}
