// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Layers
internal import Linux
internal import SystemPackage

/// Walks an upper beside its lowers, by descriptors. A container that runs changes the tree meanwhile: what vanishes is left out.
struct UpperInspection {
    private let top: Open
    private let own: FileStatus
    private let lowers: [Open]
    private var usage: TreeUsage
    private var linked: Set<UInt64> = []
    private var files: Int64 = 0
    private var directories: Int64 = 1
    private var largestFiles: Largest<UpperContents.File>
    private var fullest: Largest<UpperContents.Directory>
    private var copied: Largest<UpperContents.CopiedFile>
    private var copiedCount = 0
    private var copiedBytes: Int64 = 0
    private var copiedLowerBytes: Int64 = 0
    private var whiteouts: Counted<LayerPath>
    private var opaques: Counted<LayerPath>

    /// Copies of a descriptor can't be kept in an array; references to one can.
    private final class Open: Sendable {
        let descriptor: OwnedFD
        init(_ descriptor: consuming OwnedFD) { self.descriptor = descriptor }
    }

    /// A directory of the upper that is still to be looked at.
    private struct Place {
        var path: [EntryName]
        /// The lowers that have its parent, and merge with it.
        var lowers: [Int]
    }

    /// - Parameters:
    ///   - lowerdirs: of its stack, from the uppermost down. One that is missing counts as empty.
    ///   - count: how many paths of a kind are named.
    static func inspect(_ upper: FilePath, over lowerdirs: [FilePath], naming count: Int) throws(KernelError) -> UpperContents {
        var inspection = try UpperInspection(upper, lowerdirs, count)
        try inspection.walk()
        return inspection.contents
    }

    private init(_ upper: FilePath, _ lowerdirs: [FilePath], _ count: Int) throws(KernelError) {
        top = Open(try openFile(upper, O_RDONLY | O_DIRECTORY | O_NOFOLLOW))
        own = try top.descriptor.status()
        lowers = try lowerdirs.map { path throws(KernelError) in Open(try openFile(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)) }
        usage = TreeUsage(bytes: own.blocks * 512, inodes: 1)
        largestFiles = Largest(count)
        fullest = Largest(count)
        copied = Largest(count)
        whiteouts = Counted(count)
        opaques = Counted(count)
    }

    private var contents: UpperContents {
        UpperContents(
            usage: usage, files: files, directories: directories, largestFiles: largestFiles.elements, fullestDirectories: fullest.elements,
            copiedCount: copiedCount, copiedBytes: copiedBytes, copiedLowerBytes: copiedLowerBytes, copied: copied.elements,
            whiteouts: UpperContents.Marks(count: whiteouts.count, paths: whiteouts.first),
            opaques: UpperContents.Marks(count: opaques.count, paths: opaques.first))
    }

    private mutating func walk() throws(KernelError) {
        var pending = [Place(path: [], lowers: Array(lowers.indices))]
        while let place = pending.popLast() {
            do throws(KernelError) { try look(at: place, &pending) } catch  where error.meansVanished && !place.path.isEmpty {}
        }
    }

    private mutating func look(at place: Place, _ pending: inout [Place]) throws(KernelError) {
        let directory = try top.descriptor.openBeneath(place.path, O_RDONLY | O_DIRECTORY)
        let isOpaque = try Self.isOpaque(directory, place)
        if isOpaque { opaques.append(LayerPath(place.path)) }
        let merged = isOpaque ? [] : try mergedLowers(place)
        var here = TreeUsage()
        var children: [Place] = []
        let names = try directory.entries(of: display(LayerPath(place.path).bytes)).map(\.name).sorted { $0.lexicographicallyPrecedes($1) }
        for name in names {
            guard let status = try directory.status(name), status.device == own.device else { continue }
            let path = place.path + [name]
            // The kernel makes every whiteout of an overlay a link to one inode.
            if status.isWhiteout { whiteouts.append(LayerPath(path)) }
            if status.kind == .directory {
                directories += 1
                children.append(Place(path: path, lowers: merged.map(\.index)))
            } else if status.links > 1, !linked.insert(status.inode).inserted {
                continue
            } else if !status.isWhiteout {
                files += 1
                largestFiles.offer(status.blocks * 512, UpperContents.File(path: LayerPath(path), bytes: status.blocks * 512))
                try noteCopy(path, status, merged)
            }
            here = here + TreeUsage(bytes: status.blocks * 512, inodes: 1)
        }
        usage = usage + here
        if here.inodes > 0 {
            fullest.offer(here.bytes, UpperContents.Directory(path: LayerPath(place.path), bytes: here.bytes, inodes: here.inodes))
        }
        pending += children.reversed()
    }

    private mutating func noteCopy(_ path: [EntryName], _ status: FileStatus, _ merged: [(index: Int, open: Open)]) throws(KernelError) {
        guard let name = path.last else { return }
        for (index, open) in merged {
            guard let lower = try open.descriptor.status(name) else { continue }
            if lower.isWhiteout || lower.kind == .directory { return }
            copiedCount += 1
            copiedBytes += status.blocks * 512
            copiedLowerBytes += lower.blocks * 512
            copied.offer(
                lower.blocks * 512,
                UpperContents.CopiedFile(
                    path: LayerPath(path), bytes: status.blocks * 512, lowerBytes: lower.blocks * 512, lowerdir: index))
            return
        }
    }

    /// Which lowers' directories of this name are seen through the upper's, the uppermost first.
    /// Source: overlayfs.rst: directories merge downwards until something else, a whiteout, or an opaque one.
    private func mergedLowers(_ place: Place) throws(KernelError) -> [(index: Int, open: Open)] {
        var merged: [(index: Int, open: Open)] = []
        for index in place.lowers {
            do throws(KernelError) {
                let open = Open(try lowers[index].descriptor.openBeneath(place.path, O_RDONLY | O_DIRECTORY))
                merged.append((index, open))
                if try Self.isOpaque(open.descriptor, place) { break }
            } catch  where error.errno == .noSuchFileOrDirectory {
                continue
            } catch  where error.meansVanished {
                // Something else, or a whiteout: what is below it is hidden.
                break
            }
        }
        return merged
    }

    /// The root never is: overlayfs does not look there.
    private static func isOpaque(_ directory: borrowing OwnedFD, _ place: Place) throws(KernelError) -> Bool {
        if place.path.isEmpty { return false }
        return try directory.attribute(Array("trusted.overlay.opaque".utf8)) == [UInt8(ascii: "y")]
    }
}
