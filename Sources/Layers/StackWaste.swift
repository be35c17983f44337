// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux

/// What the layers of a stack carry that its tree does not show: files that a layer above writes again or deletes.
///
/// What is counted:
/// * a file is an inode of a layer's directory, its size is st_size: what the tar has of it, the same on every filesystem. It counts once
///   in its layer, however many names it has there; links, devices and FIFOs are files of no size, directories are nothing;
/// * it is wasted where sequential extraction of the whole stack leaves it no name. A hard link that a layer above made to it keeps it;
/// * a layer that the stack lists twice is stored and sent once: it counts once, and its files are wasted where no occurrence shows them;
/// * what one archive holds twice counts once: only the last of the two was kept.
///
/// `dive` (wagoodman/dive, filetree/efficiency.go) counts by paths: of each path the *smallest* of its versions is needed and the rest is
/// waste, a deleted directory costs nothing, a deleted file all of its size. Here it is the version that is seen that is needed, and
/// everything that is deleted is waste. Where every file is either written once or written anew with the same size, the two agree.
package struct StackWaste: Codable, Sendable, Hashable {
    package struct Layer: Codable, Sendable, Hashable {
        package var files: Int64 = 0
        package var bytes: Int64 = 0
        package var wastedFiles: Int64 = 0
        package var wastedBytes: Int64 = 0

        package init(files: Int64 = 0, bytes: Int64 = 0, wastedFiles: Int64 = 0, wastedBytes: Int64 = 0) {
            self.files = files
            self.bytes = bytes
            self.wastedFiles = wastedFiles
            self.wastedBytes = wastedBytes
        }
    }

    /// A path at which bytes are wasted; of a file with several names it is the least of them.
    package struct Path: Codable, Sendable, Hashable {
        package var path: LayerPath
        /// In how many layers there is a file, the one that is seen included.
        package var timesWritten: Int
        package var wastedBytes: Int64
        /// The tree has nothing there.
        package var isDeleted: Bool

        package init(path: LayerPath, timesWritten: Int, wastedBytes: Int64, isDeleted: Bool) {
            self.path = path
            self.timesWritten = timesWritten
            self.wastedBytes = wastedBytes
            self.isDeleted = isDeleted
        }
    }

    /// For each place of the stack, from the lowest up; nil at the lower places of a repeated layer.
    package var layers: [Layer?]
    /// Those with the most waste, worst first.
    package var worst: [Path]
    /// All paths at which bytes are wasted.
    package var wastedPaths: Int64
    /// Paths of files, empty ones too, that a layer above put something else at.
    package var overwrittenFiles: Int64
    /// Paths of files, empty ones too, at which the tree has nothing.
    package var deletedFiles: Int64

    package var bytes: Int64 { layers.reduce(0) { $0 + ($1?.bytes ?? 0) } }
    package var wastedBytes: Int64 { layers.reduce(0) { $0 + ($1?.wastedBytes ?? 0) } }

    /// 1 - wasted / all; 1 where there is nothing. A stack with any waste is never 1.
    package var score: Double { bytes == 0 ? 1 : Double(bytes - wastedBytes) / Double(bytes) }
}

extension StackWaste {
    /// Reads names and sizes of all layers, and no content. The layers must not go meanwhile.
    /// - Parameters:
    ///   - stack: from the lowest layer up, a repeated one at each of its places.
    ///   - most: how many of the worst paths are kept.
    package static func measure(_ stack: [StackedLayer], most: Int = 100) throws(LayerError) -> StackWaste {
        let set = LayerSet(stack)
        let model = try StackModel(set)
        defer { model.root.dissolve() }
        var count = WasteCount(set, shown: model.shownFiles())
        for layer in set.layers.indices { try count.add(layer) }
        var waste = StackWaste(layers: [], worst: [], wastedPaths: 0, overwrittenFiles: 0, deletedFiles: 0)
        var seen: Set<Int> = []
        waste.layers = set.order.reversed().map { seen.insert($0).inserted ? count.layers[$0] : nil }.reversed()
        waste.takePaths(of: count, model, most: most)
        return waste
    }

