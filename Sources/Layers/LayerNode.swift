// SPDX-License-Identifier: Apache-2.0

internal import Linux
internal import Tar

/// What the extractor has made under one name. A layer may have a million files: of them nothing is kept but their names and where the
/// listing has them (below 0: nowhere).
enum LayerChild {
    case node(LayerNode)
    /// A file or a special file, under whatever number of names.
    case file(record: Int64)

    var node: LayerNode? { if case .node(let node) = self { node } else { nil } }
    var directory: LayerNode? { node.flatMap { $0.isDirectory ? $0 : nil } }
    var record: Int64 {
        switch self {
        case .node(let node): node.record
        case .file(let record): record
        }
    }
}

/// What the extractor knows of a directory or a link that it made. The directory started empty and is nobody else's, so this tree is the truth:
/// parents are resolved here, without asking the kernel, and no link is ever followed on disk.
final class LayerNode {
    enum Kind {
        case directory
        case symlink(target: [UInt8])
        /// A hard link to a file of a lower layer: nothing is on disk, the target is where the layers below must have it.
        case externalLink(target: LayerPath)
    }

    /// Strong: the tree is taken apart from above (`LayerTree.forget`), and not by counting.
    let parent: LayerNode?
    let name: EntryName
    /// How many directories are above it.
    let depth: Int
    var kind: Kind
    var children: [EntryName: LayerChild] = [:]
    /// Names below that the layer deletes.
    var whiteouts: Set<EntryName> = []
    var isOpaque = false
    /// The entry that listed this directory; nil: implied. Its owner, mode, times and attributes are set at the end.
    var listing: TarEntry? {
        get { listed?.entry }
        set { listed = newValue.map(Listed.init) }
    }
    /// Where the listing has it; below 0: it hasn't (yet). Directories come at the end.
    var record: Int64 = -1

    /// A link needs no room for one.
    private final class Listed {
        let entry: TarEntry
        init(_ entry: TarEntry) { self.entry = entry }
    }
    private var listed: Listed?

    init(_ name: EntryName, _ kind: Kind, parent: LayerNode?) {
        self.name = name
        self.kind = kind
        self.parent = parent
        depth = parent.map { $0.depth + 1 } ?? 0
    }

    var isDirectory: Bool { if case .directory = kind { true } else { false } }

    var path: LayerPath {
        var names: [EntryName] = []
        var node = self
        while let parent = node.parent {
            names.append(node.name)
            node = parent
        }
        return LayerPath(names.reversed())
    }

    /// Whether it is another node, or lies in it.
    func isBelow(_ other: LayerNode) -> Bool {
        var node: LayerNode? = self
        while let here = node {
            if here === other { return true }
            node = here.parent
        }
        return false
    }

    @discardableResult
    func add(_ name: EntryName, _ kind: Kind) -> LayerNode {
        let child = LayerNode(name, kind, parent: self)
        children[name] = .node(child)
        return child
    }
}
