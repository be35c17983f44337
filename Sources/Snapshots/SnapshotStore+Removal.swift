// SPDX-License-Identifier: Apache-2.0

package import Linux
internal import Logging
package import Metadata

extension SnapshotStore {
    /// Removes the layers and fix-ups that no image, no container and no lease holds. Rows go first and durably; the directories are in the
    /// trash on return and deleted later.
    /// - Returns: what went.
    package func removeUnreferencedLayers() throws(SnapshotError) -> (layers: [LayerRecord], freedBytes: Int64) {
        let removed = try metadataStep { () throws(MetadataError) in
            try metadata.removeUnreferencedLayers { layers in self.discard(layers) }
        }
        // Containers that hold layers of a forgotten image ask by id: the cache knows images alone.
        stacks.clear()
        return (removed, removed.reduce(0) { $0 + $1.size.diskBytes })
    }

    /// What a prune has forgotten: the directories go to the trash, in the moment in which the rows went.
    package func discard(_ layers: [LayerRecord]) {
        do throws(SnapshotError) {
            try reach(.layersForgotten)
            for layer in layers {
                trash.discardLogged(directories.layer(layer.id))
                try reach(.layerDiscarded)
            }
            try reach(.layersDiscarded)
        } catch {
            logger.error("directories of removed layers are left for the next start to sweep", metadata: ["error": "\(error)"])
        }
    }
    /// Images went, maybe without a layer.
    package func forgetStacks() { stacks.clear() }

    /// What a layer's directory takes, `layer.json` included, measured now. One that is not there takes nothing.
    package func measure(_ layer: LayerRecord) throws(SnapshotError) -> TreeUsage { try measure(directories.layer(layer.id)) }
}
