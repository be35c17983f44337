// SPDX-License-Identifier: Apache-2.0

import APITypes
import Client
import Testing

@Suite struct SnapshotTreeTests {
    @Test("stacks with one beginning are one tree, a run goes straight down, and a layer that comes again says so")
    func forest() {
        let text = tree([
            ("app:1", ["base", "libs", "app"]), ("app:2", ["base", "libs", "new"]), ("base:1", ["base", "libs"]),
            ("other", ["own", "libs", "more"]),
        ])
        #expect(
            text == """
                layer base  1.0 KiB
                layer libs  1.0 KiB
                ├─ image base:1
                ├─ layer app  1.0 KiB
                │  └─ image app:1
                └─ layer new  1.0 KiB
                   └─ image app:2
                layer own  1.0 KiB
                layer libs  as above
                layer more  1.0 KiB
                └─ image other

                """)
    }

    @Test("an image of 500 layers is drawn without walking out of the screen; names can't move the cursor")
    func deep() {
        let text = tree([("a\u{1b}[2J", (0..<500).map { "l\($0)" })])
        let lines = text.split(separator: "\n")
        #expect(lines.count == 501 && lines.allSatisfy { $0.utf8.count < 40 })
        #expect(lines.last == "└─ image a\\x1b[2J")
    }

    @Test("no images, no tree; an image without layers is told")
    func nothing() {
        #expect(tree([]) == "")
        #expect(tree([("scratch", [])]) == "image scratch (no layers)\n")
    }

    private func tree(_ images: [(String, [String])]) -> String {
        snapshotTreeText(
            SnapshotTree(
                images: images.map { SnapshotTree.Image(manifestDigest: $0, references: [$0], layers: $1, fixup: nil) },
                layers: Set(images.flatMap(\.1)).map { key in
                    SnapshotSummary(
                        kind: .layer, key: key, path: "", sizeInBytes: 1024, inodes: 1, compressedSizeInBytes: nil, createdAt: "",
                        images: [],
                        containers: [])
                }))
    }

    @Test(
        "paths that are no UTF-8 keep their bytes beside what is shown",
        arguments: [
            (Array("/plain".utf8), "/plain", nil), (Array("/é".utf8), "/é", nil), ([0x2F, 0xFF, 0x61], "/\\xffa", "L/9h"),
            ([0x2F, 0xC3], "/\\xc3", "L8M="), ([0xE2, 0x82, 0xAC, 0xE2, 0x82], "€\\xe2\\x82", "4oKs4oI="),
        ] as [([UInt8], String, String?)])
    func pathText(bytes: [UInt8], text: String, base64: String?) {
        #expect(PathText(bytes).text == text)
        #expect(PathText(bytes).base64 == base64)
    }
}
