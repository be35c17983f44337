// SPDX-License-Identifier: Apache-2.0

import Images
import Linux
import Metadata
import OCI
import RegistryFixtures
import Snapshots
import SystemPackage
import TestSupport
import Testing

/// L-56: the layers of one image are unpacked at the same time, and nobody can tell.
@Suite(.asRoot, .serialized) struct ParallelTests {
    /// Layers that delete, replace and go through links of each other, one much larger than the others.
    private static let image: MadeImage = {
        var base = MadeTar()
        base.add("usr/", kind: .directory, mode: 0o755)
        base.add("usr/lib/", kind: .directory, mode: 0o750)
        base.add("lib", kind: .symlink, link: "usr/lib")
        for number in 0..<200 { base.add("usr/lib/f\(number)", Array(repeating: 0x61, count: 4000 + number)) }
        var layers = [base.bytes]
        for layer in 1..<8 {
            var tar = MadeTar()
            for number in 0..<20 { tar.add("usr/lib/.wh.f\(layer * 20 + number)") }
            tar.add("lib/new\(layer)", Array("new \(layer)".utf8), mode: 0o4711)
            tar.add("usr/lib/f\(layer)", Array("layer \(layer)".utf8))
            tar.add("own\(layer)", kind: .hardLink, link: "usr/lib/f\(layer)")
            if layer % 3 == 0 { tar.add("usr/.wh.gone") } else { tar.add("usr/gone", [UInt8(layer)]) }
            layers.append(tar.bytes)
        }
        return MadeImage(layers: layers)
    }()

    /// Every object of every layer and of the fix-up, by what the layer is.
    private func unpacked(width: Int) async throws -> [String: [String]] {
        try await ImageNode.with(ImageConfiguration(width: width)) { node in
            try await ScriptedRegistry.serve({ Self.image.answer($0) }) { registry in
                _ = try await node.pull("\(registry.host)/team/app:1")
            }
            var trees: [String: [String]] = [:]
            for layer in try node.metadata.layers() {
                // Marks of deletions and implied directories have the time at which they were made.
                let found = try command(
                    [
                        "find", ".", "(", "-type", "c", "-o", "-type", "d", ")", "-printf", "%p %y %m %U %G %n\n", "-o", "-printf",
                        "%p %y %m %U %G %n %s %T@ %l\n",
                    ],
                    in: node.snapshots.filesystem(of: layer).string)
                #expect(found.code == 0)
                trees[layer.key.text] = found.lines.sorted()
            }
            return trees
        }
    }

    @Test("twenty pulls with all layers at once leave what one layer after the other leaves")
    func sameAsSerial() async throws {
        let serial = try await unpacked(width: 1)
        #expect(serial.count == Self.image.layers.count + 1, "the stack needs a fix-up")
        for _ in 0..<20 { #expect(try await unpacked(width: 8) == serial) }
    }
}
