// SPDX-License-Identifier: Apache-2.0

import Layers
import Tar

extension RandomStack {
    /// A file of a layer: whatever stack the layer stands in, and however often.
    private struct File: Hashable {
        var layer: Int
        var path: [[UInt8]]
        /// Of several that came under one name, each kept by a link, this one.
        var content: [UInt8]
    }

    /// What the naive model counts; nil where it refuses the stack, or can't tell.
    /// - Returns: the wasted paths only for stacks without links: there a file has one name, and one way leads to it.
    func waste() -> (layers: [StackWaste.Layer?], paths: Set<StackWaste.Path>?)? {
        var model = ModelTree()
        var sizes: [File: Int64] = [:]
        for (pass, layer) in order.enumerated() {
            do throws(ModelRefusal) { try model.apply(layers[layer]) } catch { return nil }
            let made = files(model).filter { $0.layer == pass }
            // Two of one name and content, the first kept by a link: they can't be told apart here.
            guard Set(made.map(key)).count == made.count else { return nil }
            for file in made { sizes[key(file)] = Int64(file.content.count) }
        }
        let shown = Set(files(model).map(key))
        var counts: [Int: StackWaste.Layer] = [:]
        for layer in order { counts[layer] = StackWaste.Layer() }
        var wasted: [[[UInt8]]: Int64] = [:]
        for (file, size) in sizes {
            counts[file.layer]?.files += 1
            counts[file.layer]?.bytes += size
            guard !shown.contains(file) else { continue }
            counts[file.layer]?.wastedFiles += 1
            counts[file.layer]?.wastedBytes += size
            wasted[file.path, default: 0] += size
        }
        let uppermost = order.enumerated().map { place, layer in order[(place + 1)...].contains(layer) ? nil : counts[layer] }
        let hasLinks = layers.joined().contains { $0.entry.kind == .symlink || $0.entry.kind == .hardLink }
        let paths = wasted.filter { $0.value > 0 }.map { path, bytes in
            StackWaste.Path(
                path: LayerPath(path), timesWritten: Set(sizes.keys.filter { $0.path == path }.map(\.layer)).count, wastedBytes: bytes,
                isDeleted: !exists(path, model))
        }
        return (uppermost, hasLinks ? nil : Set(paths))
    }

    private func key(_ file: ModelInode) -> File {
        File(layer: order[file.layer], path: ModelTree.components(file.entry.path), content: file.content)
    }

    private func exists(_ path: [[UInt8]], _ model: ModelTree) -> Bool {
        var node: ModelInode? = model.root
        for name in path { node = node?.children[name] }
        return node != nil
    }

    /// Each once, whatever names it has.
    private func files(_ model: ModelTree) -> [ModelInode] {
        var files: [ObjectIdentifier: ModelInode] = [:]
        var pending = [model.root]
        while let node = pending.popLast() {
            if node.kind == .directory { pending += node.children.values } else { files[ObjectIdentifier(node)] = node }
        }
        return Array(files.values)
    }
}
