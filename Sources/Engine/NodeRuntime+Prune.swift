// SPDX-License-Identifier: Apache-2.0

public import APITypes
internal import Containers
internal import Images
internal import Linux
internal import Metadata
internal import OCI
internal import SystemPackage

extension NodeRuntime {
    /// Removes images that no container has and that are not pinned, the longest unused first, with the layers and blobs that nothing else
    /// needs; with `dryRun` it tells what would go, to the byte.
    public func prune(_ request: PruneRequest) async throws(EngineError) -> PruneResponse {
        let seconds = request.unusedForSeconds ?? 0
        guard seconds >= 0 else { throw EngineError(.invalidRequest, "images can't be unused for \(seconds) seconds") }
        var selection = PruneSelection()
        selection.unusedForSeconds = seconds
        selection.danglingOnly = request.dangling ?? false
        let isDry = request.dryRun ?? false
        var ended: [PruneResponse.Container] = []
        if request.containers ?? false {
            for container in containers.ended(forSeconds: seconds) {
                if let removed = try await removeEnded(container, dryRun: isDry) { ended.append(removed) }
            }
            if isDry { selection.withoutContainers = ended.map(\.id) }
        }
        let wanted = selection
        let pruned = try await imageWork { service throws(ImageError) in
            isDry ? try service.predictPrune(wanted) : try service.prune(wanted)
        }
        if !isDry { Self.tell(of: pruned, reason: "prune", eventHub) }
        return PruneResponse(
            dryRun: isDry, images: pruned.images.map(\.response), containers: ended, layers: pruned.layers.map(\.key.digestText),
            blobs: pruned.blobs.map(\.digest.description),
            freedBytes: pruned.freed.bytes + ended.reduce(0) { $0 + $1.freedBytes },
            freedInodes: pruned.freed.inodes + ended.reduce(0) { $0 + $1.freedInodes })
    }

    /// Pins every image that a reference or an ID stands for, so that no prune takes it; or lets go of them.
    public func pinImage(_ reference: String, pinned: Bool) async throws(EngineError) -> [ImageSummary] {
        let images = try await imageWork { service throws(ImageError) in
            let references = try service.references()
            return try service.pin(reference, pinned).map { image throws(ImageError) in try Self.summary(of: image, references, service) }
        }
        for image in images { eventHub.publish("image", pinned ? "pin" : "unpin", id: image.manifestDigest) }
        return images
    }

    /// - Parameter reason: `prune`, or `gc`.
    static func tell(of pruned: ImageService.Pruned, reason: String, _ events: EventHub) {
        for image in pruned.images {
            events.publish(
                "image", "delete", id: image.record.manifestDigest.description,
                attributes: [
                    "reason": reason, "references": image.response.references.joined(separator: " "), "freedBytes": "\(image.freed.bytes)",
                    "freedInodes": "\(image.freed.inodes)",
                ])
        }
    }

    /// - Returns: nil for one that somebody else has started or removed meanwhile, or whose files are being copied.
    private func removeEnded(_ container: Container, dryRun: Bool) async throws(EngineError) -> PruneResponse.Container? {
        let usage: TreeUsage
        do {
            usage = try await pool.run { () throws(KernelError) in try treeUsage(container.paths.directory) }
            if !dryRun { try await containers.remove(container, force: false) }
        } catch let error as KernelError {
            if error.errno == .noSuchFileOrDirectory { return nil }
            throw EngineError(.internal, "measure container \(container.id.short): \(error)")
        } catch let error as ContainerError {
            switch error {
            case .wrongState, .filesInUse, .notFound: return nil
            default: throw EngineError(error)
            }
        } catch {
            throw EngineError(.internal, "\(error)")
        }
        return PruneResponse.Container(
            id: container.id.text, name: container.memo.name, freedBytes: usage.bytes, freedInodes: usage.inodes)
    }
}

extension ImageService.Pruned.Image {
    var response: PruneResponse.Image {
        PruneResponse.Image(
            id: record.configDigest.description, manifestDigest: record.manifestDigest.description,
            references: names.compactMap { try? ImageReference(parsing: $0).familiar }, lastUsedAt: record.lastUsedAt,
            freedBytes: freed.bytes, freedInodes: freed.inodes)
    }
}
