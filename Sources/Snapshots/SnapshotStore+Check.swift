// SPDX-License-Identifier: Apache-2.0

package import Layers
internal import Linux
package import Metadata
internal import OCI
package import SystemPackage

/// What the check of one layer has come to.
package struct LayerCheck: Sendable, Hashable {
    package var findings: Int = 0
    /// The first of them, in one line.
    package var first: String?
    /// Names that were compared.
    package var names: Int64 = 0
    package var readBytes: Int64 = 0
    /// It has a listing. One that an older version stored has none: only whether it is there, and how much, could be compared.
    package var isListed = true
    /// False where it was cancelled: then it says nothing.
    package var isWhole = true
}

extension SnapshotStore {
    /// Compares a stored layer with what was recorded when it was committed. Claim it before, so that it stays.
    /// - Parameters:
    ///   - full: also contents, link targets and attributes.
    ///   - report: gets each difference. What concerns the layer as a whole has the path of a file beside its tree: "layer.json".
    package func check(
        _ layer: LayerRecord, full: Bool, isCancelled: @escaping () -> Bool = { false }, report: @escaping (TreeFinding) -> Void
    ) throws(SnapshotError) -> LayerCheck {
        let run = LayerCheckRun(self, layer, full: full, isCancelled: isCancelled, report: report)
        return try run.run()
    }

    /// Notes what a check came to, for `requireUndamaged`. A quick check that finds nothing leaves an earlier mark.
    package func note(_ check: LayerCheck, of layer: LayerRecord, full: Bool) throws(SnapshotError) {
        guard check.isWhole, check.first != nil || full && layer.damage != nil else { return }
        if check.first != layer.damage {
            try metadataStep { () throws(MetadataError) in try metadata.set(damage: check.first, ofLayer: layer.id) }
        }
        damage.note(check.first, ofLayer: layer.id)
    }

    /// - Throws: `SnapshotError.damagedLayer` where a check has found something in a layer of the stack.
    package func requireUndamaged(_ stack: LayerStack) throws(SnapshotError) {
        for id in stack.layerIDs {
            guard let finding = damage.finding(ofLayer: id) else { continue }
            guard let layer = try metadataStep({ () throws(MetadataError) in try metadata.layer(id: id) }) else { continue }
            throw .damagedLayer(layer, finding: finding)
        }
    }

    /// Names below `layers/` and `containers/` that no row speaks of, as paths from the root. What is being made right now may be among them.
    package func unrecordedDirectories() throws(SnapshotError) -> [FilePath] {
        var found: [FilePath] = []
        for directory in [directories.layers, directories.containers] {
            let names = try kernelStep(.check) { () throws(KernelError) in try StoreDirectories.names(in: directory) }
            for path in names.map({ directory.appending($0) }) where try !isRecorded(path) { found.append(path) }
        }
        return found
    }

    private func isRecorded(_ path: FilePath) throws(SnapshotError) -> Bool {
        guard let name = path.lastComponent?.string else { return false }
        return try metadataStep { () throws(MetadataError) in
            if path.removingLastComponent() == directories.containers { return try metadata.container(name) != nil }
            guard let id = LayerRecord.id(shortID: name) else { return false }
            return try metadata.layer(id: id) != nil
        }
    }
}

/// One layer's check, step by step.
private final class LayerCheckRun {
    private let store: SnapshotStore
    private let layer: LayerRecord
    private let full: Bool
    private let isCancelled: () -> Bool
    private let report: (TreeFinding) -> Void
    private var result = LayerCheck()

    init(
        _ store: SnapshotStore, _ layer: LayerRecord, full: Bool, isCancelled: @escaping () -> Bool,
        report: @escaping (TreeFinding) -> Void
    ) {
        self.store = store
        self.layer = layer
        self.full = full
        self.isCancelled = isCancelled
        self.report = report
    }

    func run() throws(SnapshotError) -> LayerCheck {
        guard try store.isPresent(layer) else {
            find("fs", "a directory", "nothing")
            return result
        }
        try checkFacts()
        if layer.seal.listingDigest == nil { try checkAmount() } else { try checkTree() }
        result.isWhole = !isCancelled()
        return result
    }

    private func find(_ name: String, _ expected: String, _ found: String) {
        note(TreeFinding(path: Array(name.utf8), expected: expected, found: found))
    }

    private func note(_ finding: TreeFinding) {
        result.findings += 1
        if result.first == nil { result.first = "\"\(display(finding.path))\": expected \(finding.expected), found \(finding.found)" }
        report(finding)
    }

    private func checkFacts() throws(SnapshotError) {
        guard let wanted = layer.seal.factsChecksum else { return }
        let bytes: [UInt8]
        do throws(SnapshotError) { bytes = try store.factsBytes(of: layer) } catch {
            return find("layer.json", "to be read", "\(error)")
        }
        var sum = Checksum64()
        sum.update(bytes)
        if sum.value != wanted { find("layer.json", "what was written at the commit", "something else") }
    }

    /// Without a listing: blocks may differ with the filesystem's mood, inodes don't.
    private func checkAmount() throws(SnapshotError) {
        result.isListed = false
        let usage = try kernelStep(.check) { () throws(KernelError) in try treeUsage(store.filesystem(of: layer)) }
        result.names = usage.inodes
        if usage.inodes != layer.size.inodes { find("fs", "\(layer.size.inodes) inodes", "\(usage.inodes)") }
    }

    private func checkTree() throws(SnapshotError) {
        let path = store.directories.listing(layer.id)
        var check = try kernelStep(.check) { () throws(KernelError) in
            try TreeCheck(store.filesystem(of: layer), full: full, isCancelled: isCancelled) { [self] in note($0) }
        }
        do throws(ListingError) {
            if let summary = try check.run(try LayerListing(path)) {
                result.names = summary.entries
                if summary.digest != layer.seal.listingDigest { find("files", "the listing of the commit", "another one") }
                try check.findUnlisted(path)
            }
        } catch {
            find("files", "a listing", "\(error)")
        }
        result.readBytes = check.readBytes
    }
}
