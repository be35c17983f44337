// SPDX-License-Identifier: Apache-2.0

internal import ContentStore
internal import Logging
internal import Metadata
internal import OCI
internal import Snapshots

extension ImageService {
    package struct Removed: Sendable {
        package var untagged: [String]
        package var deleted: [String]
        package var freedBytes: Int64
    }

    /// Takes a name away; the image goes with its last name, its layers when nothing refers to them.
    /// - Parameter force: also where a container uses it: the container keeps its layers.
    package func remove(_ text: String, force: Bool) throws(ImageError) -> Removed {
        do {
            let image = try find(text, platform: nil).image
            let names = try metadata.references(to: image.manifestDigest).map(\.name)
            let asked = try? ImageReference(parsing: text)
            let stored = asked.map { Self.storedName($0) }
            let going = stored.flatMap { names.contains($0) ? [$0] : nil } ?? names
            if Set(going) != Set(names) {
                try metadata.delete(references: going)
                return Removed(untagged: going, deleted: [], freedBytes: 0)
            }
            let users = try metadata.containers(ofImage: image.manifestDigest.description)
            if !force, !users.isEmpty { throw ImageError.inUse(image: text, containers: users.map { String($0.prefix(12)) }) }
            let untagged = try metadata.delete(image: image.manifestDigest)
            let removed = try snapshots.removeUnreferencedLayers()
            _ = try content.removeUnreferenced()
            return Removed(
                untagged: untagged, deleted: [image.configDigest.description] + removed.layers.map(\.key.text),
                freedBytes: removed.freedBytes)
        } catch {
            throw ImageError(error)
        }
    }

    /// Documents and blobs of an image that did not come to be. What can't be removed now goes at the next start.
    func forgetUnfinished() async {
        do { _ = try await onThread { try self.content.removeUnreferenced() } } catch {
            logger.error("blobs of an unfinished image are left for the next start", metadata: ["error": "\(error)"])
        }
    }
}
