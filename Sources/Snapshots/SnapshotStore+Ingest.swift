// SPDX-License-Identifier: Apache-2.0

internal import Linux
package import Metadata
package import OCI
internal import Synchronization
internal import SystemPackage

extension SnapshotStore {
    /// A new, empty directory to extract a layer into.
    package func beginIngest() throws(SnapshotError) -> Ingest {
        let id = lastID.add(1, ordering: .relaxed).newValue
        return try kernelStep(.beginIngest) { () throws(KernelError) in
            try Ingest(id: id, directories: directories, trash: trash, writeOut: writeOut, underWay: underWay)
        }
    }

    /// A layer that is stored, for a look. It may be removed in the next moment: pulls use `claim`.
    package func committed(_ diffID: DiffID) throws(SnapshotError) -> LayerRecord? { try committed(.layer(diffID)) }

    package func committed(_ key: LayerKey) throws(SnapshotError) -> LayerRecord? {
        try ifPresent(try metadataStep { () throws(MetadataError) in try metadata.layer(key) })
    }

    /// A layer that is stored, and stays at least until the lease ends. nil: it must be extracted.
    package func claim(_ diffID: DiffID, for lease: Lease) throws(SnapshotError) -> LayerRecord? { try claim(.layer(diffID), for: lease) }

    package func claim(_ key: LayerKey, for lease: Lease) throws(SnapshotError) -> LayerRecord? {
        try ifPresent(try metadataStep { () throws(MetadataError) in try metadata.claim(layer: key, for: lease) })
    }

    /// One whose directory somebody deleted counts as not stored: it is extracted again, and `commit` puts it into the old place.
    private func ifPresent(_ layer: LayerRecord?) throws(SnapshotError) -> LayerRecord? {
        guard let layer else { return nil }
        return try isPresent(layer) ? layer : nil
    }

    func isPresent(_ layer: LayerRecord) throws(SnapshotError) -> Bool {
        try kernelStep(.placeLayer) { () throws(KernelError) in try StoreDirectories.exists(directories.filesystem(layer.id)) }
    }
}
