// SPDX-License-Identifier: Apache-2.0

internal import Linux
internal import Logging
internal import Metadata
internal import SystemPackage

extension SnapshotStore {
    /// At the start, before anything else: what a crash left is moved into the trash.
    func sweep() throws(SnapshotError) {
        let layers = try metadataStep { () throws(MetadataError) in try metadata.layers() }
        let containers = Set(try metadataStep { () throws(MetadataError) in try metadata.containers() }.map(\.id))
        let replaced = Set(
            try metadataStep { () throws(MetadataError) in try metadata.replacedTrees() }.map { LayerRecord.shortID($0.id) })
        let kept = Set(layers.map(\.shortID))
        let swept =
            try sweep(directories.ingest) { _ in false } + sweep(directories.layers, keeping: kept.contains)
            + sweep(directories.containers, keeping: containers.contains) + sweep(directories.replaced, keeping: replaced.contains)
        if swept > 0 { logger.notice("swept what an interrupted operation left", metadata: ["directories": "\(swept)"]) }
        try sweepProjects(keeping: containers)
        _ = try removeUnreferencedLayers()
    }

    private func sweep(_ directory: FilePath, keeping isKept: (String) -> Bool) throws(SnapshotError) -> Int {
        try kernelStep(.sweep) { () throws(KernelError) in
            var count = 0
            for name in try StoreDirectories.names(in: directory) where !isKept(name.string) {
                try trash.discard(directory.appending(name))
                StoreStep.leftoverSwept.reach()
                count += 1
            }
            return count
        }
    }
}
