// SPDX-License-Identifier: Apache-2.0

import Glibc
import Layers
import Linux
import Metadata
import OCI
import Snapshots
import SystemPackage
import Testing

/// Checks of stored layers, and their repair: whatever step it ends at, the layer is there, and the old tree stays while it is used.
@Suite struct CheckTests {
    @Test("a layer that is as it was stored has no findings; one changed byte is found by a full check alone")
    func flippedByte() throws {
        try withDirectory { root in
            let node = try Node(root)
            let layer = try node.storeListed("x")
            #expect(try node.findings(layer, full: true) == [])
            try node.flipByte(of: layer)
            #expect(try node.findings(layer, full: false) == [])
            #expect(try node.findings(layer, full: true).map(\.path) == [Array("name".utf8)])
        }
    }

    /// What somebody does in a layer's directory. (No shells: a child that is about to start holds locks of this process for a moment.)
    struct Change: CustomTestStringConvertible, Sendable {
        var testDescription: String
        /// The path of the finding.
        var path: String
        var make: @Sendable (FilePath) throws -> Void

        init(_ name: String, _ path: String, _ make: @escaping @Sendable (FilePath) throws -> Void) {
            testDescription = name
            self.path = path
            self.make = make
        }
    }

    static let changes: [Change] = [
        Change("longer", "name") { top in try Files.write(top.appending("fs/name"), content("x") + "more", time: 0) },
        Change("another mode", "name") { top in #expect(chmod(top.appending("fs/name").string, 0o600) == 0) },
        Change("another time", "name") { top in try Files.setTime(top.appending("fs/name"), 1) },
        Change("another owner", "name") { top in #expect(chown(top.appending("fs/name").string, 7, 7) == 0) },
        Change("gone", "name") { top in try unlinkFile(top.appending("fs/name")) },
        Change("a directory in its place", "name") { top in
            try unlinkFile(top.appending("fs/name"))
            try makeDirectory(top.appending("fs/name"), mode: 0o755)
        },
        Change("a link in its place", "name") { top in
            try unlinkFile(top.appending("fs/name"))
            #expect(symlink("/", top.appending("fs/name").string) == 0)
        },
        Change("one more", "more") { top in
            try Files.write(top.appending("fs/more"), "")
            try Files.setTime(top.appending("fs"), 0)
        },
        Change("all gone", "fs") { top in try removeTree(top.appending("fs")) },
        Change("a longer listing", "files") { top in
            try replaceFile(top.appending("files"), with: try readFile(top.appending("files")) + [0])
        },
        Change("no listing", "files") { top in try unlinkFile(top.appending("files")) },
        Change("another layer.json", "layer.json") { top in try Files.write(top.appending("layer.json"), "{}") },
    ]

    @Test("what fstatat(2) tells is found by a quick check", arguments: changes) func quick(change: Change) throws {
        try withDirectory { root in
            let node = try Node(root)
            let layer = try node.storeListed("x")
            try change.make(node.snapshots.directories.layer(layer.id))
            #expect(try node.findings(layer, full: false).map(\.path).contains(Array(change.path.utf8)))
        }
    }

    @Test("a layer without a listing is checked as far as it can be, and told to be so") func unlisted() throws {
        try withDirectory { root in
            let node = try Node(root)
            try node.pull("a", ["x"])
            let layer = try #require(try node.metadata.layers().first)
            let check = try node.snapshots.check(layer, full: true) { _ in }
            #expect(!check.isListed && check.findings == 0)
            try Files.write(node.snapshots.filesystem(of: layer).appending("more"), "")
            #expect(try node.findings(layer, full: true).map(\.path) == [Array("fs".utf8)])
        }
    }

    @Test("damage is remembered over a restart, refuses the stack, and ends with the repair") func marks() throws {
        try withDirectory { root in
            do {
                let node = try Node(root)
                let layer = try node.storeListed("x")
                try node.flipByte(of: layer)
                try node.note(layer)
            }
            let node = try Node(root)
            let layer = try #require(try node.metadata.damagedLayers().first)
            let stack = try node.snapshots.stack(of: image("of x", []).manifestDigest)
            #expect(throws: SnapshotError.self) { try node.snapshots.requireUndamaged(stack) }
            _ = try node.snapshots.replace(layer, with: try node.extractListed("x")) { [] }
            #expect(throws: Never.self) { try node.snapshots.requireUndamaged(stack) }
            #expect(try node.metadata.damagedLayers() == [])
        }
    }

    @Test("the old tree stays while somebody runs on it, also over a restart, and no longer") func holders() throws {
        try withDirectory { root in
            do {
                let node = try Node(root)
                let layer = try node.storeListed("x")
                try node.flipByte(of: layer)
                let kept = try node.snapshots.replace(layer, with: try node.extractListed("x")) { ["one", "other"] }
                #expect(kept == ["one", "other"])
                #expect(try node.findings(layer, full: true) == [])
                try node.snapshots.releaseReplaced { _ in ["one", "new"] }
                #expect(try node.names("replaced").count == 1)
            }
            let node = try Node(root)
            #expect(try node.names("replaced").count == 1)
            try node.snapshots.releaseReplaced { _ in ["one", "other"] }
            #expect(try node.metadata.replacedTrees().map(\.holders) == [["one"]])
            try node.snapshots.releaseReplaced { _ in ["other", "new"] }
            #expect(try node.names("replaced") == [])
            #expect(try node.metadata.replacedTrees() == [])
        }
    }

    @Test(
        "a repair that ends at any step leaves the old tree or the new one",
        arguments: [
            StoreStep.replacementRecorded, .treesExchanged, .replacementFinished,
        ])
    func crash(step: StoreStep) throws {
        try withDirectory { root in
            do {
                let node = try Node(
                    root,
                    failpoint: Failpoint { reached throws(SnapshotError) in
                        if reached == step { throw SnapshotError.invalidContainerID("") }
                    })
                let layer = try node.storeListed("x")
                try node.flipByte(of: layer)
                try node.note(layer)
                let new = try node.extractListed("x")
                #expect(throws: SnapshotError.invalidContainerID("")) { _ = try node.snapshots.replace(layer, with: new) { ["one"] } }
            }
            let node = try Node(root)
            try node.snapshots.releaseReplaced { _ in [] }
            #expect(try node.names("replaced") == [])
            let layer = try #require(try node.metadata.layers().first)
            #expect(layer.damage == nil || step == .replacementRecorded)
            #expect(try node.findings(layer, full: true).isEmpty == (layer.damage == nil))
        }
    }

    @Test("a layer whose directory was lost is put back") func lost() throws {
        try withDirectory { root in
            let node = try Node(root)
            let layer = try node.storeListed("x")
            try removeTree(node.snapshots.directories.layer(layer.id))
            #expect(try node.findings(layer, full: false).count == 1)
            _ = try node.snapshots.replace(layer, with: try node.extractListed("x")) { ["one"] }
            #expect(try node.findings(layer, full: true) == [])
        }
    }

    @Test("after a stop that was not clean, what the last commit stored is to be checked; after a clean one nothing") func sessions() throws
    {
        try withDirectory { root in
            let node = try Node(root)
            #expect(try node.metadata.beginSession(bootID: "first") == nil)
            try node.storeListed("x")
            let last = try node.storeListed("y")
            #expect(try node.metadata.beginSession(bootID: "second") == PreviousSession(bootID: "first", wasClean: false))
            #expect(try node.metadata.unsettledLayers().map(\.key) == [last.key])
            // Before the check has ended an end changes nothing.
            try node.metadata.endSession(bootID: "second")
            #expect(try node.metadata.unsettledLayers().map(\.key) == [last.key])
            try node.metadata.confirmSession(bootID: "second")
            try node.metadata.endSession(bootID: "second")
            #expect(try node.metadata.unsettledLayers() == [])
            #expect(try node.metadata.beginSession(bootID: "third") == PreviousSession(bootID: "second", wasClean: true))
        }
    }

    @Test("directories that no record speaks of are found") func orphans() throws {
        try withDirectory { root in
            let node = try Node(root)
            try node.storeListed("x")
            #expect(try node.snapshots.unrecordedDirectories() == [])
            let made = ["layers/zz", "containers/nobody"].map { root.appending($0) }
            for path in made { try makeDirectory(path, mode: 0o700) }
            #expect(try Set(node.snapshots.unrecordedDirectories()) == Set(made))
        }
    }
}

extension Node {
    fileprivate func extractListed(_ layer: String) throws -> NewLayer {
        var new = try extract(layer)
        for path in [new.ingest.filesystem.appending("name"), new.ingest.filesystem] { try Files.setTime(path, 0) }
        new.listing = try LayerListing.write(of: new.ingest.filesystem, to: new.ingest.listing)
        return new
    }

    @discardableResult
    fileprivate func storeListed(_ layer: String) throws -> LayerRecord {
        try snapshots.commit(image("of \(layer)", [layer]), layers: [extractListed(layer)], references: [], blobs: [])
        return try #require(try metadata.layer(.layer(diffID(layer))))
    }

    fileprivate func findings(_ layer: LayerRecord, full: Bool) throws -> [TreeFinding] {
        let record = try #require(try metadata.layer(id: layer.id))
        let found = Found()
        let check = try snapshots.check(record, full: full) { found.all.append($0) }
        #expect(check.findings == found.all.count && check.isWhole)
        return found.all
    }

    fileprivate func note(_ layer: LayerRecord) throws {
        try snapshots.note(try snapshots.check(layer, full: true) { _ in }, of: layer, full: true)
    }

    fileprivate func flipByte(of layer: LayerRecord) throws {
        let path = snapshots.filesystem(of: layer).appending("name")
        var bytes = try readFile(path)
        bytes[77] ^= 1
        try Files.write(path, String(decoding: bytes, as: UTF8.self), time: 0)
    }
}

private final class Found { var all: [TreeFinding] = [] }

extension Files {
    fileprivate static func setTime(_ path: FilePath, _ seconds: Int) throws {
        let times = [timespec(tv_sec: seconds, tv_nsec: 0), timespec(tv_sec: seconds, tv_nsec: 0)]
        try #require(utimensat(AT_FDCWD, path.string, times, 0) == 0)
    }

    fileprivate static func write(_ path: FilePath, _ text: String, time: Int) throws {
        try write(path, text)
        try setTime(path, time)
    }
}
