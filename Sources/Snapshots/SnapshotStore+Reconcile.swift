// SPDX-License-Identifier: Apache-2.0

internal import Linux
internal import Logging
internal import Metadata
internal import Synchronization
package import SystemPackage

/// Ids of layers that are no row's yet: being extracted, or being placed by a commit.
final class LayersUnderWay: Sendable {
    private let ids = Mutex<Set<Int64>>([])

    var names: Set<String> { ids.withLock { Set($0.map(LayerRecord.shortID)) } }
    func begin(_ id: Int64) { ids.withLock { _ = $0.insert(id) } }
    func end(_ id: Int64) { ids.withLock { _ = $0.remove(id) } }
}

/// What the root's directories and the database did not agree about.
package struct StoreFindings: Sendable, Hashable {
    /// Nothing knows them: they are in the trash now.
    package var orphans: [FilePath] = []
    /// Recorded, and not there: left recorded.
    package var missing: [FilePath] = []

    package init() {}
}

extension SnapshotStore {
    /// Compares directories with rows while the store is at work: what nothing knows goes to the trash, what is missing is told.
    ///
    /// Each directory is listed before it is asked what is known: what comes to be known between the two is then no orphan, and what has
    /// gone meanwhile is not found any more.
    /// - Parameter containers: ids of those that are recorded or being made.
    package func reconcile(containers: () throws(SnapshotError) -> Set<String>) throws(SnapshotError) -> StoreFindings {
        var findings = StoreFindings()
        let ingests = try listed(directories.ingest)
        let extracting = underWay.names
        // Files beside them are the content store's.
        for name in ingests where LayerRecord.id(shortID: name) != nil && !extracting.contains(name) {
            try discard(directories.ingest.appending(name), &findings)
        }
        let places = try listed(directories.layers)
        let placing = underWay.names
        let layers = try metadataStep { () throws(MetadataError) in try metadata.layers() }
        let kept = Set(layers.map(\.shortID)).union(placing)
        let unknown = places.filter { !kept.contains($0) }
        // A removal's rows are gone a moment before its directories.
        if !unknown.isEmpty { try metadataStep { () throws(MetadataError) in try metadata.waitForChanges() } }
        for name in unknown { try discard(directories.layers.appending(name), &findings) }
        for layer in layers where try isLost(layer) { findings.missing.append(directories.layer(layer.id)) }
        let uppers = try listed(directories.containers)
        let known = try containers()
        for name in uppers where !known.contains(name) { try discard(directories.containers.appending(name), &findings) }
        for container in try metadataStep({ () throws(MetadataError) in try metadata.containers() }) where try isLost(container) {
            findings.missing.append(directories.container(container.id))
        }
        if try metadataStep({ () throws(MetadataError) in try metadata.hasUnreferencedLayers() }) { _ = try removeUnreferencedLayers() }
        trash.retry()
        return findings
    }

    private func listed(_ directory: FilePath) throws(SnapshotError) -> [String] {
        try kernelStep(.sweep) { () throws(KernelError) in try StoreDirectories.names(in: directory) }.map(\.string)
    }

    private func discard(_ path: FilePath, _ findings: inout StoreFindings) throws(SnapshotError) {
        if try kernelStep(.sweep, { () throws(KernelError) in try trash.discard(path) }) { findings.orphans.append(path) }
    }

    /// One that was removed since its row was read is not lost.
    private func isLost(_ layer: LayerRecord) throws(SnapshotError) -> Bool {
        if try isPresent(layer) { return false }
        return try metadataStep { () throws(MetadataError) in try metadata.layer(id: layer.id) } != nil
    }

    private func isLost(_ container: ContainerRecord) throws(SnapshotError) -> Bool {
        let path = directories.container(container.id)
        if try kernelStep(.sweep, { () throws(KernelError) in try StoreDirectories.exists(path) }) { return false }
        return try metadataStep { () throws(MetadataError) in try metadata.container(container.id) } != nil
    }
}
