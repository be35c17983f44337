// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux
internal import SystemPackage
internal import Tar

/// Applies the entries of one layer to its directory, in their order.
struct LayerWriter: ~Copyable {
    private let tree: LayerTree
    private(set) var facts: LayerFacts
    private let fixesModes: Bool
    private var factBytes = 0
    private var buffer = [UInt8](repeating: 0, count: 1 << 18)
    private let listing: LayerRecorder?

    /// - Parameter listing: where the layer's listing is written; nil: nowhere.
    init(_ directory: consuming OwnedFD, facts: LayerFacts, listing: FilePath?) throws(KernelError) {
        tree = LayerTree(directory)
        self.facts = facts
        var recorder: LayerRecorder?
        if let listing { recorder = try LayerRecorder(listing, tree) }
        self.listing = recorder
        // Reading the umask means setting it, which is every thread's: /proc tells it without. The daemon's is 0.
        let status = (try? readFile("/proc/thread-self/status")).map { String(decoding: $0, as: UTF8.self) } ?? ""
        fixesModes = !status.contains("Umask:\t0000")
    }

    /// - Parameter read: gives the content of a file.
    mutating func apply(
        _ entry: TarEntry, _ read: (UnsafeMutableRawBufferPointer) throws(LayerError) -> (offset: UInt64, count: Int)?
    ) throws(LayerError) {
        let shown = display(entry.path)
        facts.entries += 1
        let components = try LayerTree.components(entry.path)
        try Self.check(entry, shown)
        guard let name = components.last else {
            // "./" lists the root.
            guard entry.kind == .directory else { throw .entry(shown, reason: "the root can only be a directory") }
            tree.root.listing = entry
            return
        }
        if components.dropLast().contains(where: { $0.starts(with: Whiteout.metaPrefix) }) { return }
        let parent = try tree.parent(of: components, shown: shown)
        if name.starts(with: Whiteout.prefix) { return try whiteout(name, in: parent, shown) }
        if entry.kind == .directory { return try directory(entry, name, in: parent, shown) }
        if entry.kind == .hardLink { return try hardLink(entry, name, in: parent, shown) }
        try clear(name, in: parent, shown)
        let tree = tree
        do throws(KernelError) {
            try tree.withDirectory(parent) { directory throws(KernelError) in try make(entry, name, directory) }
        } catch {
            throw .kernel(entry: shown, error)
        }
        let checksum = entry.kind == .file ? try file(entry, name, in: parent, shown, read) : 0
        var record: Int64 = -1
        try step(shown) { () throws(KernelError) in record = try listing?.note(entry, checksum, name, in: parent) ?? record }
        Self.add(name, target: entry.kind == .symlink ? entry.linkTarget : nil, record, to: parent)
    }

    private static func add(_ name: EntryName, target: [UInt8]?, _ record: Int64, to parent: LayerNode) {
        guard let target else { return parent.children[name] = .file(record: record) }
        parent.add(name, .symlink(target: target)).record = record
    }

    /// Numbers that the kernel would read as something else: -1 keeps root's ownership, 0:0 deletes.
    private static func check(_ entry: TarEntry, _ shown: String) throws(LayerError) {
        guard entry.uid < UInt64(UInt32.max), entry.gid < UInt64(UInt32.max) else {
            throw .entry(shown, reason: "owner \(entry.uid):\(entry.gid) is outside 0...4294967294")
        }
        guard entry.kind == .characterDevice || entry.kind == .blockDevice else { return }
        guard entry.deviceMajor < 1 << 12, entry.deviceMinor < 1 << 20 else {
            throw .entry(shown, reason: "no device has the number \(entry.deviceMajor):\(entry.deviceMinor)")
        }
        if entry.kind == .characterDevice, entry.deviceMajor == 0, entry.deviceMinor == 0 {
            throw .entry(shown, reason: "a character device 0:0 is overlayfs's whiteout, and not a file")
        }
    }

    // MARK: Kinds

    private func whiteout(_ name: EntryName, in parent: LayerNode, _ shown: String) throws(LayerError) {
        if name == Whiteout.opaque {
            parent.isOpaque = true
            return
        }
        if name.starts(with: Whiteout.metaPrefix) { return }
        let deleted = Array(name.dropFirst(Whiteout.prefix.count))
        guard !deleted.isEmpty, deleted != [0x2E], deleted != [0x2E, 0x2E], deleted.count <= 255 else {
            throw .entry(shown, reason: "a whiteout of no name")
        }
        parent.whiteouts.insert(deleted)
    }

