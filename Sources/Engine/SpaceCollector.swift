// SPDX-License-Identifier: Apache-2.0

internal import Containers
internal import Images
internal import Linux
internal import Logging
internal import Metadata
internal import Snapshots
internal import Synchronization
internal import SystemPackage

/// Removes unused images, the longest unused first, one at a time, where the root's filesystem is fuller than its water marks allow.
final class SpaceCollector: Sendable {
    private let marks: WaterMarks
    private let snapshots: SnapshotStore
    private let images: ImageService
    private let logger: Logger
    private let tell: @Sendable (ImageService.Pruned) -> Void
    private let isStopped = Atomic(false)
    private struct State {
        /// It was said that the low mark can't be reached; again only after the filesystem has been below the high one.
        var saidStuck = false
    }
    /// Held over a collection: two that are short of space take turns, and the second looks first whether it still is.
    private let state = Mutex(State())

    init(
        _ marks: WaterMarks, snapshots: SnapshotStore, images: ImageService, logger: Logger,
        tell: @escaping @Sendable (ImageService.Pruned) -> Void
    ) {
        self.marks = marks
        self.snapshots = snapshots
        self.images = images
        self.logger = logger
        self.tell = tell
    }

    /// After the image at hand no other goes.
    func stop() { isStopped.store(true, ordering: .relaxed) }

    /// Blocks: for a thread that may. Nothing happens below the high mark.
    func collect() {
        state.withLock { state in
            guard isFull else {
                state.saidStuck = false
                return
            }
            snapshots.emptyTrash { !isFull }
            guard let before = fullness(), before.exceeds(percent: marks.highPercent) else { return }
            let freed = free(before) { $0.exceeds(percent: self.marks.lowPercent) }
            report(freed, before, &state)
        }
    }

    private var isFull: Bool { fullness()?.exceeds(percent: marks.highPercent) ?? false }

    /// For a pull that is short of space, whatever the marks say of it now.
    /// - Parameter isEnough: nil: until the low mark, one image at least.
    /// - Returns: whether anything has gone.
    func relieve(until isEnough: (() -> Bool)?) -> Bool {
        state.withLock { state in
            if isEnough?() ?? false { return true }
            guard let before = fullness() else { return false }
            var isFirst = true
            let freed = free(before) { now in
                defer { isFirst = false }
                return isEnough.map { !$0() } ?? (isFirst || now.exceeds(percent: self.marks.lowPercent))
            }
            if freed.images > 0 { report(freed, before, &state) }
            return freed.images > 0
        }
    }

    private struct Freed {
        var images = 0
        var usage = TreeUsage()
        var isStuck = false
    }

    private func free(_ before: Fullness, while isShort: (Fullness) -> Bool) -> Freed {
        var freed = Freed()
        var selection = PruneSelection()
        selection.limit = 1
        selection.unusedForSeconds = marks.minimumAgeSeconds
        var now = before
        while !isStopped.load(ordering: .relaxed), isShort(now) {
            do throws(ImageError) {
                let pruned = try images.prune(selection)
                tell(pruned)
                freed.usage += pruned.freed
                freed.images += pruned.images.count
                // Deleted before the next one is looked for; one tree at a time, by the thread of the trash.
                snapshots.emptyTrash()
                now = settled(before.without(freed.usage))
                if pruned.images.isEmpty {
                    freed.isStuck = isShort(now)
                    return freed
                }
            } catch {
                logger.error("images can't be removed for space", metadata: ["error": "\(error)"])
                return freed
            }
        }
        return freed
    }

    /// What the kernel says, or, where it has not counted yet what was deleted, what it is going to say.
    private func settled(_ expected: Fullness) -> Fullness {
        guard let now = fullness() else { return expected }
        var result = now
        result.usedBytes = min(now.usedBytes, expected.usedBytes)
        result.usedInodes = min(now.usedInodes, expected.usedInodes)
        return result
    }

    private func fullness() -> Fullness? {
        do throws(KernelError) { return Fullness(try filesystemStatistics(snapshots.directories.root)) } catch {
            logger.error("the root's filesystem can't be asked", metadata: ["error": "\(error)"])
            return nil
        }
    }

    private func report(_ freed: Freed, _ before: Fullness, _ state: inout State) {
        let now = fullness() ?? before
        let metadata: Logger.Metadata = [
            "images": "\(freed.images)", "bytes": "\(freed.usage.bytes)", "inodes": "\(freed.usage.inodes)",
            "before": "\(before.percents.bytes) % of bytes, \(before.percents.inodes) % of inodes",
            "now": "\(now.percents.bytes) % of bytes, \(now.percents.inodes) % of inodes",
        ]
        if freed.images > 0 { logger.notice("removed unused images for space", metadata: metadata) }
        if freed.isStuck, !state.saidStuck {
            logger.warning(
                "the filesystem stays above its low water mark: every image left is pinned, has a container, or was used just now",
                metadata: metadata)
            state.saidStuck = true
        }
    }
}

extension NodeRuntime {
    /// What `Upkeep` does after pulls and every few minutes.
    package func collectGarbage() async {
        guard let collector else { return }
        await pool.run { collector.collect() }
    }
}
