// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux
internal import Tar

/// The directory of a layer while it is made: resolves names, and keeps directories open that are written to.
final class LayerTree {
    let root: LayerNode
    private let directory: OwnedFD
    private let cache = DirectoryCache()

    /// Open directories by node; thrown away whole when it is full, which is cheaper than choosing.
    private final class DirectoryCache {
        static let limit = 64
        var open: [ObjectIdentifier: OpenDirectory] = [:]
        /// The last one that was opened.
        var last: LayerNode?
    }

    private final class OpenDirectory {
        let descriptor: OwnedFD
        init(_ descriptor: consuming OwnedFD) { self.descriptor = descriptor }
    }

    init(_ directory: consuming OwnedFD) {
        self.directory = directory
        root = LayerNode([], .directory, parent: nil)
    }

    deinit { forget(root) }

    /// Lends the open directory of a node.
    func withDirectory<Result>(_ node: LayerNode, _ body: (borrowing OwnedFD) throws(KernelError) -> Result) throws(KernelError) -> Result {
        if node === root { return try body(directory) }
        if let known = cache.open[ObjectIdentifier(node)] { return try body(known.descriptor) }
        if cache.open.count >= DirectoryCache.limit { cache.open = cache.open.filter { $0.key == cache.last.map { ObjectIdentifier($0) } } }
        let opened = OpenDirectory(try open(node))
        cache.open[ObjectIdentifier(node)] = opened
        cache.last = node
        return try body(opened.descriptor)
    }

    /// From a neighbour that is open, if there is one: else a deep tree would be walked from its root for each of its directories.
    /// The directory is nobody else's, so ".." of a child is its parent.
    private func open(_ node: LayerNode) throws(KernelError) -> OwnedFD {
        if let last = cache.last, last.parent === node, let child = cache.open[ObjectIdentifier(last)] {
            return try child.descriptor.open([0x2E, 0x2E], O_RDONLY | O_DIRECTORY)
        }
        if let parent = node.parent, let known = cache.open[ObjectIdentifier(parent)] {
            return try known.descriptor.open(node.name, O_RDONLY | O_DIRECTORY)
        }
        return try openBeneath(directory, node.path.components, O_RDONLY | O_DIRECTORY)
    }

    /// A node is removed or stops being a directory: its number may be given to another one. What is below goes with it.
    func forget(_ node: LayerNode) {
        cache.last = nil
        var pending = [node]
        while let node = pending.popLast() {
            cache.open[ObjectIdentifier(node)] = nil
            pending += node.children.values.compactMap(\.node)
            // One by one: releasing a tree of thousands of levels by itself would overflow the stack.
            node.children = [:]
        }
    }

    // MARK: Names

    /// No path that the kernel takes whole has more parts; every pass over the tree may rely on it.
    static let greatestDepth = 2048

    func checkDepth(below node: LayerNode, _ shown: String) throws(LayerError) {
        guard node.depth < Self.greatestDepth else { throw .entry(shown, reason: "it lies more than \(Self.greatestDepth) levels deep") }
    }

    /// The parts of an entry's name: `.` and empty ones dropped, `..` taken back and never above the root, as every unpacker of
    /// images reads them. - Throws: `LayerError.entry` for a name that can't be made.
    static func components(_ path: [UInt8]) throws(LayerError) -> [EntryName] {
        var components: [EntryName] = []
        for part in path.split(separator: UInt8(ascii: "/")) {
            if part.elementsEqual([0x2E]) { continue }
            if part.elementsEqual([0x2E, 0x2E]) {
                _ = components.popLast()
                continue
            }
            // A whiteout's own name is shorter by its prefix.
            guard part.count <= 255 + Whiteout.prefix.count else {
                throw .entry(display(path), reason: "a name of \(part.count) bytes; 255 are allowed")
            }
            components.append(Array(part))
        }
        return components
    }

    /// The directory that holds the last component; links on the way are followed within the layer, missing parts are made (implied).
    func parent(of components: [EntryName], shown: String) throws(LayerError) -> LayerNode {
        var walk = Walk(root, components.dropLast())
        while let missing = try walk.advance(shown) { walk.node = try makeImplied(missing, in: walk.node, shown: shown) }
        return walk.node
    }

    /// What a hard link's target is in this layer, or where it must be in the layers below.
    enum LinkTarget {
        case here(LayerChild, in: LayerNode)
        case below(LayerPath)
    }

    func linkTarget(_ components: [EntryName], shown: String) throws(LayerError) -> LinkTarget {
        guard let name = components.last else { throw .entry(shown, reason: "a hard link to the root") }
        var walk = Walk(root, components.dropLast())
        if let missing = try walk.advance(shown) {
            return .below(LayerPath(walk.node.path.components + [missing] + walk.pending.reversed() + [name]))
        }
        guard let child = walk.node.children[name] else { return .below(LayerPath(walk.node.path.components + [name])) }
        if case .externalLink(let target) = child.node?.kind { return .below(target) }
        // Only implied: below it may be a link to a directory, which can have a second name.
        if let directory = child.directory, directory.listing == nil { return .below(LayerPath(walk.node.path.components + [name])) }
        return .here(child, in: walk.node)
    }

    /// Walks names from a directory down: through links of the layer, and out of directories by "..", but never above the root.
    private struct Walk {
        var node: LayerNode
        private let root: LayerNode
        /// What is still to be walked, the next name last.
        private(set) var pending: [EntryName]
        private var followed = 0

        init(_ root: LayerNode, _ names: some Sequence<EntryName>) {
            self.root = root
            node = root
            pending = names.reversed()
        }

        /// - Returns: a name that is not there: it is taken off `pending`, and `node` is where it was looked for. nil: all were walked.
        mutating func advance(_ shown: String) throws(LayerError) -> EntryName? {
            while let name = pending.popLast() {
                if name == [0x2E] { continue }
                if name == [0x2E, 0x2E] {
                    node = node.parent ?? root
                    continue
                }
                guard !name.starts(with: Whiteout.prefix) else { throw .entry(shown, reason: "a directory can't be named like a whiteout") }
                guard name.count <= 255 else { throw .entry(shown, reason: "a name of \(name.count) bytes; 255 are allowed") }
                guard let child = node.children[name] else { return name }
                switch child.node?.kind {
                case .directory: node = child.node ?? node
                case nil, .externalLink:
                    throw .entry(shown, reason: "\"\(display(LayerPath(node.path.components + [name]).bytes))\" is no directory")
                case .symlink(let target):
                    followed += 1
                    guard followed <= 40 else { throw .entry(shown, reason: "too many symbolic links") }
                    if target.first == UInt8(ascii: "/") { node = root }
                    pending += target.split(separator: UInt8(ascii: "/")).map(Array.init).reversed()
                }
            }
            return nil
        }
    }

    private func makeImplied(_ name: EntryName, in node: LayerNode, shown: String) throws(LayerError) -> LayerNode {
        try checkDepth(below: node, shown)
        do throws(KernelError) {
            try withDirectory(node) { directory throws(KernelError) in try directory.makeDirectory(name, mode: 0o755) }
        } catch {
            throw .kernel(entry: shown, error)
        }
        return node.add(name, .directory)
    }
}

/// The tar form of a deletion. Source: image-spec layer.md, "Whiteouts".
enum Whiteout {
    static let prefix = Array(".wh.".utf8)
    static let opaque = Array(".wh..wh..opq".utf8)
    /// aufs's own files (.wh..wh.plnk, .wh..wh.aufs): old images have them, nobody needs them.
    static let metaPrefix = Array(".wh..wh.".utf8)
}
