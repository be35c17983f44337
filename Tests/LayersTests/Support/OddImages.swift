// SPDX-License-Identifier: Apache-2.0

import Tar
import Testing

/// Small images that tools take apart differently, or could.
struct OddImage: Sendable, CustomTestStringConvertible {
    enum Verdict: Sendable, Equatable {
        case same
        /// Where its tree is another: the paths, and nothing else.
        case differs([String])
        case refuses
    }

    var name: String
    var layers: [[Member]]
    var buildah = Verdict.same
    var umoci = Verdict.same
    var testDescription: String { name }

    private static let base: [Member] = [
        .directory("."), .directory("d", mode: 0o711), .file("d/a", "a"), .file("d/b", "b"), .directory("d/sub", mode: 0o700),
        .file("d/sub/c", "c"), .symlink("l", "d"), .hardLink("e", "d/a"),
    ].each { $0.modifiedSeconds = 1_000_000 }

    static let all: [OddImage] = whiteouts + links + kinds + names

    private static let whiteouts: [OddImage] = [
        OddImage(name: "plain", layers: [base]),
        OddImage(name: "missing-parents", layers: [base, [.file("d/new"), .file("d/sub/new"), .file("opt/app/bin/x")]]),
        OddImage(name: "whiteout-first", layers: [base, [.directory("."), .directory("d"), .whiteout("d/a"), .file("d/a", "new")]]),
        // "Whiteout files MUST only apply to resources in lower/parent layers": buildah deletes the layer's own file, or stumbles.
        OddImage(
            name: "whiteout-last", layers: [base, [.directory("."), .directory("d"), .file("d/a", "new"), .whiteout("d/a")]],
            buildah: .differs(["d/a"])),
        OddImage(
            name: "whiteout-of-directory-last",
            layers: [base, [.directory("."), .directory("d"), .directory("d/sub"), .file("d/sub/new"), .whiteout("d/sub")]],
            buildah: .refuses),
        OddImage(name: "whiteout-and-implied", layers: [base, [.directory("."), .whiteout("d"), .file("d/new")]]),
        OddImage(name: "whiteout-of-nothing", layers: [base, [.directory("."), .whiteout("no"), .directory("d"), .whiteout("d/no")]]),
        // buildah makes the directories that lead to a whiteout; umoci makes none.
        OddImage(
            name: "whiteout-in-nothing", layers: [base, [.directory("."), .whiteout("no/where/x")]], umoci: .differs(["no", "no/where"])),
        OddImage(name: "whiteout-of-link", layers: [base, [.directory("."), .whiteout("l")]]),
        OddImage(name: "whiteout-behind-link", layers: [base, [.directory("."), .whiteout("l/a")]]),
        OddImage(name: "opaque-first", layers: [base, [.directory("."), .directory("d"), .opaque("d"), .file("d/new")]]),
        OddImage(
            name: "opaque-last", layers: [base, [.directory("."), .directory("d"), .file("d/new"), .file("d/a", "new"), .opaque("d")]]),
        // A directory that is only implied is forgotten by buildah, with what the layer has in it; umoci keeps the hidden one's mode.
        OddImage(
            name: "opaque-nested", layers: [base, [.directory("."), .directory("d"), .file("d/sub/new"), .opaque("d")]],
            buildah: .differs(["d/sub", "d/sub/new"]), umoci: .differs(["d/sub"])),
        OddImage(name: "opaque-root", layers: [base, [.directory("."), .file("new"), .opaque("")]]),
        OddImage(name: "a-b-a", layers: [base, [.directory("."), .whiteout("d"), .file("e", "other")], base]),
        // What aufs kept for itself, and Docker pushed with old images, is no part of the tree.
        OddImage(
            name: "aufs",
            layers: [[.directory("."), .file(".wh..wh.aufs"), .directory(".wh..wh.plnk"), .file(".wh..wh.plnk/1.2"), .file("f")]],
            buildah: .differs([".wh..wh.plnk"]), umoci: .differs([".wh..wh.plnk", ".wh..wh.plnk/1.2"])),
    ]

