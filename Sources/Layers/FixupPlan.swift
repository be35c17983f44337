// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux

/// The difference between what a stack should show and what overlayfs shows of its directories, as a tree to be put on top.
final class FixupNode {
    enum Kind {
        /// With the attributes of an origin.
        case directory(Origin)
        /// Copies of one file in one pass over the stack (`ModelNode.pass`) are one file.
        case copy(Origin, pass: Int)
        case whiteout
    }

    let kind: Kind
    var children: [(name: EntryName, node: FixupNode)] = []
    init(_ kind: Kind) { self.kind = kind }
}

/// Compares a model with the layers. Trees are walked by lists, not by calls: a layer may be 2,048 levels deep, a thread's stack is small.
struct FixupPlan {
    private let set: LayerSet

    init(_ set: LayerSet) { self.set = set }

    /// What overlayfs has at a name: the layers whose directories it merges, or the one object that wins.
    private enum Shown {
        case directory([Int])
        case object(Int)
    }

    /// A directory of the model beside what overlayfs shows of it.
    private struct Place {
        var name: EntryName
        /// Its index in the list; nil for the root.
        var parent: Int?
        var model: ModelNode
        var path: LayerPath
        /// Those whose directory overlayfs merges here, from the uppermost down; empty where it shows none.
        var layers: [Int]
        var fix: FixupNode
        /// Set while its names are compared.
        var hasWhiteouts = false
    }

    /// nil where overlayfs shows the right tree by itself.
    func compare(_ model: ModelNode) throws(LayerError) -> FixupNode? {
        guard let plan = try compareOnce(model) else { return nil }
        return try spreadCopies(model) ? try compareOnce(model) : plan
    }

    private func compareOnce(_ model: ModelNode) throws(LayerError) -> FixupNode? {
        let root = Place(
            name: [], parent: nil, model: model, path: LayerPath([]), layers: set.mounted, fix: FixupNode(.directory(model.origin)))
        var places = [root]
        var next = 0
        while next < places.count {
            try compareNames(at: next, &places)
            next += 1
        }
        // From below: a directory is needed where something in it is.
        for place in places.reversed() where isNeeded(place) {
            place.fix.children.sort { $0.name.lexicographicallyPrecedes($1.name) }
            guard let parent = place.parent else { return place.fix }
            places[parent].fix.children.append((place.name, place.fix))
        }
        return nil
    }

    private func compareNames(at index: Int, _ places: inout [Place]) throws(LayerError) {
        let place = places[index]
        let shown = try children(place.path, place.layers)
        places[index].hasWhiteouts = shown.hasWhiteouts
        for (name, node) in place.model.children {
            let path = LayerPath(place.path.components + [name])
            switch (node.kind, shown.visible[name]) {
            case (.directory, let there):
                let below: [Int] = if case .directory(let layers)? = there { layers } else { [] }
                places.append(
                    Place(name: name, parent: index, model: node, path: path, layers: below, fix: FixupNode(.directory(node.origin))))
            case (_, .object(let layer)?) where node.origin == Origin(layer: layer, path: path) && !node.isCopied: continue
            default:
                node.isCopied = true
                place.fix.children.append((name, FixupNode(.copy(node.origin, pass: node.pass))))
            }
        }
        for name in shown.visible.keys where place.model.children[name] == nil {
            place.fix.children.append((name, FixupNode(.whiteout)))
        }
    }

    private func isNeeded(_ place: Place) -> Bool {
        !place.fix.children.isEmpty || place.layers.isEmpty || !hasRightAttributes(place) || place.layers.count == 1 && place.hasWhiteouts
    }

    private func hasRightAttributes(_ place: Place) -> Bool {
        guard let uppermost = place.layers.first else { return false }
        let origin = Origin(layer: uppermost, path: place.path)
        // Invented ones are the same everywhere.
        return place.model.origin == origin || set.isImplied(place.model.origin) && set.isImplied(origin)
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

    // MARK: Files with several names

    private struct Inode: Hashable {
        var pass: Int
        var number: UInt64
    }

    /// Names that are one file in their layer must be one file above: where one is copied, all are.
    /// - Returns: whether there is one to copy that was not.
    private func spreadCopies(_ root: ModelNode) throws(LayerError) -> Bool {
        let files = nonDirectories(root)
        var inodes: Set<Inode> = []
        for file in files where file.isCopied {
            if let inode = try sharedInode(file) { inodes.insert(inode) }
        }
        if inodes.isEmpty { return false }
        let passes = Set(inodes.map(\.pass))
        var found = false
        for file in files where !file.isCopied && passes.contains(file.pass) {
            guard let inode = try sharedInode(file), inodes.contains(inode) else { continue }
            file.isCopied = true
            found = true
        }
        return found
    }

    /// nil for a file with one name.
    private func sharedInode(_ file: ModelNode) throws(LayerError) -> Inode? {
        let status = try set.status(file.origin)
        return status.links > 1 ? Inode(pass: file.pass, number: status.inode) : nil
    }

    private func nonDirectories(_ root: ModelNode) -> [ModelNode] {
        var files: [ModelNode] = []
        var pending = [root]
        while let node = pending.popLast() {
            if node.kind == .directory { pending += node.children.values } else { files.append(node) }
        }
        return files
    }
}
