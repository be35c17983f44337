// SPDX-License-Identifier: Apache-2.0

internal import Glibc
package import Layers
package import Linux
package import Metadata
package import SystemPackage

/// What a path below the root is part of.
package enum StorePlace: Sendable, Hashable {
    case root
    case layer(LayerRecord, inside: LayerPath)
    /// What is known of a layer, beside its tree.
    case layerFacts(LayerRecord)
    case upper(container: String, inside: LayerPath)
    /// A container's log, bundle, network files or workdir.
    case container(String)
    /// By the digits of its SHA-256.
    case blob(String)
    case database
    case ingest
    case trash
    /// In the place of a layer or container that is not recorded.
    case orphan
    case unknown
}

extension SnapshotStore {
    /// By the path alone: nothing needs to be there.
    /// - Parameter path: absolute.
    /// - Returns: nil for one that is not below the root.
    package func place(of path: FilePath) throws(SnapshotError) -> StorePlace? {
        guard let names = below(path.lexicallyNormalized()) else { return nil }
        guard let first = names.first else { return .root }
        let inside = names.dropFirst(3).map { component in
            component.withPlatformString { Array(UnsafeRawBufferPointer(start: $0, count: strlen($0))) }
        }
        let isTree = names.count > 2
        switch (first.string, names.count) {
        case ("trash", 2...): return .trash
        case ("ingest", 2...): return .ingest
        case ("content", 4...): return .blob(names[3].string)
        case ("layers", 2...):
            guard let id = LayerRecord.id(shortID: names[1].string),
                let layer = try metadataStep({ () throws(MetadataError) in try metadata.layer(id: id) })
            else { return .orphan }
            return isTree && names[2].string == "fs" ? .layer(layer, inside: LayerPath(Array(inside))) : .layerFacts(layer)
        case ("containers", 2...):
            let id = names[1].string
            guard try metadataStep({ () throws(MetadataError) in try metadata.container(id) }) != nil else { return .orphan }
            return isTree && names[2].string == "upper" ? .upper(container: id, inside: LayerPath(Array(inside))) : .container(id)
        case (_, _) where first.string.hasPrefix("meta.db"): return .database
        case (_, _): return StoreDirectories.isOwn(first) ? .root : .unknown
        }
    }

    /// The root as it was configured, and as it is really called.
    private func below(_ path: FilePath) -> [FilePath.Component]? {
        let real = withCPath(directories.root) { pointer -> FilePath? in
            guard let resolved = realpath(pointer, nil) else { return nil }
            defer { free(resolved) }
            return FilePath(platformString: resolved)
        }
        for root in [directories.root.lexicallyNormalized(), real].compactMap(\.self) where path.starts(with: root) {
            return Array(path.components.dropFirst(root.components.count))
        }
        return nil
    }

    /// What there is at a place of the host, for its size and type.
    package func object(at path: FilePath) throws(SnapshotError) -> FileStatus? { try status(of: path) }
}
