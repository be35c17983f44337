// SPDX-License-Identifier: Apache-2.0

internal import ContentStore
internal import Logging
package import Metadata
internal import OCI
internal import Snapshots

extension ImageService {
    package struct Removed: Sendable {
        package var untagged: [String]
        package var deleted: [String]
        package var freedBytes: Int64
    }

    /// Takes a name away; images go with their last name, their layers when nothing refers to them. An ID takes all names of its image.
    /// - Parameter force: also where it is pinned, or a container uses it: the container keeps its layers.
    package func remove(_ text: String, force: Bool) throws(ImageError) -> Removed {
        do {
            let leaving = try leaving(text)
            let users = try leaving.images.flatMap { try metadata.containers(ofImage: $0.manifestDigest.description) }
            if !force, leaving.images.contains(where: \.isPinned) { throw ImageError.pinned(image: text) }
            if !force, !users.isEmpty { throw ImageError.inUse(image: text, containers: users.map { String($0.prefix(12)) }) }
            let untagged = try leaving.images.flatMap { try metadata.delete(image: $0.manifestDigest) }
            StoreStep.imageForgotten.reach()
            let others = try metadata.delete(references: leaving.names)
            StoreStep.referencesForgotten.reach()
            if leaving.images.isEmpty { return Removed(untagged: others, deleted: [], freedBytes: 0) }
            let removed = try snapshots.removeUnreferencedLayers()
            _ = try content.removeUnreferenced()
            return Removed(
                untagged: Set(untagged + others).sorted(),
                deleted: Set(leaving.images.map(\.configDigest)).sorted().map(\.description) + removed.layers.map(\.key.text),
                freedBytes: removed.freedBytes)
        } catch {
            throw ImageError(error)
        }
    }

    /// Every image that a text stands for: an ID, or a name, which may be an index's.
    func named(_ text: String) throws -> (images: [ImageRecord], name: String?) {
        let byID = try images(byID: text)
        if !byID.isEmpty { return (byID, nil) }
        let reference = try ImageReference(parsing: text).taggedOrLatest
        guard let record = try metadata.reference(Self.storedName(reference)) else { throw ImageError.notFound(text) }
        return (try metadata.images().filter { record.names($0) }, record.name)
    }

    private struct Leaving {
        var names: [String]
        var images: [ImageRecord]
    }

    private func leaving(_ text: String) throws -> Leaving {
        let (images, name) = try named(text)
        guard let name else { return Leaving(names: [], images: images) }
        let others = try metadata.references().filter { $0.name != name }
        return Leaving(names: [name], images: images.filter { image in !others.contains { $0.names(image) } })
    }

    /// Documents and blobs of an image that did not come to be. What can't be removed now goes at the next start.
    func forgetUnfinished() async {
        do {
            _ = try await onThread {
                _ = try self.content.removeUnreferenced()
                // Layers that it had claimed may have lost their image meanwhile.
                if try self.metadata.hasUnreferencedLayers() { _ = try self.snapshots.removeUnreferencedLayers() }
            }
        } catch {
            logger.error("layers or blobs of an unfinished image are left for the next start", metadata: ["error": "\(error)"])
        }
    }
}

extension ReferenceRecord {
    /// Points at it, or at the index that it was chosen from: then at its other platforms too.
    package func names(_ image: ImageRecord) -> Bool { manifestDigest == image.manifestDigest || resolvedDigest == image.indexDigest }
}
