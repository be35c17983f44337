// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux
internal import SystemPackage
internal import Tar

/// Tells a layer's listing what the writer has made, as it is on disk: from the entry, and only where the kernel may have made something
/// else of it by a look.
final class LayerRecorder {
    private let listing: ListingWriter
    private let tree: LayerTree
    /// Whether the filesystem keeps nanoseconds. ext4 with inodes of 128 bytes does not.
    private let keepsNanoseconds: Bool
    /// The path of the last parent, and behind it the last name: most names have the same parent as the one before.
    private var path: [UInt8] = []
    private var parent: LayerNode?
    private var parentLength = 0

    init(_ path: FilePath, _ tree: LayerTree) throws(KernelError) {
        self.tree = tree
        listing = try ListingWriter(path)
        keepsNanoseconds = try tree.withDirectory(tree.root) { root throws(KernelError) in
            let time = FileTime(seconds: 1, nanoseconds: 999_999_999)
            try root.changeTime([0x2E], time)
            return try root.status().modified == time
        }
    }

    // MARK: What was made

    /// A file, a symbolic link or a special file.
    /// - Returns: where the listing has it.
    func note(_ entry: TarEntry, _ checksum: UInt64, _ name: EntryName, in parent: LayerNode) throws(KernelError) -> Int64 {
        let content: ListedObject.Content
        switch entry.kind {
        case .file: content = .file(size: entry.size, checksum: checksum)
        case .symlink: content = .symlink(target: entry.linkTarget)
        case .characterDevice: content = .characterDevice(Self.number(entry))
        case .blockDevice: content = .blockDevice(Self.number(entry))
        case .fifo: content = .fifo
        case .directory, .hardLink: return -1
        }
        let object = try observed(Self.object(content, entry), entry, name, in: parent)
        return try listing.append(object, at: place(name, in: parent))
    }

    /// A second name.
    /// - Parameter record: where the listing has the first one.
    func noteLink(_ name: EntryName, of record: Int64, in parent: LayerNode) throws(LayerError) -> Int64 {
        try listing.repeated(record, at: place(name, in: parent))
    }

    func noteWhiteout(_ name: EntryName, in parent: LayerNode) throws(KernelError) {
        _ = try listing.append(ListedObject(.whiteout), at: place(name, in: parent))
    }

    /// With its final attributes.
    func noteDirectory(_ node: LayerNode, _ entry: TarEntry, isOpaque: Bool) throws(KernelError) {
        var object = Self.object(.directory, entry)
        if isOpaque || !isPlain(entry) { object = try look(object, [0x2E], in: node) }
        _ = try listing.append(object, at: node.parent.map { place(node.name, in: $0) } ?? [])
    }

    /// A name and all that is below it are no more.
    func forget(_ child: LayerChild) throws(KernelError) {
        var pending = [child]
        while let child = pending.popLast() {
            if child.record >= 0 { try listing.remove(child.record) }
            if let node = child.node { pending += node.children.values }
        }
    }

    func finish() throws(LayerError) -> ListingSummary { try listing.finish() }

    // MARK: -

    private static func object(_ content: ListedObject.Content, _ entry: TarEntry) -> ListedObject {
        ListedObject(
            content, mode: entry.kind == .symlink ? 0o777 : entry.mode, uid: UInt32(clamping: entry.uid), gid: UInt32(clamping: entry.gid),
            modified: FileTime(seconds: entry.modifiedSeconds, nanoseconds: entry.modifiedNanoseconds))
    }

    private static func number(_ entry: TarEntry) -> UInt64 { ctr_makedev(UInt32(entry.deviceMajor), UInt32(entry.deviceMinor)) }

    private func observed(_ object: ListedObject, _ entry: TarEntry, _ name: EntryName, in parent: LayerNode) throws(KernelError)
        -> ListedObject
    {
        isPlain(entry) ? object : try look(object, name, in: parent)
    }

    /// Nothing that the kernel or the filesystem may change: an ACL changes the mode, and an attribute may not be storable; times before
    /// 1901 and after 2038 are cut to what an inode holds.
    private func isPlain(_ entry: TarEntry) -> Bool {
        entry.attributes.isEmpty && (keepsNanoseconds || entry.modifiedNanoseconds == 0) && Int32(exactly: entry.modifiedSeconds) != nil
    }

    private func look(_ object: ListedObject, _ name: EntryName, in parent: LayerNode) throws(KernelError) -> ListedObject {
        try tree.withDirectory(parent) { directory throws(KernelError) in
            guard let status = try directory.status(name) else {
                throw KernelError(call: "fstatat(2)", object: display(name), errno: .noSuchFileOrDirectory)
            }
            var object = object
            object.mode = status.permissions
            object.modified = status.modified
            object.attributes = Checksum64.of(attributes: try directory.attributes(of: name))
            return object
        }
    }

    private func place(_ name: EntryName, in parent: LayerNode) -> [UInt8] {
        if self.parent !== parent {
            self.parent = parent
            path = parent.path.bytes
            if !path.isEmpty { path.append(UInt8(ascii: "/")) }
            parentLength = path.count
        }
        path.removeSubrange(parentLength...)
        path += name
        return path
    }
}
