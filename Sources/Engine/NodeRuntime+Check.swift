// SPDX-License-Identifier: Apache-2.0

public import APITypes
internal import Containers
internal import Images
internal import Linux
internal import Logging
internal import Metadata
internal import Snapshots
internal import SystemPackage

extension NodeRuntime {
    /// Compares the store with its records; `progress` is called on any thread. Findings are no error.
    public func check(_ request: CheckRequest, progress: @escaping @Sendable (CheckEvent) -> Void) async throws(EngineError) -> CheckSummary
    {
        do throws(ImageError) { return try await imageService.check(request, tell: progress) } catch { throw EngineError(error) }
    }

    /// Makes a layer's files anew. Containers that run on it go on with the old ones.
    public func repair(_ request: RepairRequest, progress: @escaping @Sendable (RepairEvent) -> Void) async throws(EngineError)
        -> RepairResult
    {
        let containers = containers
        do throws(ImageError) {
            let result = try await imageService.repair(
                request, runningHolders: { containers.liveContainers(onLayer: $0) }, tell: progress)
            // One may have ended between the question and the note.
            await releaseReplacedTrees()
            return result
        } catch {
            throw EngineError(error)
        }
    }

    // MARK: - Starts and ends

    /// Notes who has the root now. Where the machine went down while the last one had it, the layers stored last are to be checked.
    /// - Returns: this boot's ID, and whether that is so.
    func beginSession() throws(EngineError) -> (bootID: String, isAfterCrash: Bool) {
        do {
            let bootID = try Self.bootID()
            return (bootID, try metadata.beginSession(bootID: bootID)?.isCrash(of: bootID) ?? false)
        } catch {
            throw EngineError(opening: error)
        }
    }

    private static func bootID() throws(KernelError) -> String {
        let text = try readFile("/proc/sys/kernel/random/boot_id", limit: 64)
        return String(decoding: text.prefix { $0 > 0x20 }, as: UTF8.self)
    }

    /// Everything is written, and nothing is under way.
    func endSession() {
        do {
            try syncFilesystem(FilePath(configuration.root))
            try metadata.endSession(bootID: try Self.bootID())
        } catch {
            logger.warning("the end could not be noted; the next start takes it for a crash", metadata: ["error": "\(error)"])
        }
    }

    /// Lets the old trees of repaired layers go as the containers end that run on them.
    func watchReplacedTrees() async {
        let events = eventHub.subscribe()
        await releaseReplacedTrees()
        for await event in events where event.type == "container" && (event.action == "die" || event.action == "remove") {
            await releaseReplacedTrees()
        }
    }

    private func releaseReplacedTrees() async {
        let (containers, store, logger) = (containers, snapshotStore, logger)
        await pool.run {
            do throws(SnapshotError) {
                try store.releaseReplaced { containers.liveContainers(onLayer: $0) }
            } catch {
                logger.error("the old tree of a repaired layer is left", metadata: ["error": "\(error)"])
            }
        }
    }
}
