// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux
package import SystemPackage

/// One extracted layer of a stack.
package struct StackedLayer: Sendable {
    package var facts: LayerFacts
    package var directory: FilePath

    package init(facts: LayerFacts, directory: FilePath) {
        self.facts = facts
        self.directory = directory
    }
}

/// A stack's layers by their directories: a repeated layer is one directory.
struct LayerSet {
    /// Unique, in the order of their first occurrence from below.
    let layers: [StackedLayer]
    /// The stack from the lowest up, as indices of `layers`.
    let order: [Int]
    private let implied: [Set<LayerPath>]
    private let whiteouts: [Set<LayerPath>]
    private let opaques: [Set<LayerPath>]

    init(_ stack: [StackedLayer]) {
        var places: [FilePath: Int] = [:]
        var unique: [StackedLayer] = []
        order = stack.map { layer in
            if let known = places[layer.directory] { return known }
            places[layer.directory] = unique.count
            unique.append(layer)
            return unique.count - 1
        }
        layers = unique
        implied = unique.map { Set($0.facts.implied) }
        whiteouts = unique.map { Set($0.facts.whiteouts) }
        opaques = unique.map { Set($0.facts.opaques) }
    }

    /// From the uppermost down, each once at its uppermost place: what is mounted.
    var mounted: [Int] {
        var seen: Set<Int> = []
        return order.reversed().filter { seen.insert($0).inserted }
    }

    func isImplied(_ origin: Origin) -> Bool { implied[origin.layer].contains(origin.path) }
    func isWhiteout(_ origin: Origin) -> Bool { whiteouts[origin.layer].contains(origin.path) }
    func isOpaque(_ origin: Origin) -> Bool { opaques[origin.layer].contains(origin.path) }

    /// The names in a layer's directory with readdir's types.
    func entries(_ origin: Origin) throws(LayerError) -> [(name: EntryName, type: UInt8)] {
        do throws(KernelError) {
            // Sorted: readdir's order is the filesystem's.
            return try open(origin, O_RDONLY | O_DIRECTORY).entries(of: "\(origin.path)")
                .sorted { $0.name.lexicographicallyPrecedes($1.name) }
        } catch {
            throw .kernel(entry: "\(origin.path)", error)
        }
    }

    func open(_ origin: Origin, _ flags: CInt) throws(KernelError) -> OwnedFD {
        try MergedTree(lowerdirs: [layers[origin.layer].directory]).open(0, origin.path, flags)
    }

    func linkTarget(_ origin: Origin) throws(LayerError) -> [UInt8] {
        do throws(KernelError) { return try openParent(origin).linkTarget(origin.path.components.last ?? []) } catch {
            throw .kernel(entry: "\(origin.path)", error)
        }
    }

    func status(_ origin: Origin) throws(LayerError) -> FileStatus {
        do throws(KernelError) {
            let name = origin.path.components.last ?? [0x2E]
            guard let status = try openParent(origin).status(name) else {
                throw KernelError(call: "fstatat(2)", object: "\(origin.path)", errno: .noSuchFileOrDirectory)
            }
            return status
        } catch {
            throw .kernel(entry: "\(origin.path)", error)
        }
    }

    func openParent(_ origin: Origin) throws(KernelError) -> OwnedFD {
        try open(Origin(layer: origin.layer, path: LayerPath(Array(origin.path.components.dropLast()))), O_RDONLY | O_DIRECTORY)
    }
}

/// Which layer's object something is.
struct Origin: Hashable {
    var layer: Int
    var path: LayerPath
}

/// The tree that sequential extraction would give, layer after layer, as names and origins: no content is read.
final class ModelNode {
    enum Kind { case directory, symlink, other }

    var kind: Kind
    var origin: Origin
    /// Which place of the stack it came from: a layer that is listed twice makes other files the second time.
    let pass: Int
    var children: [EntryName: ModelNode] = [:]
    /// One of its names was made by a hard link of another layer, or stands elsewhere than its layer has it: all its names must be one
    /// inode, which is then a copy.
    var isCopied = false

    init(_ kind: Kind, _ origin: Origin, pass: Int) {
        self.kind = kind
        self.origin = origin
        self.pass = pass
    }

    /// Takes a name away.
    func remove(_ name: EntryName) { children.removeValue(forKey: name)?.dissolve() }

    /// Empties every directory from here down: releasing thousands of levels by itself would overflow the stack.
    func dissolve() {
        var pending = [self]
        while let node = pending.popLast() {
            pending += node.children.values
            node.children = [:]
        }
    }
}

/// Applies the layers of a stack in memory.
struct StackModel {
    let root: ModelNode
    let set: LayerSet
    private var pass = 0

    init(_ set: LayerSet) throws(LayerError) {
        self.set = set
        root = ModelNode(.directory, Origin(layer: set.order.first ?? 0, path: LayerPath([])), pass: 0)
        for layer in set.order {
            try apply(layer)
            pass += 1
        }
    }

