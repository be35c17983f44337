// SPDX-License-Identifier: Apache-2.0

internal import Glibc
package import Linux
package import SystemPackage

/// One difference of a container's root to its image.
package enum UpperChange: UInt8, Sendable, Hashable {
    case added = 0x41
    case changed = 0x43
    case deleted = 0x44
}

/// Walks an upper beside its lowers by descriptors, while the container may go on writing, and opens nothing but directories. What is kept is one
/// directory for each level of the tree.
package struct UpperChanges {
    /// Copies of a descriptor can't be kept in an array; references to one can.
    private final class Open: Sendable {
        let descriptor: OwnedFD
        init(_ descriptor: consuming OwnedFD) { self.descriptor = descriptor }
    }

    private struct Entry {
        var name: EntryName
        /// nil: not worth telling, unless something in it is.
        var change: UpperChange?
        var directory: Below?
        /// Then this.
        var changeWithContent = UpperChange.changed
    }

    /// What a directory of the upper has under it.
    private struct Below {
        /// The lowers that have its parent, and merge with it.
        var lowers: [Int]
        /// An opaque directory is above it: what lowers have is gone, and what is here was made anew.
        var isHidden: Bool
    }

    /// A directory that is being looked at.
    private struct Place {
        var path: [EntryName]
        /// Still to come, the last first.
        var entries: [Entry]
        /// What is to be told of the directory itself before anything in it; nil: it has been told.
        var untold: UpperChange?
    }

    private let top: Open
    private let lowers: [Open]
    private let targets: Set<[EntryName]>
    private var stack: [Place] = []

    /// - Parameters:
    ///   - lowerdirs: from the uppermost down.
    ///   - targets: of mounts: what stands there empty was made to mount on.
    package init(_ upper: FilePath, over lowerdirs: [FilePath], leavingOut targets: Set<[EntryName]>) throws(KernelError) {
        top = Open(try openFile(upper, O_RDONLY | O_DIRECTORY | O_NOFOLLOW))
        lowers = try lowerdirs.map { path throws(KernelError) in Open(try openFile(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)) }
        self.targets = targets
    }

    /// Tells every change in the order of the tree; a directory is changed where something in it is.
    package mutating func visit(
        _ each: (UpperChange, [EntryName]) throws(KernelError) -> Void
    ) throws(KernelError) {
        try enter([], Below(lowers: Array(lowers.indices), isHidden: false), untold: nil)
        while let entry = next() {
            let path = (stack.last?.path ?? []) + [entry.name]
            if let change = entry.change { try tell(change, path, each) }
            guard let below = entry.directory else { continue }
            // Somebody has removed it since its name was read.
            do throws(KernelError) { try enter(path, below, untold: entry.change == nil ? entry.changeWithContent : nil) } catch
                where error.meansVanished
            {}
        }
    }

    private mutating func next() -> Entry? {
        while !stack.isEmpty {
            if let entry = stack[stack.count - 1].entries.popLast() { return entry }
            stack.removeLast()
        }
        return nil
    }

    private mutating func tell(
        _ change: UpperChange, _ path: [EntryName], _ each: (UpperChange, [EntryName]) throws(KernelError) -> Void
    ) throws(KernelError) {
        for index in stack.indices {
            if let untold = stack[index].untold.take() { try each(untold, stack[index].path) }
        }
        try each(change, path)
    }

    // MARK: One directory

    private mutating func enter(_ path: [EntryName], _ own: Below, untold: UpperChange?) throws(KernelError) {
        let directory = try top.descriptor.openBeneath(path, O_RDONLY | O_DIRECTORY)
        let isOpaque = try Self.isOpaque(directory, path)
        let isHidden = own.isHidden || isOpaque
        let below = try directories(path, own.lowers)
        let names = try directory.entries(of: "an upper").map(\.name)
        var entries: [Entry] = []
        for name in names {
            guard let status = try directory.status(name) else { continue }
            if let entry = try entry(name, status, path, below, isHidden) { entries.append(entry) }
        }
        if isHidden {
            let kept = Set(names)
            for name in try shown(in: below) where !kept.contains(name) { entries.append(Entry(name: name, change: .deleted)) }
        }
        entries.sort { $1.name.lexicographicallyPrecedes($0.name) }
        stack.append(Place(path: path, entries: entries, untold: untold))
    }

    private func entry(
        _ name: EntryName, _ status: FileStatus, _ place: [EntryName], _ below: [(index: Int, open: Open)], _ isHidden: Bool
    ) throws(KernelError) -> Entry? {
        let lower = try visible(name, in: below)
        if status.isWhiteout { return lower == nil ? nil : Entry(name: name, change: .deleted) }
        let path = place + [name]
        guard status.kind == .directory else {
            if lower == nil, targets.contains(path), status.size == 0 { return nil }
            return Entry(name: name, change: lower == nil ? .added : .changed)
        }
        let further = Below(lowers: lower?.kind == .directory ? below.map(\.index) : [], isHidden: isHidden)
        if let lower { return Entry(name: name, change: Self.differs(status, lower) ? .changed : nil, directory: further) }
        // A directory that was made to mount on, or on the way to there, is told only with what else is in it.
        let isForMount = targets.contains { $0.starts(with: path) }
        return Entry(name: name, change: isForMount ? nil : .added, directory: further, changeWithContent: .added)
    }

    private static func differs(_ upper: FileStatus, _ lower: FileStatus) -> Bool {
        upper.kind != lower.kind || upper.permissions != lower.permissions || upper.uid != lower.uid || upper.gid != lower.gid
    }

    /// What the image shows under a name.
    private func visible(_ name: EntryName, in below: [(index: Int, open: Open)]) throws(KernelError) -> FileStatus? {
        for (_, open) in below {
            guard let status = try open.descriptor.status(name) else { continue }
            return status.isWhiteout ? nil : status
        }
        return nil
    }

    /// Every name that the image shows there.
    private func shown(in below: [(index: Int, open: Open)]) throws(KernelError) -> [EntryName] {
        var names: Set<EntryName> = []
        for (_, open) in below { for entry in try open.descriptor.entries(of: "a layer") { names.insert(entry.name) } }
        var shown: [EntryName] = []
        for name in names { if try visible(name, in: below) != nil { shown.append(name) } }
        return shown
    }

    /// The lowers' directories that the image shows merged in this place, the uppermost first.
    /// Source: overlayfs.rst: directories merge downwards until something else, a whiteout, or an opaque one.
    private func directories(_ path: [EntryName], _ candidates: [Int]) throws(KernelError) -> [(index: Int, open: Open)] {
        var merged: [(index: Int, open: Open)] = []
        for index in candidates {
            do throws(KernelError) {
                let open = Open(try lowers[index].descriptor.openBeneath(path, O_RDONLY | O_DIRECTORY))
                merged.append((index, open))
                if try Self.isOpaque(open.descriptor, path) { break }
            } catch  where error.errno == .noSuchFileOrDirectory {
                continue
            } catch  where error.meansVanished {
                break
            }
        }
        return merged
    }

    /// The root never is: overlayfs does not look there.
    private static func isOpaque(_ directory: borrowing OwnedFD, _ path: [EntryName]) throws(KernelError) -> Bool {
        if path.isEmpty { return false }
        return try directory.attribute(Array("trusted.overlay.opaque".utf8)) == [UInt8(ascii: "y")]
    }
}
