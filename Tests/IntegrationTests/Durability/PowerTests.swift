// SPDX-License-Identifier: Apache-2.0

import Foundation
import Linux
import Metadata
import SystemPackage
import TestSupport
import Testing

/// The power is cut: the root is on a filesystem of its own that stops at once, and what was not synced is gone.
@Suite(.asRoot, .busybox, .python) struct PowerTests {
    struct Cut: CustomStringConvertible {
        var scenario: Scenario
        var kind: LoopFilesystem.Kind
        /// The filesystem's journal happened to be written just before: renames are on the disk, and data that nobody synced is not.
        var isJournalWritten: Bool
        var description: String { "\(scenario) on \(kind)\(isJournalWritten ? ", journal written" : "")" }
    }

    /// In the short run each step that comes after a sync, or before something that relies on one, on the one or the other filesystem.
    private static let telling: Set<StoreStep> = [
        .schemaVersionReached, .archiveRemoved, .layerExtracted, .blobPlaced, .layersSynced, .layerPlaced, .directoriesSynced,
        .imageRecorded, .imageForgotten, .layersDiscarded, .blobsRemoved, .trashDeleted, .containerRecorded, .containerDiscarded,
    ]

    /// Without the one whose sync fails before: that is tested by a kill.
    private static let scenarios = Scenario.all.filter { $0.work != .pullUnsynced }

    static let cuts: [Cut] =
        Scenario.isLongRun
        ? scenarios.flatMap { scenario in
            [LoopFilesystem.Kind.ext4, .xfs].flatMap { kind in
                [false, true].map { Cut(scenario: scenario, kind: kind, isJournalWritten: $0) }
            }
        }
        : scenarios.filter { telling.contains($0.step) }.enumerated().map { number, scenario in
            Cut(scenario: scenario, kind: number % 2 == 0 ? .ext4 : .xfs, isJournalWritten: number % 4 < 2)
        }

    @Test("the power is cut at a step: no layer differs, nothing acknowledged is lost, nothing unrecorded stays", arguments: cuts)
    func cut(_ cut: Cut) throws {
        let grounds = try CrashGrounds.made()
        try LoopFilesystem.with(cut.kind, megabytes: cut.kind == .xfs ? 300 : 96) { disk in
            let crash = try Crash(cut.scenario, grounds, action: "stop", root: disk.root.string)
            defer { crash.node.daemon.signal(SIGKILL) }
            let client = try crash.begin()
            try crash.waitUntilStopped()
            if cut.isJournalWritten {
                for place in ["layers", "containers", "trash", "ingest"] { try? syncDirectory(disk.root.appending(place)) }
            }
            try disk.cutPower()
            try crash.node.killDaemon()
            let answered = try client?.finish().code == 0
            try disk.remount()
            try crash.node.start()
            try crash.judge(acknowledged: answered)
            try crash.node.leave()
        }
    }

    @Test("the cut is one: where the sync of a commit does nothing, an image that was answered as pulled is not whole", .strace)
    func withoutSync() throws {
        let grounds = try CrashGrounds.made()
        try LoopFilesystem.with(megabytes: 96) { disk in
            try grounds.copy(.old, to: disk.root.string)
            try CrashGrounds.good("sync", "-f", disk.mountPoint.string)
            let node = try Node(configuration: CrashGrounds.configuration, root: disk.root.string)
            defer { node.daemon.signal(SIGKILL) }
            _ = try Tracer(of: node.daemon.pid, skipping: "syncfs")
            try node.good("pull", grounds.reference(.new))
            try disk.cutPower()
            try node.killDaemon()
            try disk.remount()
            try node.start()
            let differences = try node.layerDirectories().map { key, path in
                try TreeListing(of: path).difference(from: try #require(grounds.layers[key])).count
            }
            #expect(differences.contains { $0 > 0 })
            try node.leave()
        }
    }

    /// `CTR_SWIFT_POWER_CUTS` says how many on each filesystem, `CTR_SWIFT_SEED` repeats a run's choices.
    @Test("the power is cut at random times, again and again on one disk", arguments: [LoopFilesystem.Kind.ext4, .xfs])
    func random(_ kind: LoopFilesystem.Kind) throws {
        let environment = ProcessInfo.processInfo.environment
        let count = environment["CTR_SWIFT_POWER_CUTS"].flatMap { Int($0) } ?? 3
        var random = SeededRandom(seed: environment["CTR_SWIFT_SEED"].flatMap { UInt64($0) } ?? .random(in: 0...(.max)))
        print("power cuts on \(kind): \(count), CTR_SWIFT_SEED=\(random.seed)")
        let grounds = try CrashGrounds.made()
        try LoopFilesystem.with(kind, megabytes: 300) { disk in
            try grounds.copy(.old, to: disk.root.string)
            try CrashGrounds.good("sync", "-f", disk.mountPoint.string)
            let node = try Node(configuration: CrashGrounds.configuration, root: disk.root.string)
            defer { node.daemon.signal(SIGKILL) }
            var answered = 0
            for number in 0..<count where try cutOnce(number, node, disk, grounds, &random) { answered += 1 }
            print("power cuts on \(kind): \(answered) of \(count) came after the answer")
            try node.leave()
        }
    }

    /// - Returns: whether the work had been answered before.
    private func cutOnce(
        _ number: Int, _ node: Node, _ disk: LoopFilesystem, _ grounds: CrashGrounds, _ random: inout SeededRandom
    ) throws -> Bool {
        let hasNew = try node.imageNames().contains { $0.id == CrashImage.new.id }
        let work: Work = hasNew ? .remove : [.pull, .load, .pull].randomElement(using: &random) ?? .pull
        // An image that was loaded has another name.
        let arguments = hasNew ? ["rmi", CrashImage.new.id] : try #require(work.arguments(grounds))
        let delay = useconds_t.random(in: 0...(work == .remove ? 120_000 : 400_000), using: &random)
        // Something smaller beside it, now and then.
        let other = Bool.random(using: &random) ? try node.started(["create", CrashImage.old.id, "/bin/busybox", "true"]) : nil
        let client = try node.started(arguments)
        usleep(delay)
        try disk.cutPower()
        try node.killDaemon()
        let acknowledged = try client.finish().code == 0
        _ = try other?.finish()
        try disk.remount()
        try node.start()
        try node.settle()
        let comment: Comment = "cut \(number) after \(delay) µs of \(work.rawValue), seed \(random.seed)"
        // A creation is not synced, its row may be by a removal beside it: such a container can be removed, below.
        let found = try Census.take(node.root, layers: grounds.layers, lostContainers: true, comment)
        #expect(found.contains(CrashImage.old.id), comment)
        if acknowledged { #expect(found.contains(CrashImage.new.id) == work.brings, comment) }
        try node.expectWhole()
        for id in try node.good("ps", "-aq").split(separator: "\n") { try node.good("rm", String(id)) }
        return acknowledged
    }
}
