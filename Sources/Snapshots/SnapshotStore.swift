// SPDX-License-Identifier: Apache-2.0

package import Linux
package import Logging
package import Metadata
internal import Synchronization
package import SystemPackage

/// Which directories exist, who refers to them, how they stack, what they use.
///
/// Life of a layer: `beginIngest` -> extracted by the caller into `Ingest.filesystem` -> `commit` with its image (synced, renamed into
/// `layers/`, recorded) -> held by images, containers and leases -> `removeUnreferencedLayers` (row gone, renamed into `trash/`) -> deleted.
/// A kill or power cut at any point leaves nothing that is recorded and wrong; what is not recorded is swept by the next `init`.
///
/// Calls block: make them on a thread that may.
package final class SnapshotStore: Sendable {
    package let directories: StoreDirectories
    package let metadata: MetadataStore
    package let reserve: SpaceReserve
    let logger: Logger
    let trash: TrashCollector
    let writeOut: EarlyWriteOut
    let stacks = StackCache()
    let damage = DamageMarks()
    let meter: UsageMeter
    /// What the root's filesystem does about projects; asked once.
    package let quota: ProjectQuota
    /// The last id that was given to an ingest.
    let lastID: Atomic<Int64>
    let failpoint: Failpoint?
    let underWay = LayersUnderWay()
    let relief = Mutex<Relief?>(nil)

    /// Makes the directories, and moves what nothing refers to into the trash: unfinished ingests, directories without a row, layers that
    /// no image and no container holds. Nothing may be under way yet. `metadata` holds the root's lock.
    /// - Parameters:
    ///   - root: an absolute path, where `metadata` lies too.
    ///   - failpoint: for tests.
    package init(
        root: FilePath, metadata: MetadataStore, reserve: SpaceReserve = SpaceReserve(), logger: Logger, failpoint: Failpoint? = nil
    ) throws(SnapshotError) {
        directories = StoreDirectories(root: root)
        self.metadata = metadata
        self.reserve = reserve
        self.logger = logger
        self.failpoint = failpoint
        trash = TrashCollector(directory: directories.trash, logger: logger)
        writeOut = EarlyWriteOut(directories.root)
        let directories = directories
        try kernelStep(.prepareRoot) { () throws(KernelError) in try directories.make() }
        quota = try kernelStep(.prepareRoot) { () throws(KernelError) in try ProjectQuota(of: directories.root) }
        meter = try metadataStep { () throws(MetadataError) in try UsageMeter(metadata: metadata, logger: logger) }
        lastID = Atomic(try metadataStep { () throws(MetadataError) in try metadata.lastLayerID() })
        try settleReplaced()
        try sweep()
        for layer in try metadataStep({ () throws(MetadataError) in try metadata.damagedLayers() }) {
            damage.note(layer.damage, ofLayer: layer.id)
        }
    }

    deinit {
        writeOut.stop()
        trash.stop()
        meter.stop()
    }

    /// Starts to delete what lies in the trash, on a thread of its own, now and whenever something comes in.
    package func sweepInBackground() { trash.start() }
}
