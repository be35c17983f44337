// SPDX-License-Identifier: Apache-2.0

package import ContentStore
package import Layers
package import Linux
package import Metadata
package import OCI
package import Registry
package import Snapshots

/// Why an image could not be had. Nothing of it is left then.
package enum ImageError: Error, Sendable {
    case notFound(String)
    case ambiguous(String)
    case noSuchLayer(String)
    /// Neither a kept blob nor a registry is known that a layer could be had from.
    case noSource(String)
    case invalidReference(ReferenceError)
    case tooManyLayers(count: Int, limit: Int, image: String)
    case document(what: String, DocumentError)
    case noMatchingPlatform(ImageIndex.NoMatchingPlatform)
    case registry(RegistryError)
    case layer(digest: Digest, LayerError)
    case snapshots(SnapshotError)
    case content(ContentError)
    case metadata(MetadataError)
    case inUse(image: String, containers: [String])
    case pinned(image: String)
    case archive(String)
    /// Of a file that is neither a layer's nor the store's: an archive on its way.
    case kernel(KernelError)
    case cancelled
}

extension ImageError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .notFound(let name): "no image \"\(printable(name))\" on this node"
        case .ambiguous(let prefix): "\"\(printable(prefix))\" is the start of several IDs"
        case .noSuchLayer(let name): "no layer \"\(printable(name))\" on this node"
        case .noSource(let layer): "layer \(layer) has no kept blob, and no reference names a registry that may have it"
        case .invalidReference(let error): "\(error)"
        case .tooManyLayers(let count, let limit, let image): "\(image) has \(count) layers; \(limit) are allowed"
        case .document(let what, let error): "\(what): \(error)"
        case .noMatchingPlatform(let error): "\(error)"
        case .registry(let error): "\(error)"
        case .layer(let digest, let error): "layer \(digest): \(error)"
        case .snapshots(let error): "\(error)"
        case .content(let error): "\(error)"
        case .metadata(let error): "\(error)"
        case .inUse(let image, let containers): "\(image) is in use by container \(containers.joined(separator: ", "))"
        case .pinned(let image): "\(printable(image)) is pinned"
        case .archive(let what): what
        case .kernel(let error): "\(error)"
        case .cancelled: "the pull was given up"
        }
    }

    package var remedy: String? {
        switch self {
        case .notFound: "pull it: `ctr-swift pull`"
        case .ambiguous: "write more digits of the ID"
        case .noSuchLayer: "`ctr-swift snapshot ls` lists the layers"
        case .noSource: "remove the image (`ctr-swift rmi`), and pull or load it again"
        case .tooManyLayers: "raise `max-layers` in the daemon's configuration (500 at most), or build the image with fewer layers"
        case .noMatchingPlatform: "choose one of them with --platform"
        case .registry(let error): error.remedy
        case .snapshots(let error): error.remedy
        case .content(let error): error.remedy
        case .metadata(let error): error.remedy
        case .layer(_, let error) where error.isOutOfSpace: "free space under the root, or remove images (`ctr-swift rmi`)"
        case .kernel(let error) where error.isOutOfSpace: "free space under the root, or remove images (`ctr-swift rmi`)"
        case .inUse: "remove the container first, or use `ctr-swift rmi -f`"
        case .pinned: "unpin it first (`ctr-swift image unpin`), or use `ctr-swift rmi -f`"
        default: nil
        }
    }

    package var isOutOfSpace: Bool {
        switch self {
        case .layer(_, let error): error.isOutOfSpace
        case .snapshots(let error): error.isOutOfSpace
        case .metadata(let error): error.isOutOfSpace
        case .content(let error): error.isOutOfSpace
        case .kernel(let error): error.isOutOfSpace
        default: false
        }
    }

    /// Any error of the modules below, as one of these.
    init(_ error: any Error) {
        switch error {
        case let error as ImageError: self = error
        case let error as RegistryError: self = .registry(error)
        case let error as SnapshotError: self = .snapshots(error)
        case let error as ContentError: self = .content(error)
        // Found, and removed by somebody else before it could be changed.
        case MetadataError.noSuchImage(let digest): self = .notFound(digest.description)
        case let error as MetadataError: self = .metadata(error)
        case let error as ReferenceError: self = .invalidReference(error)
        case let error as ImageIndex.NoMatchingPlatform: self = .noMatchingPlatform(error)
        case let error as KernelError: self = .kernel(error)
        case is CancellationError: self = .cancelled
        default: self = .archive("\(error)")
        }
    }
}
