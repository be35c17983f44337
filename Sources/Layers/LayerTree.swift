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
    }

    private final class OpenDirectory {
        let descriptor: OwnedFD
        init(_ descriptor: consuming OwnedFD) { self.descriptor = descriptor }
    }

    init(_ directory: consuming OwnedFD) {
        self.directory = directory
        root = LayerNode([], .directory, parent: nil)
    }

    /// Lends the open directory of a node.
    func withDirectory<Result>(_ node: LayerNode, _ body: (borrowing OwnedFD) throws(KernelError) -> Result) throws(KernelError) -> Result {
        if node === root { return try body(directory) }
        if let known = cache.open[ObjectIdentifier(node)] { return try body(known.descriptor) }
        if cache.open.count >= DirectoryCache.limit { cache.open = [:] }
        let opened = OpenDirectory(try openDirectory(node))
        cache.open[ObjectIdentifier(node)] = opened
        return try body(opened.descriptor)
    }

    /// By parts, so that no depth meets the kernel's limit of a path.
    private func openDirectory(_ node: LayerNode) throws(KernelError) -> OwnedFD {
        var current = try directory.duplicate()
        var part: [UInt8] = []
        for name in node.path.components {
            if part.count + name.count > 3000 {
                current = try Self.open(part, beneath: current)
                part = []
            }
            if !part.isEmpty { part.append(UInt8(ascii: "/")) }
            part += name
        }
        return try Self.open(part, beneath: current)
    }

    private static func open(_ path: [UInt8], beneath directory: borrowing OwnedFD) throws(KernelError) -> OwnedFD {
        let raw = directory.raw
        let flags = UInt64(O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        let resolve = UInt64(CTR_RESOLVE_BENEATH) | UInt64(CTR_RESOLVE_NO_SYMLINKS)
        return OwnedFD(
            owning: try withName(path) { pointer throws(KernelError) in
                try kernel("openat2(2)", display(path)) { ctr_openat2(raw, pointer, flags, 0, resolve) }
            })
    }

    /// A node is removed or stops being a directory: its number may be given to another one.
    func forget(_ node: LayerNode) {
        cache.open[ObjectIdentifier(node)] = nil
        for child in node.children.values where child.isDirectory { forget(child) }
    }

    // MARK: Names

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
        try resolveDirectory(Array(components.dropLast()), shown: shown, making: true) ?? root
    }

    /// The same without making anything; nil where something is missing.
    func existingParent(of components: [EntryName], shown: String) throws(LayerError) -> LayerNode? {
        try resolveDirectory(Array(components.dropLast()), shown: shown, making: false)
    }

    private func resolveDirectory(_ names: [EntryName], shown: String, making: Bool) throws(LayerError) -> LayerNode? {
        var pending = Array(names.reversed())
        var node = root
        var followed = 0
        while let name = pending.popLast() {
            if name == [0x2E] { continue }
            if name == [0x2E, 0x2E] {
                node = node.parent ?? root
                continue
            }
            guard !name.starts(with: Whiteout.prefix) else { throw .entry(shown, reason: "a directory can't be named like a whiteout") }
            guard name.count <= 255 else { throw .entry(shown, reason: "a name of \(name.count) bytes; 255 are allowed") }
            guard let child = node.children[name] else {
                if !making { return nil }
                node = try makeImplied(name, in: node, shown: shown)
                continue
            }
            switch child.kind {
            case .directory: node = child
            case .other: throw .entry(shown, reason: "\"\(display(child.path.bytes))\" is no directory")
            case .symlink(let target):
                followed += 1
                guard followed <= 40 else { throw .entry(shown, reason: "too many symbolic links") }
                if target.first == UInt8(ascii: "/") { node = root }
                pending += target.split(separator: UInt8(ascii: "/")).map(Array.init).reversed()
            }
        }
        return node
    }

    private func makeImplied(_ name: EntryName, in node: LayerNode, shown: String) throws(LayerError) -> LayerNode {
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
