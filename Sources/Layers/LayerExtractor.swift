// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux
package import SystemPackage
internal import Tar

/// One pass from a stored blob to a snapshot directory; see docs/architecture.md, "From registry to PID 1".
package enum LayerExtractor {
    /// How much is written, or made, between two looks at the free space, where there is much of it.
    private static let bytesBetweenChecks: UInt64 = 16 << 20
    private static let entriesBetweenChecks: UInt64 = 1000

    /// Extracts a layer into an empty directory. Blocks for as long as it takes: call it on a thread of its own.
    /// - Parameters:
    ///   - listing: a file to be made, for `LayerListing`: what is in the directory, with checksums. nil: none.
    ///   - isCancelled: asked at each entry and each piece of a file.
    ///   - progress: how many stored bytes have been read, now and then, on another thread.
    /// - Returns: what is known of it. Nothing has been synced yet.
    /// - Throws: `LayerError`; the directory then holds something that is of no use.
    package static func extract(
        from source: any LayerSource, expecting expectation: LayerExpectation, into directory: FilePath,
        listing: FilePath? = nil, limits: ExtractionLimits = ExtractionLimits(),
        isCancelled: @escaping @Sendable () -> Bool = { false }, progress: (@Sendable (Int64) -> Void)? = nil
    ) throws(LayerError) -> LayerFacts {
        let pipeline = LayerPipeline(source, expectation, progress: progress)
        do throws(KernelError) { try startThread(name: "layer-inflate") { pipeline.run() } } catch {
            throw .kernel(entry: directory.string, error)
        }
        do throws(LayerError) {
            var facts = try write(
                pipeline, LayerFacts(diffID: expectation.diffID, digest: expectation.digest), directory, listing, limits, isCancelled)
            // The archive may end before the stream does; both digests are over all of it.
            while pipeline.take() != nil { if isCancelled() { throw LayerError.cancelled } }
            let verdict = try pipeline.verdict()
            facts.compressedSize = verdict.compressedSize
            facts.uncompressedSize = verdict.uncompressedSize
            let usage = try measure(directory)
            facts.diskBytes = usage.bytes
            facts.inodes = usage.inodes
            return facts
        } catch {
            throw explain(error, pipeline, isCancelled)
        }
    }

    /// A tar that can't be read may be the symptom of a blob that is not the one that was promised. Then that is to be said.
    private static func explain(_ error: LayerError, _ pipeline: LayerPipeline, _ isCancelled: () -> Bool) -> LayerError {
        switch error {
        case .tar, .entry:
            while pipeline.take() != nil {
                if isCancelled() {
                    pipeline.abandon()
                    return .cancelled
                }
            }
            do throws(LayerError) { _ = try pipeline.verdict() } catch { return error }
            return error
        default:
            pipeline.abandon()
            return error
        }
    }

    private static func write(
        _ pipeline: LayerPipeline, _ facts: LayerFacts, _ path: FilePath, _ listing: FilePath?, _ limits: ExtractionLimits,
        _ isCancelled: () -> Bool
    ) throws(LayerError) -> LayerFacts {
        var writer: LayerWriter
        do throws(KernelError) {
            writer = try LayerWriter(try openFile(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW), facts: facts, listing: listing)
        } catch {
            throw .kernel(entry: path.string, error)
        }
        var reader = TarReader(PieceSource(pipeline))
        var space = SpaceWatch(path: path, limits: limits)
        while let entry = try tar({ () throws(TarError) in try reader.next() }, pipeline) {
            if isCancelled() { throw .cancelled }
            try space.note(entry)
            do throws(LayerError) {
                try writer.apply(entry) { buffer throws(LayerError) in
                    let part = try tar({ () throws(TarError) in try reader.readData(into: buffer) }, pipeline)
                    if let part {
                        if isCancelled() { throw .cancelled }
                        try space.noteBytes(part.count)
                    }
                    return part
                }
            } catch {
                throw space.explain(error)
            }
        }
        do throws(LayerError) { return try writer.finish() } catch { throw space.explain(error) }
    }

    private static func tar<Value>(_ body: () throws(TarError) -> Value, _ pipeline: LayerPipeline) throws(LayerError) -> Value {
        do throws(TarError) { return try body() } catch { throw pipeline.failure ?? .tar(error) }
    }

    private static func measure(_ directory: FilePath) throws(LayerError) -> TreeUsage {
        do throws(KernelError) { return try treeUsage(directory) } catch { throw .kernel(entry: directory.string, error) }
    }

    /// Looks at the free space before the first entry and then now and then, the more often the less there is: a bomb ends at the reserve,
    /// not at the last block.
    private struct SpaceWatch {
        /// Several layers are extracted at once: what one may take before it looks again is a small part of what is free.
        private static let share: UInt64 = 16

        let path: FilePath
        let limits: ExtractionLimits
        /// What may come before the next look.
        private var bytes: UInt64 = 0
        private var entries: UInt64 = 0
        /// Of the entry at hand: all that is stored of it, and what has not come yet.
        private var size: UInt64 = 0
        private var remaining: UInt64 = 0

        init(path: FilePath, limits: ExtractionLimits) {
            self.path = path
            self.limits = limits
        }

        mutating func note(_ entry: TarEntry) throws(LayerError) {
            size = entry.sparse?.reduce(0) { $0 &+ $1.length } ?? (entry.kind == .file ? entry.size : 0)
            remaining = size
            if entries == 0 { try check() } else { entries -= 1 }
        }

        mutating func noteBytes(_ count: Int) throws(LayerError) {
            if bytes < UInt64(count) { try check() } else { bytes -= UInt64(count) }
            remaining -= min(remaining, UInt64(count))
        }

        /// Says what is free where the kernel says that nothing is.
        func explain(_ error: LayerError) -> LayerError {
            guard case .kernel(let entry, let kernel) = error, kernel.isOutOfSpace,
                let statistics = try? filesystemStatistics(path)
            else { return error }
            return .noSpace(
                entry: entry, kernel, neededBytes: size, freeBytes: statistics.freeBytes, freeInodes: statistics.freeInodes)
        }

        private mutating func check() throws(LayerError) {
            let statistics: FilesystemStatistics
            do throws(KernelError) { statistics = try filesystemStatistics(path) } catch { throw .kernel(entry: path.string, error) }
            bytes = LayerExtractor.bytesBetweenChecks
            entries = LayerExtractor.entriesBetweenChecks
            guard statistics.freeBytes > limits.reserveBytes else {
                throw .notEnoughBytes(needed: max(1, remaining), free: statistics.freeBytes, reserve: limits.reserveBytes)
            }
            bytes = min(bytes, (statistics.freeBytes - limits.reserveBytes) / Self.share)
            // Filesystems that make inodes as they need them have none to count.
            if statistics.totalInodes == 0 { return }
            guard statistics.freeInodes > limits.reserveInodes else {
                throw .notEnoughInodes(needed: 1, free: statistics.freeInodes, reserve: limits.reserveInodes)
            }
            entries = min(entries, (statistics.freeInodes - limits.reserveInodes) / Self.share)
        }
    }
}