    private mutating func directory(_ entry: TarEntry, _ name: EntryName, in parent: LayerNode, _ shown: String) throws(LayerError) {
        if let known = parent.children[name]?.directory {
            known.listing = entry
            return
        }
        let replaces = parent.children[name] != nil
        try tree.checkDepth(below: parent, shown)
        try clear(name, in: parent, shown)
        try step(shown) { () throws(KernelError) in
            try tree.withDirectory(parent) { directory throws(KernelError) in try directory.makeDirectory(name, mode: 0o755) }
        }
        let node = parent.add(name, .directory)
        node.listing = entry
        // For a moment this was no directory: whatever a lower layer has below it is gone.
        node.isOpaque = replaces
    }

    /// A second name. Where this layer has no such file, a lower one must: that is settled when an image is assembled.
    private mutating func hardLink(_ entry: TarEntry, _ name: EntryName, in parent: LayerNode, _ shown: String) throws(LayerError) {
        let components = try LayerTree.components(entry.linkTarget)
        guard let targetName = components.last, targetName.count <= 255, !targetName.starts(with: Whiteout.prefix) else {
            throw .entry(shown, reason: "a hard link to \"\(display(entry.linkTarget))\"")
        }
        switch try tree.linkTarget(components, shown: shown) {
        case .below(let target):
            try clear(name, in: parent, shown)
            _ = parent.add(name, .externalLink(target: target))
        case .here(let child, let holder):
            guard child.directory == nil else {
                throw .entry(shown, reason: "a hard link to the directory \"\(display(entry.linkTarget))\"")
            }
            guard holder !== parent || targetName != name else { throw .entry(shown, reason: "a hard link to itself") }
            guard parent.children[name]?.node.map({ !holder.isBelow($0) }) ?? true else {
                throw .entry(shown, reason: "a hard link in place of a directory that its target is in")
            }
            try clear(name, in: parent, shown)
            try step(shown) { () throws(KernelError) in
                try tree.withDirectory(holder) { from throws(KernelError) in
                    try tree.withDirectory(parent) { to throws(KernelError) in try to.makeLink(name, to: targetName, in: from) }
                }
            }
            let record = try listing?.noteLink(name, of: child.record, in: parent) ?? -1
            guard case .symlink(let target) = child.node?.kind else { return Self.add(name, target: nil, record, to: parent) }
            Self.add(name, target: target, record, to: parent)
        }
    }

    private mutating func make(_ entry: TarEntry, _ name: EntryName, _ directory: borrowing OwnedFD) throws(KernelError) {
        let type: mode_t
        switch entry.kind {
        case .file, .directory, .hardLink: return
        case .symlink:
            try directory.makeSymlink(name, to: entry.linkTarget)
            return try finish(entry, name, directory)
        case .fifo: type = S_IFIFO
        case .characterDevice: type = S_IFCHR
        case .blockDevice: type = S_IFBLK
        }
        let device = entry.kind == .fifo ? 0 : ctr_makedev(UInt32(entry.deviceMajor), UInt32(entry.deviceMinor))
        try directory.makeNode(name, mode: type | mode_t(entry.mode), device: device)
        try finish(entry, name, directory)
    }

    /// Owner, then mode (chown clears setuid), then attributes (chown clears capabilities), then times.
    private mutating func finish(_ entry: TarEntry, _ name: EntryName, _ directory: borrowing OwnedFD) throws(KernelError) {
        let owned = entry.uid != 0 || entry.gid != 0
        if owned { try directory.changeOwner(name, uid: UInt32(entry.uid), gid: UInt32(entry.gid)) }
        if entry.kind != .symlink, owned || fixesModes || entry.kind == .directory { try directory.changeMode(name, mode_t(entry.mode)) }
        for attribute in entry.attributes where Self.isStorable(attribute.key) {
            try tolerate(attribute, entry) { () throws(KernelError) in try directory.setAttribute(attribute.key, attribute.value, of: name)
            }
        }
        try directory.changeTime(name, FileTime(seconds: entry.modifiedSeconds, nanoseconds: entry.modifiedNanoseconds))
    }

