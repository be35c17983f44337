// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux
package import SystemPackage

/// Makes the one small layer that a stack of separately extracted layers may need on top; see docs/architecture.md,
/// "A stack of layers that were extracted alone".
package enum FixupBuilder {
    /// - Parameters:
    ///   - stack: from the lowest layer up, a repeated one at each of its places.
    ///   - directory: exists and is empty; on the layers' filesystem.
    ///   - limits: what has to stay free on the filesystem.
    /// - Returns: false where the stack needs none: the directory is left empty.
    /// - Throws: `LayerError`, for a hard link to a file that no layer has, and for want of space, before a file is copied; the directory is then
    ///   of no use.
    package static func build(
        stack: [StackedLayer], into directory: FilePath, limits: ExtractionLimits = ExtractionLimits()
    ) throws(LayerError) -> Bool {
        guard mayNeedOne(stack) else { return false }
        let set = LayerSet(stack)
        let model = try StackModel(set)
        defer { model.root.dissolve() }
        guard let plan = try FixupPlan(set).compare(model.root) else { return false }
        let cost: FixupCost
        do throws(KernelError) { cost = try FixupCost(of: plan, in: set) } catch { throw .kernel(entry: "fix-up layer", error) }
        try cost.check(directory, limits)
        do throws(KernelError) {
            let top = try openFile(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
            var writer = FixupWriter(set)
            try writer.write(plan, into: top)
        } catch {
            throw .kernel(entry: "fix-up layer", error)
        }
        return true
    }

    /// Most images are well-behaved: all directories listed, nothing deleted. Then nothing has to be read.
    private static func mayNeedOne(_ stack: [StackedLayer]) -> Bool {
        let listsRoot = stack.contains { !$0.facts.implied.contains(LayerPath([])) }
        return stack.enumerated().contains { place, layer in
            let facts = layer.facts
            let implied = place > 0 && facts.implied.contains { listsRoot || !$0.components.isEmpty }
            return implied || !facts.whiteouts.isEmpty || !facts.externalLinks.isEmpty || facts.opaques.contains(LayerPath([]))
        }
    }
}

/// Puts a plan on disk: directories with their attributes, copies with everything that a file has.
private struct FixupWriter {
    private let set: LayerSet
    /// The first name of a copy: names that were one file stay one.
    private var copies: [CopiedFile: [EntryName]] = [:]

    init(_ set: LayerSet) { self.set = set }

    mutating func write(_ plan: FixupNode, into top: borrowing OwnedFD) throws(KernelError) {
        var places: [(node: FixupNode, path: [EntryName])] = [(plan, [])]
        var next = 0
        while next < places.count {
            let (node, path) = places[next]
            next += 1
            let directory = try openBeneath(top, path, O_RDONLY | O_DIRECTORY)
            for (name, child) in node.children {
                switch child.kind {
                case .whiteout: try directory.makeNode(name, mode: S_IFCHR, device: 0)
                case .copy(let origin, let pass): try copy(origin, pass, to: path + [name], in: directory, beneath: top)
                case .directory:
                    try directory.makeDirectory(name, mode: 0o755)
                    places.append((child, path + [name]))
                }
            }
            // Taken apart on the way: releasing thousands of levels by itself would overflow the stack.
            node.children = []
        }
        // After what is in them, which touched their times.
        for (node, path) in places.reversed() {
            guard case .directory(let origin) = node.kind else { continue }
            let source = try set.open(origin, O_RDONLY | O_DIRECTORY)
            let directory = try openBeneath(top, path, O_RDONLY | O_DIRECTORY)
            try copyAttributes(from: source, [0x2E], try source.status(), to: [0x2E], in: directory)
        }
    }

    private mutating func copy(
        _ origin: Origin, _ pass: Int, to path: [EntryName], in directory: borrowing OwnedFD, beneath top: borrowing OwnedFD
    ) throws(KernelError) {
        guard let name = path.last, let sourceName = origin.path.components.last else { return }
        let source = try set.openParent(origin)
        guard let status = try source.status(sourceName) else {
            throw KernelError(call: "fstatat(2)", object: "\(origin.path)", errno: .noSuchFileOrDirectory)
        }
        let file = CopiedFile(pass: pass, inode: status.inode)
        if let known = copies[file], let knownName = known.last {
            return try directory.makeLink(name, to: knownName, in: try openBeneath(top, Array(known.dropLast()), O_RDONLY | O_DIRECTORY))
        }
        switch status.kind {
        case .regular: try copyContent(source, sourceName, status, to: name, in: directory)
        case .symlink: try directory.makeSymlink(name, to: try source.linkTarget(sourceName))
        case .directory: throw KernelError(call: "copy", object: "\(origin.path)", errno: .isDirectory)
        case .fifo: try directory.makeNode(name, mode: S_IFIFO | 0o600, device: 0)
        case .socket: try directory.makeNode(name, mode: S_IFSOCK | 0o600, device: 0)
        case .characterDevice: try directory.makeNode(name, mode: S_IFCHR | 0o600, device: status.special)
        case .blockDevice: try directory.makeNode(name, mode: S_IFBLK | 0o600, device: status.special)
        }
        try copyAttributes(from: source, sourceName, status, to: name, in: directory)
        copies[file] = path
    }

    private func copyContent(
        _ source: borrowing OwnedFD, _ sourceName: EntryName, _ status: FileStatus, to name: EntryName, in directory: borrowing OwnedFD
    ) throws(KernelError) {
        let from = try source.open(sourceName, O_RDONLY)
        let to = try directory.open(name, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        let (fromRaw, toRaw) = (from.raw, to.raw)
        // Part by part: a layer of some kilobytes may hold a file that is a hole of terabytes, and a copy of zeros would fill the disk.
        var place: off_t = 0
        while place < status.size, let start = try seek(from, place, CTR_SEEK_DATA, name) {
            guard let end = try seek(from, start, CTR_SEEK_HOLE, name) else { break }
            _ = try seek(from, start, SEEK_SET, name)
            _ = try seek(to, start, SEEK_SET, name)
            place = start
            while place < end {
                let count = try kernel("copy_file_range(2)", display(name)) { ctr_copy_file_range(fromRaw, toRaw, UInt(end - place)) }
                if count == 0 { break }
                place += off_t(count)
            }
            if place < end { break }
        }
        try kernel("ftruncate(2)", display(name)) { ftruncate(toRaw, off_t(status.size)) }
        try to.close(of: display(name))
    }

    /// nil behind the last data of a file.
    private func seek(_ file: borrowing OwnedFD, _ place: off_t, _ whence: CInt, _ name: EntryName) throws(KernelError) -> off_t? {
        let raw = file.raw
        do throws(KernelError) { return try kernel("lseek(2)", display(name)) { lseek(raw, place, whence) } } catch
            where error.errno == .noSuchAddressOrDevice
        {
            return nil
        }
    }

    /// Owner, mode, attributes, times: in the order in which the kernel takes back what a later call would clear.
    private func copyAttributes(
        from source: borrowing OwnedFD, _ sourceName: EntryName, _ status: FileStatus, to name: EntryName, in directory: borrowing OwnedFD
    ) throws(KernelError) {
        try directory.changeOwner(name, uid: status.uid, gid: status.gid)
        if status.kind != .symlink { try directory.changeMode(name, mode_t(status.permissions)) }
        for (key, value) in try source.attributes(of: sourceName) where !key.starts(with: Array("trusted.overlay.".utf8)) {
            try directory.setAttribute(key, value, of: name)
        }
        try directory.changeTime(name, status.modified)
    }
}
