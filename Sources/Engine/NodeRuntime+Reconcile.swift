// SPDX-License-Identifier: Apache-2.0

internal import Containers
internal import ContentStore
internal import Logging
internal import Metadata
internal import Snapshots
internal import SystemPackage

/// What rows, directories, containers and cgroups did not agree about.
package struct Reconciliation: Sendable, Hashable {
    /// Paths that nothing knew; they are gone.
    package var orphans: [String] = []
    /// Paths that are recorded and not there; nothing was done about them.
    package var missing: [String] = []
}

extension NodeRuntime {
    /// Compares what is recorded with what is there, while the node is at work: at the start, and hourly by `Upkeep`. What nothing knows goes to the
    /// trash. What is missing is told, and never dropped: a pull of an image that has it brings it back.
    @discardableResult
    package func reconcile() async throws(EngineError) -> Reconciliation {
        let (snapshots, content, containers) = (snapshotStore, content, containers)
        let result: Result<Reconciliation, EngineError> = await pool.run {
            do {
                let store = try snapshots.reconcile { () throws(SnapshotError) in
                    do throws(ContainerError) { return try containers.knownContainers() } catch {
                        throw .metadata(.damaged(what: "containers that can't be listed: \(error)"))
                    }
                }
                let blobs = try content.reconcile()
                return .success(
                    Reconciliation(
                        orphans: (store.orphans + blobs.orphans).map(\.string) + (try containers.reconcile()),
                        missing: (store.missing + blobs.missing).map(\.string)))
            } catch {
                return .failure(EngineError(.internal, "reconcile the root with the database: \(error)"))
            }
        }
        let found = try result.get()
        for path in found.orphans { logger.notice("removed what nothing refers to", metadata: ["path": "\(path)"]) }
        for path in found.missing {
            logger.error("recorded, and not there; pull an image that has it again", metadata: ["path": "\(path)"])
        }
        return found
    }
}