    private static let links: [OddImage] = [
        OddImage(
            name: "link-below",
            layers: [base, [.directory("."), .hardLink("x", "d/a"), .hardLink("y", "d/sub/c")].each { $0.modifiedSeconds = 1_000_000 }]),
        // A link has no time of its own; buildah gives the file the one that stands in the link's header.
        OddImage(
            name: "time-of-link", layers: [base, [.directory("."), .hardLink("x", "d/sub/c")]], buildah: .differs(["d/sub/c", "x"])),
        OddImage(
            name: "link-to-deleted",
            layers: [
                base,
                [.directory("."), .hardLink("x", "d/sub/c"), .directory("d"), .whiteout("d/sub")].each { $0.modifiedSeconds = 1_000_000 },
            ]),
        // The order decides only there: deletions are about the layers below, wherever they stand.
        OddImage(
            name: "link-to-deleted-first",
            layers: [base, [.directory("."), .directory("d"), .whiteout("d/sub"), .hardLink("x", "d/sub/c")]], buildah: .refuses,
            umoci: .refuses),
        // vfs copies the tree for the container, and makes two links of the one.
        OddImage(name: "link-to-link", layers: [base, [.directory("."), .hardLink("x", "l")]], buildah: .differs(["x"])),
        OddImage(
            name: "link-behind-link", layers: [base, [.directory("."), .hardLink("x", "l/a")].each { $0.modifiedSeconds = 1_000_000 }]),
        // Of a link in front of its target nobody makes anything.
        OddImage(name: "link-before-target", layers: [[.directory("."), .hardLink("x", "f"), .file("f", "late")]]),
        OddImage(name: "names-of-one-file", layers: [base, [.directory("."), .file("e", "new")]]),
        OddImage(name: "through-link", layers: [base, [.directory("."), .file("l/new")]]),
        OddImage(name: "through-own-link", layers: [[.directory("."), .directory("t"), .symlink("s", "/t"), .file("s/x", "x")]]),
        OddImage(name: "link-outside", layers: [[.directory("."), .symlink("s", "../../.."), .file("s/x", "x")]]),
    ]

    private static let kinds: [OddImage] = [
        OddImage(
            name: "flips",
            layers: [
                base, [.directory("."), .file("d", "file"), .directory("l"), .file("l/x")],
                [.directory("."), .directory("d"), .symlink("l", "d")],
                [.directory("."), .symlink("d", "e"), .fifo("l")],
            ]),
        OddImage(name: "directory-over-link", layers: [base, [.directory("."), .directory("l", mode: 0o700), .file("l/x")]]),
        // buildah takes archives apart by tar-split, which takes a name once.
        OddImage(
            name: "duplicates",
            layers: [[.directory("."), .file("f", "1"), .file("f", "2"), .directory("g"), .directory("g", mode: 0o700)]], buildah: .refuses),
        OddImage(
            name: "duplicate-kinds", layers: [[.directory("."), .file("f", "1"), .symlink("f", "x"), .file("g"), .directory("g")]],
            buildah: .refuses),
        OddImage(
            name: "file-over-full-directory", layers: [[.directory("."), .directory("f"), .file("f/x"), .file("f", "2")]], buildah: .refuses
        ),
        OddImage(name: "devices", layers: [[.directory("."), .character("c", 1, 3), .block("b", 7, 200), .fifo("p")]]),
        OddImage(name: "children-first", layers: [[.file("d/x"), .directory("d", mode: 0o500), .directory(".", mode: 0o711)]]),
        // Go's tar reader drops attributes without a value; vfs's copy drops those named trusted.
        OddImage(
            name: "attributes",
            layers: [
                [
                    .directory("."),
                    .file("f", "x", mode: 0o6755).with {
                        ($0.uid, $0.gid, $0.modifiedSeconds, $0.modifiedNanoseconds) = (100_000, 4_294_967_294, 1_700_000_000, 123_456_789)
                        $0.attributes = [
                            TarEntry.Attribute(key: Array("user.a".utf8), value: [0, 0x0A, 0xFF]),
                            TarEntry.Attribute(key: Array("trusted.a".utf8), value: [0x61]),
                            TarEntry.Attribute(key: Array("security.capability".utf8), value: StackGenerator.capability),
                        ]
                    },
                    .directory("d", mode: 0o3775).with { $0.attributes = [TarEntry.Attribute(key: Array("user.d".utf8), value: [])] },
                ]
            ], buildah: .differs(["d", "f"]), umoci: .differs(["d"])),
        // buildah keeps them: its overlay driver would let this layer hide what is below.
        OddImage(
            name: "overlay-attributes",
            layers: [
                base,
                [.directory("."), .directory("d", mode: 0o711)].each {
                    $0.attributes = [TarEntry.Attribute(key: Array("trusted.overlay.opaque".utf8), value: [0x79])]
                },
            ], buildah: .differs(["", "d"])),
        OddImage(name: "sparse", layers: [[.directory("."), .sparse("s", size: 100_000, [(5000, "part"), (70_000, "end")])]]),
    ]

    private static let names: [OddImage] = [
        OddImage(name: "dots", layers: [[.directory("."), .file("./a/../b"), .file("/c"), .file("d//e")]]),
        OddImage(name: "above", layers: [[.directory("."), .file("../x")]]),
        OddImage(
            name: "long",
            layers: [
                [
                    .directory("."), .file(String(repeating: "n", count: 255)),
                    .file((0..<30).map { _ in "deep-name" }.joined(separator: "/")),
                ]
            ]),
        OddImage(name: "utf8", layers: [[.directory("."), .file("\u{e9}\u{1F600}"), .symlink("s", "\u{fc}")]]),
        // buildah shows 1970.
        OddImage(
            name: "before-1970", layers: [[.directory("."), .file("f").with { $0.modifiedSeconds = -86_400 }]], buildah: .differs(["f"])),
    ]
}
