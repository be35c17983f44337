// SPDX-License-Identifier: Apache-2.0

package import Linux
internal import Logging
package import Metadata
package import OCI
package import SystemPackage

/// One lowerdir, and who uses it.
package struct LowerUsage: Sendable, Hashable {
    package var layer: LayerRecord
    package var path: FilePath
    package var images: [Digest]
    package var containers: [String]

    /// What it would take if each of its containers had a copy.
    package var unsharedBytes: Int64 { layer.size.diskBytes * Int64(containers.count) }
}

/// One container's writable layer.
package struct UpperUsage: Sendable, Hashable {
    package var container: String
    package var path: FilePath
    package var createdAt: String
    /// Zero for one in memory.
    package var reading: UsageReading
    package var usage: TreeUsage { reading.usage }
}

package struct StoreUsage: Sendable, Hashable {
    /// Oldest first.
    package var lowers: [LowerUsage]
    package var uppers: [UpperUsage]
    package var free: FilesystemStatistics
}

extension SnapshotStore {
    /// Lowers as they were counted at their commit; uppers are walked where the filesystem does not count them.
    /// - Parameter milliseconds: how long that may take; nil measures all of them now.
    package func usage(within milliseconds: UInt64? = nil) throws(SnapshotError) -> StoreUsage {
        StoreUsage(
            lowers: try lowerUsage(), uppers: try upperUsage(within: milliseconds),
            free: try kernelStep(.measure) { () throws(KernelError) in try filesystemStatistics(directories.root) })
    }

    package func lowerUsage() throws(SnapshotError) -> [LowerUsage] {
        try metadataStep { () throws(MetadataError) in
            let layers = try metadata.layers()
            let images = try metadata.imagesByLayer()
            let containers = try metadata.containersByLayer()
            return layers.map { layer in
                LowerUsage(
                    layer: layer, path: directories.filesystem(layer.id), images: images[layer.id] ?? [],
                    containers: containers[layer.id] ?? [])
            }
        }
    }

    package func upperUsage(within milliseconds: UInt64?) throws(SnapshotError) -> [UpperUsage] {
        let containers = try metadataStep { () throws(MetadataError) in try metadata.containers() }
        let readings = try upperReadings(of: containers.map(\.id), within: milliseconds)
        return try zip(containers, readings).map { container, reading throws(SnapshotError) in
            UpperUsage(
                container: container.id, path: try upper(container: container.id).upper, createdAt: container.createdAt, reading: reading)
        }
    }

    /// One that is not there (any more) takes nothing.
    func measure(_ path: FilePath) throws(SnapshotError) -> TreeUsage {
        try kernelStep(.measure) { () throws(KernelError) in
            do throws(KernelError) { return try treeUsage(path) } catch  where error.errno == .noSuchFileOrDirectory { return TreeUsage() }
        }
    }
}
