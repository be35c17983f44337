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
            return try open(origin, O_RDONLY | O_DIRECTORY).entries(of: "\(origin.path)")
        } catch {
            throw .kernel(entry: "\(origin.path)", error)
        }
    }

    func open(_ origin: Origin, _ flags: CInt) throws(KernelError) -> OwnedFD {
        try MergedTree(lowerdirs: [layers[origin.layer].directory]).open(0, origin.path, flags)
    }

    func linkTarget(_ origin: Origin) throws(LayerError) -> [UInt8] {
        do throws(KernelError) {
            let parent = Origin(layer: origin.layer, path: LayerPath(Array(origin.path.components.dropLast())))
            return try open(parent, O_RDONLY | O_DIRECTORY).linkTarget(origin.path.components.last ?? [])
        } catch {
            throw .kernel(entry: "\(origin.path)", error)
        }
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
    var children: [EntryName: ModelNode] = [:]
    /// Reached by a hard link of another layer: all its names must be one inode, which is then a copy.
    var isLinkedAcross = false

    init(_ kind: Kind, _ origin: Origin) {
        self.kind = kind
        self.origin = origin
    }
}

/// Applies the layers of a stack in memory.
struct StackModel {
    let root: ModelNode
    private let set: LayerSet

    init(_ set: LayerSet) throws(LayerError) {
        self.set = set
        root = ModelNode(.directory, Origin(layer: set.order.first ?? 0, path: LayerPath([])))
        for layer in set.order { try apply(layer) }
    }

    private func apply(_ layer: Int) throws(LayerError) {
        // A link is to the file that was there before this layer: a later entry of the layer may replace it.
        let links = try set.layers[layer].facts.externalLinks.map { link throws(LayerError) in (link.path, try target(of: link)) }
        let origin = Origin(layer: layer, path: LayerPath([]))
        if !set.isImplied(origin) { root.origin = origin }
        if set.isOpaque(origin) { root.children = [:] }
        try merge(origin, into: root)
        for (path, node) in links {
            node.isLinkedAcross = true
            guard let name = path.components.last else { continue }
            try directory(Array(path.components.dropLast()), from: root, origin).children[name] = node
        }
    }

    private func merge(_ origin: Origin, into model: ModelNode) throws(LayerError) {
        for (name, type) in try set.entries(origin) {
            let here = Origin(layer: origin.layer, path: LayerPath(origin.path.components + [name]))
            if set.isWhiteout(here) {
                model.children[name] = nil
            } else if type == UInt8(DT_DIR) {
                try mergeDirectory(here, name, in: model)
            } else {
                model.children[name] = ModelNode(type == UInt8(DT_LNK) ? .symlink : .other, here)
            }
        }
    }

    private func mergeDirectory(_ here: Origin, _ name: EntryName, in model: ModelNode) throws(LayerError) {
        let isImplied = set.isImplied(here)
        let node: ModelNode
        switch model.children[name] {
        case .some(let known) where known.kind == .directory:
            node = known
            if !isImplied { node.origin = here }
        case .some(let link) where link.kind == .symlink && isImplied:
            // The layer never said that this is a directory: its entries go where the link leads (a merged /usr).
            node = try follow(link, from: model, here)
        default:
            node = ModelNode(.directory, here)
            model.children[name] = node
        }
        if set.isOpaque(here) { node.children = [:] }
        try merge(here, into: node)
    }

    // MARK: Names in the model

    private func follow(_ link: ModelNode, from holder: ModelNode, _ here: Origin) throws(LayerError) -> ModelNode {
        let target = try set.linkTarget(link.origin)
        let path = target.first == UInt8(ascii: "/") ? [] : Array(here.path.components.dropLast())
        return try directory(path + target.split(separator: UInt8(ascii: "/")).map { Array($0) }, from: root, here)
    }

    /// Walks from the root, following links beneath it, making what is missing.
    private func directory(_ path: [EntryName], from start: ModelNode, _ here: Origin) throws(LayerError) -> ModelNode {
        var pending = Array(path.reversed())
        var stack = [start]
        var followed = 0
        while let name = pending.popLast() {
            if name == [0x2E] { continue }
            if name == [0x2E, 0x2E] {
                if stack.count > 1 { stack.removeLast() }
                continue
            }
            guard let current = stack.last else { break }
            guard let child = current.children[name] else {
                let made = ModelNode(.directory, here)
                current.children[name] = made
                stack.append(made)
                continue
            }
            switch child.kind {
            case .directory: stack.append(child)
            case .other: throw .entry("\(here.path)", reason: "a lower layer has a file where a directory is needed")
            case .symlink:
                followed += 1
                guard followed <= 40 else { throw .entry("\(here.path)", reason: "too many symbolic links") }
                let target = try set.linkTarget(child.origin)
                if target.first == UInt8(ascii: "/") { stack.removeLast(stack.count - 1) }
                pending += target.split(separator: UInt8(ascii: "/")).map { Array($0) }.reversed()
            }
        }
        return stack.last ?? root
    }

    private func target(of link: LayerFacts.ExternalLink) throws(LayerError) -> ModelNode {
        let missing = LayerError.entry("\(link.path)", reason: "a hard link to \"\(link.target)\", which no layer has")
        guard let name = link.target.components.last else { throw missing }
        var node = root
        for part in link.target.components.dropLast() {
            guard var child = node.children[part] else { throw missing }
            if child.kind == .symlink {
                child = try follow(child, from: node, Origin(layer: 0, path: LayerPath(child.origin.path.components)))
            }
            node = child
        }
        guard let found = node.children[name] else { throw missing }
        guard found.kind != .directory else { throw .entry("\(link.path)", reason: "a hard link to the directory \"\(link.target)\"") }
        return found
    }
}