    /// - Returns: `Checksum64` of the content, taken of what the processor's caches still hold.
    private mutating func file(
        _ entry: TarEntry, _ name: EntryName, in parent: LayerNode, _ shown: String,
        _ read: (UnsafeMutableRawBufferPointer) throws(LayerError) -> (offset: UInt64, count: Int)?
    ) throws(LayerError) -> UInt64 {
        let file: OwnedFD
        do throws(KernelError) {
            file = OwnedFD(
                owning: try tree.withDirectory(parent) { directory throws(KernelError) in
                    try directory.open(name, O_WRONLY | O_CREAT | O_EXCL, mode: mode_t(entry.mode)).release()
                })
        } catch {
            throw .kernel(entry: shown, error)
        }
        let raw = file.raw
        var checksum = Checksum64()
        var position: UInt64 = 0
        while true {
            var span = buffer.mutableSpan
            let part = try span.withUnsafeMutableBytes { bytes throws(LayerError) in
                guard let part = try read(bytes) else { return false }
                if part.offset > position { checksum.update(zeros: part.offset - position) }
                checksum.update(UnsafeRawBufferPointer(rebasing: bytes[..<part.count]))
                position = part.offset + UInt64(part.count)
                do throws(KernelError) { try Self.write(raw, bytes, part.count, at: part.offset, shown) } catch {
                    throw .kernel(entry: shown, error)
                }
                return true
            }
            if !part { break }
        }
        do throws(KernelError) { try finishFile(entry, file, shown) } catch { throw .kernel(entry: shown, error) }
        if entry.size > position { checksum.update(zeros: entry.size - position) }
        return checksum.value
    }

    private static func write(_ raw: CInt, _ bytes: UnsafeMutableRawBufferPointer, _ count: Int, at offset: UInt64, _ shown: String)
        throws(KernelError)
    {
        var done = 0
        while done < count {
            done += try kernel("pwrite(2)", shown) {
                pwrite(raw, bytes.baseAddress.map { $0 + done }, count - done, off_t(offset) + off_t(done))
            }
        }
    }

    private mutating func finishFile(_ entry: TarEntry, _ file: consuming OwnedFD, _ shown: String) throws(KernelError) {
        let raw = file.raw
        // A hole at the end is not written; without it the file would be too short.
        if entry.sparse != nil { try kernel("ftruncate(2)", shown) { ftruncate(raw, off_t(entry.size)) } }
        let owned = entry.uid != 0 || entry.gid != 0
        if owned { try kernel("fchown(2)", shown) { fchown(raw, UInt32(entry.uid), UInt32(entry.gid)) } }
        // Writing clears setuid and setgid, too.
        if fixesModes || entry.mode & 0o6000 != 0 { try kernel("fchmod(2)", shown) { fchmod(raw, mode_t(entry.mode)) } }
        for attribute in entry.attributes where Self.isStorable(attribute.key) {
            try tolerate(attribute, entry) { () throws(KernelError) in try file.setAttribute(attribute.key, attribute.value) }
        }
        try file.changeTime(FileTime(seconds: entry.modifiedSeconds, nanoseconds: entry.modifiedNanoseconds), of: shown)
        try file.close(of: shown)
    }

    /// overlayfs obeys its own attributes, and a layer must not speak to it.
    private static func isStorable(_ key: [UInt8]) -> Bool {
        !key.starts(with: Array("trusted.overlay.".utf8)) && !key.starts(with: Array("user.overlay.".utf8))
    }

    /// An attribute that this filesystem can't keep is noted, but for capabilities, without which a program does not work.
    private mutating func tolerate(_ attribute: TarEntry.Attribute, _ entry: TarEntry, _ body: () throws(KernelError) -> Void)
        throws(KernelError)
    {
        do throws(KernelError) { try body() } catch
            where (error.errno == .notSupported || error.errno == .notPermitted) && attribute.key != Array("security.capability".utf8)
        {
            if facts.warnings.count < 100 {
                facts.warnings.append("\(display(entry.path)): attribute \(display(attribute.key)): \(error.errno)")
            }
        }
    }

    /// Makes room: what an earlier entry of this layer put there goes.
    private mutating func clear(_ name: EntryName, in parent: LayerNode, _ shown: String) throws(LayerError) {
        guard let child = parent.children[name] else { return }
        let isDirectory = child.directory != nil
        try step(shown) { () throws(KernelError) in try listing?.forget(child) }
        if let node = child.node { tree.forget(node) }
        parent.children[name] = nil
        if case .externalLink = child.node?.kind { return }
        try step(shown) { () throws(KernelError) in
            try tree.withDirectory(parent) { directory throws(KernelError) in
                guard isDirectory else { return try directory.remove(name, directory: false) }
                try directory.removeTree(name)
            }
        }
    }

