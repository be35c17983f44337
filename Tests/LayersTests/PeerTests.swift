// SPDX-License-Identifier: Apache-2.0

import Layers
import Linux
import SystemPackage
import Tar
import Testing

/// Odd images, unpacked by buildah and by umoci, beside this project's merged tree. Where they differ is written in OddImages.swift and
/// explained in docs/conformance-layers.md.
@Suite(.asRoot, .overlay, .buildah) struct PeerTests {
    /// Left out everywhere:
    /// * link counts: overlayfs counts the names in the file's layer;
    /// * the times of directories in which a later layer changed something: of those, what engines show is when they did it.
    private static func comparable(_ listing: Listing) -> Listing {
        listing.mapValues { object in
            var object = object
            object.links = nil
            if object.kind == .directory { object.time.seconds = 0; object.time.nanoseconds = 0 }
            return object
        }
    }

    private static func judge(_ theirs: Unpacked, _ ours: Unpacked) -> (verdict: OddImage.Verdict, text: String) {
        switch (theirs, ours) {
        case (.refused, .refused): return (.same, "")
        case (.refused(let reason), .tree): return (.refuses, reason)
        case (.tree(let theirs), .refused(let reason)): return (.differs(theirs.keys.sorted()), "refused here: \(reason)")
        case (.tree(let theirs), .tree(let ours)):
            let (theirs, ours) = (comparable(theirs), comparable(ours))
            let paths = Set(theirs.keys).union(ours.keys).filter { theirs[$0] != ours[$0] }.sorted()
            return (paths.isEmpty ? .same : .differs(paths), differences(expected: theirs, got: ours).joined(separator: "\n"))
        }
    }

    private static func unpack(_ image: OddImage, in directory: FilePath) throws -> Unpacked {
        do { return .tree(try Stack(directory, image.layers).merged()) } catch let error as LayerError { return .refused("\(error)") }
    }

    @Test("an odd image is what buildah and umoci make of it, but for what is known", arguments: OddImage.all)
    func odd(_ image: OddImage) throws {
        try withDirectory { directory in
            let ours = try Self.unpack(image, in: makeDirectory(directory.appending("ours")))
            let buildah = try Buildah(directory.appending("peer"))
            _ = try Layout([(image.name, image.layers.map(archive))], at: buildah.directory.appending("layout"))
            let first = Self.judge(try buildah.unpack(image.name), ours)
            #expect(first.verdict == image.buildah, "buildah: \(first.text)")
            let second = Self.judge(try Umoci(directory: buildah.directory).unpack(image.name), ours)
            #expect(second.verdict == image.umoci, "umoci: \(second.text)")
        }
    }
}
