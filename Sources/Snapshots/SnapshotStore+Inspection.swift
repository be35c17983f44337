// SPDX-License-Identifier: Apache-2.0

internal import Linux
package import Metadata
internal import OCI
package import SystemPackage

/// What somebody is told of one upper.
package struct UpperInspected: Sendable, Hashable {
    package var path: FilePath
    package var contents: UpperContents
    /// The lowers, from the uppermost down, as `CopiedFile.lowerdir` counts them.
    package var lowers: [LayerRecord]
    /// RFC 3339, UTC: when the walk began.
    package var measuredAt: String
    /// The last time that somebody was told; nil the first time.
    package var previous: UpperMeasurement?
}

extension SnapshotStore {
    /// Walks a container's upper, however long it takes, and keeps the result: the next call tells what was added since.
    /// - Parameters:
    ///   - layerIDs: as its record holds them.
    ///   - count: how many paths of a kind are named.
    package func inspectUpper(container id: String, layerIDs: [Int64], naming count: Int) throws(SnapshotError) -> UpperInspected {
        let path = try upper(container: id).upper
        let lowers = try metadataStep { () throws(MetadataError) in try metadata.layers(ids: layerIDs) }
        let measuredAt = Timestamp.now()
        let contents = try kernelStep(.measure) { () throws(KernelError) in
            try UpperInspection.inspect(path, over: lowers.map { directories.filesystem($0.id) }, naming: count)
        }
        return try metadataStep { () throws(MetadataError) in
            let previous = try metadata.upperMeasurements(.told)[id]
            let measured = UpperMeasurement(bytes: contents.usage.bytes, inodes: contents.usage.inodes, measuredAt: measuredAt)
            try metadata.note([id: measured], .told)
            return UpperInspected(path: path, contents: contents, lowers: lowers, measuredAt: measuredAt, previous: previous)
        }
    }
}