    private func step(_ shown: String, _ body: () throws(KernelError) -> Void) throws(LayerError) {
        do throws(KernelError) { try body() } catch { throw .kernel(entry: shown, error) }
    }

    // MARK: The end

    /// How many bytes of names the facts may hold: they are kept in memory and in the database.
    private static let mostFactBytes = 16 << 20

    /// Deletions take their overlay form, and directories their attributes: both need to know all entries.
    mutating func finish() throws(LayerError) -> LayerFacts {
        var pending: [(node: LayerNode, hidden: Bool)] = [(tree.root, false)]
        var ordered: [LayerNode] = []
        while let (node, hidden) = pending.popLast() {
            try settleWhiteouts(node, hidden: hidden)
            ordered.append(node)
            var below: [LayerNode] = []
            for (name, child) in node.children {
                if let directory = child.directory { below.append(directory) }
                guard case .externalLink(let target) = child.node?.kind else { continue }
                let path = LayerPath(node.path.components + [name])
                try note(target)
                try note(path, in: \.externalLinks, LayerFacts.ExternalLink(path: path, target: target))
            }
            // Sorted: the same layer gets the same listing wherever it is unpacked.
            below.sort { $0.name.lexicographicallyPrecedes($1.name) }
            pending += below.map { ($0, hidden || node.isOpaque) }
        }
        // Children before parents: making a child's 0:0 device touched its parent's time.
        for node in ordered.reversed() {
            if node.listing == nil { try note(node.path, in: \.implied, node.path) }
            try settleAttributes(node)
        }
        facts.listing = try listing?.finish()
        facts.implied.sort { $0.bytes.lexicographicallyPrecedes($1.bytes) }
        facts.whiteouts.sort { $0.bytes.lexicographicallyPrecedes($1.bytes) }
        facts.opaques.sort { $0.bytes.lexicographicallyPrecedes($1.bytes) }
        facts.externalLinks.sort { $0.path.bytes.lexicographicallyPrecedes($1.path.bytes) }
        return facts
    }

    private mutating func note<Fact>(_ path: LayerPath, in list: WritableKeyPath<LayerFacts, [Fact]>, _ fact: Fact) throws(LayerError) {
        try note(path)
        facts[keyPath: list].append(fact)
    }

    private mutating func note(_ path: LayerPath) throws(LayerError) {
        factBytes += path.components.reduce(0) { $0 + $1.count + 1 }
        guard factBytes <= Self.mostFactBytes else {
            throw .entry(
                display(path.bytes), reason: "the names of deletions and unlisted directories are more than \(Self.mostFactBytes) bytes")
        }
    }

    private mutating func settleWhiteouts(_ node: LayerNode, hidden: Bool) throws(LayerError) {
        for name in node.whiteouts.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            if let child = node.children[name] {
                // Deleted below and made anew here: nothing of the old one is left, not even its attributes.
                guard let directory = child.directory else { continue }
                directory.isOpaque = true
                if directory.listing == nil { directory.listing = Self.unlisted }
            } else if !node.isOpaque && !hidden {
                let path = LayerPath(node.path.components + [name])
                try note(path, in: \.whiteouts, path)
                try step(display(path.bytes)) { () throws(KernelError) in
                    try tree.withDirectory(node) { directory throws(KernelError) in try directory.makeNode(name, mode: S_IFCHR, device: 0) }
                    try listing?.noteWhiteout(name, in: node)
                }
            }
        }
        guard node.isOpaque, !hidden else { return }
        try note(node.path, in: \.opaques, node.path)
        try step(display(node.path.bytes)) { () throws(KernelError) in
            try tree.withDirectory(node) { directory throws(KernelError) in
                try directory.setAttribute(Array("trusted.overlay.opaque".utf8), [UInt8(ascii: "y")])
            }
        }
    }

    /// What a directory gets that no entry lists: root's, 0755, of 1970.
    private static let unlisted = TarEntry(path: [], kind: .directory, mode: 0o755)

    /// What an implied directory shows in an image comes from a fix-up, or nothing below has it.
    private mutating func settleAttributes(_ node: LayerNode) throws(LayerError) {
        let entry = node.listing ?? Self.unlisted
        let name: EntryName = [0x2E]
        let tree = tree
        do throws(KernelError) {
            try tree.withDirectory(node) { directory throws(KernelError) in try finish(entry, name, directory) }
            try listing?.noteDirectory(node, entry, isOpaque: node.isOpaque)
        } catch {
            throw .kernel(entry: display(node.path.bytes), error)
        }
    }
}
