// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import Metadata
import OCI
import Snapshots
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// What a crash does at each step: the root is copied there as a killed process would leave it, the power is cut there, an error is
/// thrown there.
@Suite struct CrashTests {
    static let commitSteps: [StoreStep] = [.layersDescribed, .layersSynced, .layerPlaced, .directoriesSynced, .imageRecorded]
    static let removalSteps: [StoreStep] = [.layersForgotten, .layersDiscarded]

    /// The root as it is at a step, under another name. Without the lock, which ends with a process.
    private static func copy(_ root: FilePath, to copy: FilePath) {
        do { try shell("cp -a \(root) \(copy) && rm -f \(copy)/lock") } catch { Issue.record(error) }
    }

    @Test(
        "killed at any step of a commit: the image is whole or absent, the older one whole, and nothing else is left",
        arguments: commitSteps)
    func killedInCommit(at step: StoreStep) throws {
        try withDirectory { directory in
            let (root, copy) = (directory.appending("root"), directory.appending("copy"))
            let copied = Atomic(false)
            try makeDirectory(root, mode: 0o700)
            let node = try Node(
                root,
                failpoint: Failpoint { reached throws(SnapshotError) in
                    // The second commit's step is looked at; of several layers the first.
                    let first = reached == step && Files.exists(root.appending("second"))
                    if first, !copied.exchange(true, ordering: .relaxed) { Self.copy(root, to: copy) }
                })
            try node.pull("old", ["base"])
            try Files.write(root.appending("second"), "")
            try node.pull("new", ["base", "x", "y"], reference: "docker.io/library/new:1")

            let survivor = try Node(copy)
            let done = step == .imageRecorded
            #expect(try survivor.metadata.images().count == (done ? 2 : 1))
            #expect(try survivor.metadata.references().count == (done ? 1 : 0))
            try survivor.expectConsistent("after the crash", layers: done ? ["base", "x", "y"] : ["base"])
            survivor.snapshots.emptyTrash()
            #expect(try survivor.names("trash") == [])
            try survivor.pull("new", ["base", "x", "y"])
            try survivor.expectConsistent("after the next pull", layers: ["base", "x", "y"])
        }
    }

    @Test("killed at any step of a removal: nothing that is recorded is missing, nothing else is left", arguments: removalSteps)
    func killedInRemoval(at step: StoreStep) throws {
        try withDirectory { directory in
            let (root, copy) = (directory.appending("root"), directory.appending("copy"))
            try makeDirectory(root, mode: 0o700)
            let node = try Node(
                root, failpoint: Failpoint { reached throws(SnapshotError) in if reached == step { Self.copy(root, to: copy) } })
            try node.pull("old", ["base"])
            try node.pull("new", ["base", "x", "y"])
            try node.remove("new")
            try Node(copy).expectConsistent("after the crash", layers: ["base"])
        }
    }

    @Test("killed between forgetting an image and removing its layers: the next start removes them")
    func killedBeforeRemoval() throws {
        try withDirectory { root in
            do {
                let node = try Node(root)
                try node.pull("a", ["x"])
                _ = try node.metadata.delete(image: image("a", []).manifestDigest)
            }
            try Node(root).expectConsistent("after the restart", layers: [])
        }
    }

    @Test(
        "an error at any step before the record: the image is absent, nothing is left, and the next pull works",
        arguments: commitSteps.dropLast())
    func error(at step: StoreStep) throws {
        try withDirectory { root in
            let fails = Mutex(true)
            let node = try Node(
                root,
                failpoint: Failpoint { reached throws(SnapshotError) in
                    if reached == step, fails.withLock({ $0 }) {
                        throw .kernel(.sync, KernelError(call: "test", object: "", errno: .ioError))
                    }
                })
            #expect(throws: SnapshotError.self) { try node.pull("a", ["x", "y"]) }
            try node.expectConsistent("after the error", layers: [])
            #expect(try node.metadata.images().isEmpty)
            fails.withLock { $0 = false }
            try node.pull("a", ["x", "y"])
            try node.expectConsistent("after the next pull", layers: ["x", "y"])
        }
    }

    @Test("the power cut at any step of a commit: the image is whole or absent", .asRoot, arguments: commitSteps)
    func powerCutInCommit(at step: StoreStep) throws {
        try LoopFilesystem.with(megabytes: 64) { disk in
            try makeDirectory(disk.root, mode: 0o700)
            let armed = Mutex(false)
            do {
                let node = try Node(
                    disk.root,
                    failpoint: Failpoint { reached throws(SnapshotError) in
                        guard reached == step,
                            armed.withLock({
                                let was = $0; $0 = false; return was
                            })
                        else { return }
                        do { try disk.cutPower() } catch { Issue.record(error) }
                    })
                try node.pull("old", ["base"])
                armed.withLock { $0 = true }
                // After the cut each call fails; with the record done, the pull was reported as done.
                if step == .imageRecorded {
                    try node.pull("new", ["base", "x", "y"])
                } else {
                    #expect(throws: SnapshotError.self) { try node.pull("new", ["base", "x", "y"]) }
                }
            }
            try disk.remount()
            let node = try Node(disk.root)
            let done = step == .imageRecorded
            #expect(try node.metadata.images().count == (done ? 2 : 1))
            try node.expectConsistent("after the power cut", layers: done ? ["base", "x", "y"] : ["base"])
            try node.pull("new", ["base", "x", "y"])
        }
    }

    @Test("the power cut after a removal: what is recorded is there", .asRoot, arguments: removalSteps)
    func powerCutInRemoval(at step: StoreStep) throws {
        try LoopFilesystem.with(megabytes: 64) { disk in
            try makeDirectory(disk.root, mode: 0o700)
            do {
                let node = try Node(
                    disk.root,
                    failpoint: Failpoint { reached throws(SnapshotError) in
                        if reached == step { do { try disk.cutPower() } catch { Issue.record(error) } }
                    })
                try node.pull("old", ["base"])
                try node.pull("new", ["base", "x"])
                try node.remove("new")
            }
            try disk.remount()
            let node = try Node(disk.root)
            let recorded = try node.metadata.layers().count
            #expect(recorded == 1, "the rows were gone durably before a directory moved")
            try node.expectConsistent("after the power cut", layers: ["base"])
        }
    }
}