    private mutating func takePaths(of count: WasteCount, _ model: StackModel, most: Int) {
        var wasted: [Path] = []
        for (path, hidden) in count.hidden {
            let there = model.kind(at: path)
            if there == nil { deletedFiles += 1 } else { overwrittenFiles += 1 }
            guard hidden.bytes > 0 else { continue }
            let isFile = there.map { $0 != .directory } ?? false
            wasted.append(
                Path(path: path, timesWritten: hidden.times + (isFile ? 1 : 0), wastedBytes: hidden.bytes, isDeleted: there == nil))
        }
        wastedPaths = Int64(wasted.count)
        wasted.sort { ($1.wastedBytes, $0.path) < ($0.wastedBytes, $1.path) }
        worst = Array(wasted.prefix(most))
    }
}

/// Goes through the layers' directories, and sums up.
private struct WasteCount {
    private let set: LayerSet
    /// By layer: the paths that the tree's files come from.
    private let shown: [Set<LayerPath>]
    private(set) var layers: [StackWaste.Layer]
    /// Files that are not seen under their own name any more, and what of them is not seen at all.
    private(set) var hidden: [LayerPath: (times: Int, bytes: Int64)] = [:]

    /// A file with several names in its layer.
    private struct Linked {
        var size: Int64
        var least: LayerPath
        var isShown: Bool
    }

    init(_ set: LayerSet, shown: [Set<LayerPath>]) {
        self.set = set
        self.shown = shown
        layers = set.layers.map { _ in StackWaste.Layer() }
    }

    mutating func add(_ layer: Int) throws(LayerError) {
        var linked: [UInt64: Linked] = [:]
        var pending = [LayerPath([])]
        while let directory = pending.popLast() {
            try set.eachObject(in: Origin(layer: layer, path: directory)) { name, status in
                let here = Origin(layer: layer, path: LayerPath(directory.components + [name]))
                if status.kind == .directory { return pending.append(here.path) }
                if set.isWhiteout(here) { return }
                let isShown = shown[layer].contains(here.path)
                if !isShown { hidden[here.path, default: (0, 0)].times += 1 }
                let size = status.kind == .regular ? status.size : 0
                if status.links == 1 { return count(layer, here.path, size, isShown) }
                let known = linked[status.inode]
                linked[status.inode] = Linked(
                    size: size, least: min(known?.least ?? here.path, here.path), isShown: known?.isShown ?? false || isShown)
            }
        }
        for file in linked.values { count(layer, file.least, file.size, file.isShown) }
    }

    private mutating func count(_ layer: Int, _ path: LayerPath, _ size: Int64, _ isShown: Bool) {
        layers[layer].files += 1
        layers[layer].bytes += size
        if isShown { return }
        layers[layer].wastedFiles += 1
        layers[layer].wastedBytes += size
        hidden[path, default: (0, 0)].bytes += size
    }
}

extension LayerSet {
    /// Tells the names in a layer's directory with what they are.
    fileprivate func eachObject(in directory: Origin, _ body: (EntryName, FileStatus) -> Void) throws(LayerError) {
        do throws(KernelError) {
            let opened = try open(directory, O_RDONLY | O_DIRECTORY)
            for (name, _) in try opened.entries(of: "\(directory.path)") {
                if let status = try opened.status(name) { body(name, status) }
            }
        } catch {
            throw .kernel(entry: "\(directory.path)", error)
        }
    }
}

extension StackModel {
    /// By layer: where the files of the tree are in it.
    fileprivate func shownFiles() -> [Set<LayerPath>] {
        var shown = set.layers.map { _ in Set<LayerPath>() }
        var pending = [root]
        while let node = pending.popLast() {
            if node.kind == .directory { pending += node.children.values } else { shown[node.origin.layer].insert(node.origin.path) }
        }
        return shown
    }
}
