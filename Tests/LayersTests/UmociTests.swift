// SPDX-License-Identifier: Apache-2.0

import Glibc
import Layers
import Linux
import OCI
import SystemPackage
import Tar
import Testing

/// umoci extracts the layers of an image one after the other into one directory: what this project shows through overlayfs must be that.
@Suite(.asRoot, .overlay) struct UmociTests {
    /// nil where it can't: a hard link to a lower file that the same layer deletes.
    private func unpackedByUmoci(_ layers: [[UInt8]], in directory: FilePath) throws -> Listing? {
        _ = try Layout([("latest", layers)], at: directory.appending("layout"))
        let said = try run(
            ["sh", "-c", "umoci --log=error raw unpack --image layout:latest rootfs 2>&1 || echo failed"], in: directory)
        if String(decoding: said, as: UTF8.self).contains("link: no such file") { return nil }
        #expect(String(decoding: said, as: UTF8.self) == "")
        return try list(directory.appending("rootfs"))
    }

    /// In an order in which deletions that are applied as they come mean the same.
    private static func deletionsFirst(_ layer: [Member]) -> [Member] {
        func isMark(_ member: Member) -> Bool { ModelTree.components(member.entry.path).last?.starts(with: Array(".wh.".utf8)) ?? false }
        return layer.filter(isMark).sorted { $0.entry.path.count { $0 == 0x2F } < $1.entry.path.count { $0 == 0x2F } }
            + layer.filter { !isMark($0) }
    }

    /// What is not compared, since the specification leaves it open or the model already settles it. umoci
    /// * makes no directories for whiteouts in directories that nobody has; Docker and containerd do, and so does this project;
    /// * lets a deletion change its directory's time, and gives directories that nobody lists the time of the extraction, another mode, and a setgid parent's group;
    /// * drops attributes without a value, as Go's tar reader does;
    /// * counts the names that are left of a file, where overlayfs counts those of its layer.
    private func comparable(_ listing: Listing, unlisted: Set<String>) -> Listing {
        var listing = listing
        for path in listing.keys {
            listing[path]?.links = nil
            if let attributes = listing[path]?.attributes { listing[path]?.attributes = attributes.filter { !$0.value.isEmpty } }
            if listing[path]?.kind == .directory { listing[path]?.time = FileTime(seconds: 0) }
        }
        for path in unlisted.sorted(by: >) {
            listing[path]?.mode = 0
            listing[path]?.gid = 0
            let isEmpty = !listing.keys.contains { $0.hasPrefix(path + "/") }
            if isEmpty && !path.isEmpty { listing[path] = nil }
        }
        return listing
    }

    @Test("umoci's tree is the same", arguments: 0..<60)
    func random(seed: UInt64) throws {
        let stack = RandomStack(seed: seed + 9000)
        var model = ModelTree()
        for layer in stack.order { if (try? model.apply(stack.layers[layer])) == nil { return } }
        let layers = stack.order.map { stack.layers[$0] }
        try withDirectory { directory in
            let ours = try Stack(directory, layers).merged()
            guard let theirs = try unpackedByUmoci(layers.map(Self.deletionsFirst).map(archive), in: directory) else { return }
            let lines = differences(expected: comparable(theirs, unlisted: model.unlisted), got: comparable(ours, unlisted: model.unlisted))
            #expect(lines == [], "\(stack)")
        }
    }
}
