// SPDX-License-Identifier: Apache-2.0

internal import Glibc
package import Linux
internal import Metadata
internal import OCI
package import SystemPackage

/// Something below the root that no row stands for.
package struct Orphan: Sendable, Hashable {
    package enum Kind: Sendable, Hashable { case layer, container, blob, ingest, trash, unknown }
    package enum Fate: Sendable, Hashable {
        /// In the trash.
        case deleted
        /// By the next sweep, at the latest at the next start.
        case swept
        /// By an operation that has just made it: its row comes last.
        case underWay
        /// Not ours.
        case kept
    }

    package var kind: Kind
    package var path: FilePath
    package var usage: TreeUsage
    package var fate: Fate
}

extension SnapshotStore {
    /// What lies below the root and is not recorded. Normally that is nothing, or what is being made or deleted.
    package func orphans() throws(SnapshotError) -> [Orphan] {
        // Names first, rows second: what is made meanwhile gets its row last.
        let names = try ["layers", "containers", "ingest", "trash", "content/blobs/sha256"].map { place throws(SnapshotError) in
            try kernelStep(.measure) { () throws(KernelError) in try Self.namesIfPresent(in: directories.root.pushing(FilePath(place))) }
        }
        let top = try kernelStep(.measure) { () throws(KernelError) in try StoreDirectories.names(in: directories.root) }
        let (layers, containers, blobs) = try metadataStep { () throws(MetadataError) in
            (
                Set(try metadata.layers().map(\.shortID)), Set(try metadata.containers().map(\.id)),
                Set(try metadata.blobs().map(\.digest.hex))
            )
        }
        var found: [Orphan?] = []
        for name in names[0] where !layers.contains(name.string) {
            found.append(try unrecorded(.layer, directories.layers.appending(name)))
        }
        for name in names[1] where !containers.contains(name.string) {
            found.append(try unrecorded(.container, directories.containers.appending(name)))
        }
        // The start has emptied it: what is here belongs to somebody.
        for name in names[2] { found.append(try orphan(.ingest, directories.ingest.appending(name), .underWay)) }
        for name in names[3] { found.append(try orphan(.trash, directories.trash.appending(name), .deleted)) }
        for name in names[4] where !blobs.contains(name.string) {
            found.append(try unrecorded(.blob, directories.root.pushing("content/blobs/sha256").appending(name)))
        }
        for name in top where !StoreDirectories.isOwn(name) {
            found.append(try orphan(.unknown, directories.root.appending(name), .kept))
        }
        return found.compactMap(\.self)
    }

    /// - Returns: nil where it is gone.
    private func orphan(_ kind: Orphan.Kind, _ path: FilePath, _ fate: Orphan.Fate) throws(SnapshotError) -> Orphan? {
        guard let status = try status(of: path) else { return nil }
        let usage = status.kind == .directory ? try measure(path) : TreeUsage(bytes: status.blocks * 512, inodes: 1)
        return Orphan(kind: kind, path: path, usage: usage, fate: fate)
    }

    /// One that has been named within the last minute is about to get its row.
    private func unrecorded(_ kind: Orphan.Kind, _ path: FilePath) throws(SnapshotError) -> Orphan? {
        guard let status = try status(of: path) else { return nil }
        return try orphan(kind, path, status.changed.seconds > wallClock().seconds - 60 ? .underWay : .swept)
    }

    /// nil where nothing is there. Of the link, where it is one.
    func status(of path: FilePath) throws(SnapshotError) -> FileStatus? {
        guard let name = path.lastComponent else { return nil }
        return try kernelStep(.measure) { () throws(KernelError) in
            let bytes = name.withPlatformString { Array(UnsafeRawBufferPointer(start: $0, count: strlen($0))) }
            do throws(KernelError) {
                return try openFile(path.removingLastComponent(), O_RDONLY | O_DIRECTORY).status(bytes)
            } catch  where error.errno == .noSuchFileOrDirectory || error.errno == .notDirectory {
                return nil
            }
        }
    }

    private static func namesIfPresent(in path: FilePath) throws(KernelError) -> [FilePath.Component] {
        do throws(KernelError) { return try StoreDirectories.names(in: path) } catch  where error.errno == .noSuchFileOrDirectory {
            return []
        }
    }
}

extension StoreDirectories {
    /// What the daemon makes in the root itself.
    static func isOwn(_ name: FilePath.Component) -> Bool {
        ["layers", "containers", "ingest", "trash", "replaced", "content", "empty", "lock"].contains(name.string)
            || name.string.hasPrefix("meta.db")
    }
}
