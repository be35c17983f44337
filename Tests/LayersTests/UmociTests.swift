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
    /// An image of plain layers in an OCI layout.
    private func writeLayout(_ layers: [[UInt8]], at path: FilePath) throws {
        let blobs = try makeDirectory(makeDirectory(makeDirectory(path).appending("blobs")).appending("sha256"))
        func put(_ bytes: [UInt8], _ type: String) throws -> String {
            let digest = digest(bytes)
            if access(blobs.appending(digest.hex).string, F_OK) != 0 { try write(bytes, to: blobs.appending(digest.hex)) }
            return #"{"mediaType":"application/vnd.oci.image.\#(type)","digest":"\#(digest)","size":\#(bytes.count)"#
        }
        let descriptors = try layers.map { try put($0, "layer.v1.tar") + "}" }
        let diffIDs = layers.map { "\"\(digest($0))\"" }.joined(separator: ",")
        let config = try put(
            Array(#"{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":[\#(diffIDs)]}}"#.utf8),
            "config.v1+json")
        let manifest = try put(
            Array(#"{"schemaVersion":2,"config":\#(config)},"layers":[\#(descriptors.joined(separator: ","))]}"#.utf8), "manifest.v1+json")
        try write(
            Array(#"{"schemaVersion":2,"manifests":[\#(manifest),"annotations":{"org.opencontainers.image.ref.name":"latest"}}]}"#.utf8),
            to: path.appending("index.json"))
        try write(Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8), to: path.appending("oci-layout"))
    }

    private func write(_ bytes: [UInt8], to path: FilePath) throws {
        let file = try openFile(path, O_WRONLY | O_CREAT | O_EXCL, mode: 0o644)
        try bytes.span.withUnsafeBytes { buffer throws(KernelError) in try writeAll(file, buffer, object: path.string) }
    }

    /// nil where it can't: a hard link to a lower file that the same layer deletes.
    private func unpackedByUmoci(_ layers: [[UInt8]], in directory: FilePath) throws -> Listing? {
        try writeLayout(layers, at: directory.appending("layout"))
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
    /// * counts the names that are left of a file, where overlayfs counts those of its layer.
    private func comparable(_ listing: Listing, unlisted: Set<String>) -> Listing {
        var listing = listing
        for path in listing.keys {
            listing[path]?.links = nil
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
