// SPDX-License-Identifier: Apache-2.0

package import APITypes

/// Stacks of layers, those with the same beginning put together, drawn as trees.
///
/// A run of layers that only one thing stands on is drawn straight down: 127 layers would walk out of the screen.
package func snapshotTreeText(_ tree: SnapshotTree, noTrunc: Bool = false) -> String {
    let root = LayerForest()
    for image in tree.images { root.insert(image.layers + (image.fixup.map { [$0] } ?? []), image) }
    var drawing = LayerDrawing(
        layers: Dictionary(tree.layers.map { ($0.key, $0) }) { first, _ in first }, noTrunc: noTrunc)
    for leaf in root.images { drawing.lines.append("image \(drawing.name(leaf)) (no layers)") }
    for child in root.children { drawing.draw(child, first: "", rest: "") }
    return drawing.lines.map { terminalSafe($0) + "\n" }.joined()
}

private final class LayerForest {
    let key: String
    var children: [LayerForest] = []
    var images: [SnapshotTree.Image] = []

    init(_ key: String = "") { self.key = key }

    func insert(_ keys: [String], _ image: SnapshotTree.Image) {
        var node = self
        for key in keys {
            if let known = node.children.first(where: { $0.key == key }) {
                node = known
            } else {
                let made = LayerForest(key)
                node.children.append(made)
                node = made
            }
        }
        node.images.append(image)
    }
}

private struct LayerDrawing {
    let layers: [String: SnapshotSummary]
    let noTrunc: Bool
    var lines: [String] = []
    private var seen: Set<String> = []

    init(layers: [String: SnapshotSummary], noTrunc: Bool) {
        self.layers = layers
        self.noTrunc = noTrunc
    }

    func name(_ image: SnapshotTree.Image) -> String {
        if noTrunc { return ([image.manifestDigest] + image.references).joined(separator: " ") }
        return image.references.isEmpty ? shortID(image.manifestDigest) : image.references.map(shortReference).joined(separator: " ")
    }

    mutating func draw(_ start: LayerForest, first: String, rest: String) {
        var node = start
        lines.append(first + label(node))
        while node.images.isEmpty, node.children.count == 1, let only = node.children.first {
            node = only
            lines.append(rest + label(node))
        }
        let count = node.images.count + node.children.count
        for (index, image) in node.images.enumerated() {
            lines.append(rest + (index + 1 == count ? "└─ " : "├─ ") + "image \(name(image))")
        }
        for (index, child) in node.children.enumerated() {
            let isLast = node.images.count + index + 1 == count
            draw(child, first: rest + (isLast ? "└─ " : "├─ "), rest: rest + (isLast ? "   " : "│  "))
        }
    }

    private mutating func label(_ node: LayerForest) -> String {
        let layer = layers[node.key]
        let isRepeated = !seen.insert(node.key).inserted
        let size = isRepeated ? "as above" : layer.map { byteCount($0.sizeInBytes) } ?? "?"
        return "\(layer?.kind.rawValue ?? "layer") \(noTrunc ? node.key : shortID(node.key))  \(size)"
    }
}
