// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux

/// The difference between what a stack should show and what overlayfs shows of its directories, as a tree to be put on top.
final class FixupNode {
    enum Kind {
        /// With the attributes of an origin; nil: the default ones.
        case directory(Origin)
        case copy(Origin)
        case whiteout
    }

    let kind: Kind
    var children: [(name: EntryName, node: FixupNode)] = []
    init(_ kind: Kind) { self.kind = kind }
}

struct FixupPlan {
    private let set: LayerSet

    init(_ set: LayerSet) { self.set = set }

    /// What overlayfs has at a name: the layers whose directories it merges, or the one object that wins.
    private enum Shown {
        case directory([Int])
        case object(Int)
    }

    /// nil where overlayfs shows the right tree by itself.
    func compare(_ model: ModelNode) throws(LayerError) -> FixupNode? {
        try compare(model, LayerPath([]), shownBy: set.mounted)
    }

    /// - Parameter layers: those whose directory at `path` overlayfs merges, from the uppermost down; empty where it shows none.
    private func compare(_ model: ModelNode, _ path: LayerPath, shownBy layers: [Int]) throws(LayerError) -> FixupNode? {
        let shown = try children(path, layers)
        let fix = FixupNode(.directory(model.origin))
        for (name, node) in model.children.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            let child = LayerPath(path.components + [name])
            switch (node.kind, shown.visible[name]) {
            case (.directory, .directory(let below)?):
                if let needed = try compare(node, child, shownBy: below) { fix.children.append((name, needed)) }
            case (.directory, _):
                if let needed = try compare(node, child, shownBy: []) { fix.children.append((name, needed)) }
            case (_, .object(let layer)?) where node.origin == Origin(layer: layer, path: child) && !node.isLinkedAcross: continue
            default: fix.children.append((name, FixupNode(.copy(node.origin))))
            }
        }
        for name in shown.visible.keys.sorted(by: { $0.lexicographicallyPrecedes($1) }) where model.children[name] == nil {
            fix.children.append((name, FixupNode(.whiteout)))
        }
        let isNeeded =
            !fix.children.isEmpty || layers.isEmpty || !hasRightAttributes(model, path, layers) || layers.count == 1 && shown.hasWhiteouts
        return isNeeded ? fix : nil
    }

    private func hasRightAttributes(_ model: ModelNode, _ path: LayerPath, _ layers: [Int]) -> Bool {
        guard let uppermost = layers.first else { return false }
        let origin = Origin(layer: uppermost, path: path)
        // Invented ones are the same everywhere.
        return model.origin == origin || set.isImplied(model.origin) && set.isImplied(origin)
    }

    /// overlayfs hides its whiteouts only where it merges: in a directory that one layer alone has, they are seen.
    private func children(_ path: LayerPath, _ layers: [Int]) throws(LayerError) -> (visible: [EntryName: Shown], hasWhiteouts: Bool) {
        var visible: [EntryName: Shown] = [:]
        var settled: Set<EntryName> = []
        var hasWhiteouts = false
        for layer in layers {
            for (name, type) in try set.entries(Origin(layer: layer, path: path)) {
                let here = Origin(layer: layer, path: LayerPath(path.components + [name]))
                let isWhiteout = set.isWhiteout(here)
                hasWhiteouts = hasWhiteouts || isWhiteout
                if settled.contains(name) { continue }
                if isWhiteout {
                    settled.insert(name)
                } else if type != UInt8(DT_DIR) {
                    if visible[name] == nil { visible[name] = .object(layer) }
                    settled.insert(name)
                } else {
                    if case .directory(let above)? = visible[name] {
                        visible[name] = .directory(above + [layer])
                    } else {
                        visible[name] = .directory([layer])
                    }
                    if set.isOpaque(here) { settled.insert(name) }
                }
            }
        }
        return (visible, hasWhiteouts)
    }
}