    private func apply(_ layer: Int) throws(LayerError) {
        // A link is to the file that was there before this layer: a later entry of the layer may replace it.
        var links: [LayerPath: [(name: EntryName, node: ModelNode)]] = [:]
        for link in set.layers[layer].facts.externalLinks {
            guard let name = link.path.components.last else { continue }
            let node = try target(of: link)
            node.isCopied = true
            links[LayerPath(Array(link.path.components.dropLast())), default: []].append((name, node))
        }
        let origin = Origin(layer: layer, path: LayerPath([]))
        if !set.isImplied(origin) { root.origin = origin }
        if set.isOpaque(origin) { root.dissolve() }
        try merge(origin, into: root, links)
    }

    private func merge(
        _ origin: Origin, into model: ModelNode, _ links: [LayerPath: [(name: EntryName, node: ModelNode)]]
    ) throws(LayerError) {
        var pending = [(origin, model)]
        while let (origin, model) = pending.popLast() {
            for (name, node) in links[origin.path] ?? [] {
                model.remove(name)
                model.children[name] = node
            }
            for (name, type) in try set.entries(origin) {
                let here = Origin(layer: origin.layer, path: LayerPath(origin.path.components + [name]))
                if set.isWhiteout(here) {
                    model.remove(name)
                } else if type == UInt8(DT_DIR) {
                    pending.append((here, try mergeDirectory(here, name, in: model)))
                } else {
                    model.remove(name)
                    model.children[name] = ModelNode(type == UInt8(DT_LNK) ? .symlink : .other, here, pass: pass)
                }
            }
        }
    }

    /// - Returns: the directory of the model that a layer's directory is merged into.
    private func mergeDirectory(_ here: Origin, _ name: EntryName, in model: ModelNode) throws(LayerError) -> ModelNode {
        let isImplied = set.isImplied(here)
        let node: ModelNode
        switch model.children[name] {
        case .some(let known) where known.kind == .directory:
            node = known
            if !isImplied { node.origin = here }
        case .some(let link) where link.kind == .symlink && isImplied:
            // The layer never said that this is a directory: its entries go where the link leads (a merged /usr).
            node = try directory(here.path.components, here)
        case .some where isImplied: throw .entry("\(here.path)", reason: Self.fileInTheWay)
        default:
            node = ModelNode(.directory, here, pass: pass)
            model.children[name] = node
        }
        if set.isOpaque(here) { node.dissolve() }
        return node
    }

    private static let fileInTheWay = "a lower layer has a file where a directory is needed"

    // MARK: Names in the model

    /// Walks from the root, following links beneath it, making what is missing.
    /// - Parameter origin: of what is made.
    private func directory(_ path: [EntryName], _ origin: Origin) throws(LayerError) -> ModelNode {
        var walk = Walk(root, path, shown: "\(origin.path)")
        while let missing = try walk.advance(set) {
            let made = ModelNode(.directory, origin, pass: pass)
            walk.node.children[missing] = made
            walk.enter(made)
        }
        return walk.node
    }

    /// What the tree has at a path, with the links on the way followed; nil: nothing.
    func kind(at path: LayerPath) -> ModelNode.Kind? {
        var walk = Walk(root, path.components.dropLast(), shown: "\(path)")
        do throws(LayerError) {
            guard let name = path.components.last, try walk.advance(set) == nil else { return nil }
            return walk.node.children[name]?.kind
        } catch {
            // A way that leads through a file leads to nothing.
            return nil
        }
    }

    private func target(of link: LayerFacts.ExternalLink) throws(LayerError) -> ModelNode {
        var walk = Walk(root, link.target.components.dropLast(), shown: "\(link.path)")
        guard let name = link.target.components.last, try walk.advance(set) == nil, let found = walk.node.children[name] else {
            throw .entry("\(link.path)", reason: "a hard link to \"\(link.target)\", which no layer has")
        }
        guard found.kind != .directory else { throw .entry("\(link.path)", reason: "a hard link to the directory \"\(link.target)\"") }
        return found
    }

    /// Walks names from the model's root down: through links, and out of directories by "..", but never above the root.
    private struct Walk {
        private var stack: [ModelNode]
        private var pending: [EntryName]
        private var followed = 0
        private let shown: String

        init(_ root: ModelNode, _ names: some Sequence<EntryName>, shown: String) {
            stack = [root]
            pending = names.reversed()
            self.shown = shown
        }

        var node: ModelNode { stack[stack.count - 1] }

        mutating func enter(_ node: ModelNode) { stack.append(node) }

        /// - Returns: a name that is not in `node`; nil: all were walked.
        mutating func advance(_ set: LayerSet) throws(LayerError) -> EntryName? {
            while let name = pending.popLast() {
                if name == [0x2E] { continue }
                if name == [0x2E, 0x2E] {
                    if stack.count > 1 { stack.removeLast() }
                    continue
                }
                guard let child = node.children[name] else { return name }
                switch child.kind {
                case .directory: stack.append(child)
                case .other: throw .entry(shown, reason: StackModel.fileInTheWay)
                case .symlink:
                    followed += 1
                    guard followed <= 40 else { throw .entry(shown, reason: "too many symbolic links") }
                    let target = try set.linkTarget(child.origin)
                    if target.first == UInt8(ascii: "/") { stack.removeLast(stack.count - 1) }
                    pending += target.split(separator: UInt8(ascii: "/")).map { Array($0) }.reversed()
                }
            }
            return nil
        }
    }
}
