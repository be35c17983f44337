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

    @Test(
        "what fstatat(2) tells is found by a quick check",
        arguments: [
            ("echo >> fs/name; touch -d @0 fs/name", "name"), ("chmod 600 fs/name", "name"), ("touch fs/name", "name"),
            ("rm fs/name", "name"), ("rm fs/name; mkdir fs/name", "name"), ("rm fs/name; ln -s / fs/name", "name"),
            ("mkdir fs/more; touch fs/more/file; touch -d @0 fs", "more"), ("rm -r fs", "fs"), ("echo >> files", "files"),
            ("rm files", "files"),
            ("echo >> layer.json", "layer.json"),
        ])
    func quick(change: String, path: String) throws {
        try withDirectory { root in
            let node = try Node(root)
            let layer = try node.storeListed("x")
            try shell("cd \(node.snapshots.directories.layer(layer.id)) && \(change)")
            #expect(try node.findings(layer, full: false).map(\.path).contains(Array(path.utf8)))
        }
    }

    @Test("a layer without a listing is checked as far as it can be, and told to be so") func unlisted() throws {
        try withDirectory { root in
            let node = try Node(root)
            try node.pull("a", ["x"])
            let layer = try #require(try node.metadata.layers().first)
            let check = try node.snapshots.check(layer, full: true) { _ in }
            #expect(!check.isListed && check.findings == 0)
            try shell("touch \(node.snapshots.filesystem(of: layer))/more")
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
            try shell("rm -r \(node.snapshots.directories.layer(layer.id))")
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
            try shell("mkdir \(root)/layers/zz \(root)/containers/nobody")
            #expect(try Set(node.snapshots.unrecordedDirectories()) == [root.appending("layers/zz"), root.appending("containers/nobody")])
        }
    }
}

extension Node {
    fileprivate func extractListed(_ layer: String) throws -> NewLayer {
        var new = try extract(layer)
        try shell("touch -d @0 \(new.ingest.filesystem)/name \(new.ingest.filesystem)")
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
        try shell("printf X | dd of=\(path) bs=1 seek=77 conv=notrunc status=none; touch -d @0 \(path)")
    }
}

private final class Found { var all: [TreeFinding] = [] }
