// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
package import Linux
internal import SystemPackage
package import Tar

/// How an archive is unpacked.
package struct ExtractionRules: Sendable {
    package enum Links: Sendable {
        /// Links in the way are followed as whoever has this root would: never out of it.
        case inRoot
        /// A link in the way is refused.
        case refused
    }
    package enum Owner: Sendable, Hashable {
        case asArchived
        case fixed(uid: UInt32, gid: UInt32)
    }
    package var links: Links
    package var owner: Owner
    /// Device nodes, which on a host could be anybody's disk.
    package var makesDevices: Bool
    /// Whether the first component of every name goes, and what comes before the rest.
    package var replacesTop: Bool
    package var prefix: [EntryName]

    package init(links: Links, owner: Owner, makesDevices: Bool, replacesTop: Bool = false, prefix: [EntryName] = []) {
        self.links = links
        self.owner = owner
        self.makesDevices = makesDevices
        self.replacesTop = replacesTop
        self.prefix = prefix
    }
}

/// Unpacks a tar stream beneath a directory that others may change meanwhile: each name is resolved by the kernel beneath the root at the moment
/// it is used (openat2), and the last component is never followed.
package struct TreeExtractor: ~Copyable {
    private let root: OwnedFD
    /// Of the directory that it goes to, below the root.
    private let base: [EntryName]
    private let rules: ExtractionRules
    /// Done last: making what is in a directory touches it, and its mode may forbid that.
    private var directories: [Made] = []
    private var buffer = [UInt8](repeating: 0, count: 1 << 18)
    private struct Made {
        var path: [EntryName]
        var entry: TarEntry
        var device: UInt64
        var inode: UInt64
    }
    /// Devices that were not made.
    package private(set) var skipped = 0

    package init(root: consuming OwnedFD, base: [EntryName], _ rules: ExtractionRules) {
        self.root = root
        self.base = base
        self.rules = rules
    }

    package mutating func extract<Source: TarSource & ~Copyable>(_ reader: inout TarReader<Source>) throws(TransferError) {
        while true {
            let next: TarEntry?
            do throws(TarError) { next = try reader.next() } catch { throw .tar(error) }
            guard let entry = next else { break }
            try apply(entry, &reader)
        }
        for directory in directories.reversed() { try finishDirectory(directory) }
        directories = []
    }

    // MARK: Names

    private func components(_ path: [UInt8], _ shown: String) throws(TransferError) -> [EntryName] {
        var components = path.split(separator: UInt8(ascii: "/")).map(Array.init).filter { $0 != [0x2E] }
        guard !components.contains([0x2E, 0x2E]) else { throw .refused(entry: shown, reason: "a name with \"..\"") }
        guard components.allSatisfy({ $0.count <= 255 && !$0.contains(0) }) else {
            throw .refused(entry: shown, reason: "a name that no file can have")
        }
        if rules.replacesTop, !components.isEmpty { components.removeFirst() }
        return rules.prefix + components
    }

    private func open(_ path: [EntryName], _ flags: CInt) throws(KernelError) -> OwnedFD {
        switch rules.links {
        case .refused: return try root.openBeneath(base + path, flags | O_NOFOLLOW)
        case .inRoot: return try root.openInRoot((base + path).joinedPath, flags)
        }
    }

    /// Made where it is missing, as tar does for archives that don't list it.
    private func parent(of path: [EntryName], _ shown: String) throws(TransferError) -> OwnedFD {
        let parent = Array(path.dropLast())
        do throws(KernelError) {
            do throws(KernelError) {
                return try open(parent, CTR_O_PATH | O_DIRECTORY)
            } catch  where error.errno == .noSuchFileOrDirectory && !parent.isEmpty {}
            for count in 1...parent.count {
                let prefix = Array(parent.prefix(count))
                do throws(KernelError) { _ = try open(prefix, CTR_O_PATH | O_DIRECTORY) } catch  where error.errno == .noSuchFileOrDirectory
                {
                    guard let name = prefix.last else { continue }
                    try open(Array(prefix.dropLast()), CTR_O_PATH | O_DIRECTORY).makeDirectory(name, mode: 0o755)
                }
            }
            return try open(parent, CTR_O_PATH | O_DIRECTORY)
        } catch {
            throw .kernel(entry: shown, error)
        }
    }

    // MARK: Entries

    private mutating func apply<Source: TarSource & ~Copyable>(
        _ entry: TarEntry, _ reader: inout TarReader<Source>
    ) throws(TransferError) {
        let shown = display(entry.path)
        let path = try components(entry.path, shown)
        guard let name = path.last else {
            guard entry.kind == .directory else { throw .refused(entry: shown, reason: "no name for it") }
            return
        }
        if entry.kind == .characterDevice || entry.kind == .blockDevice, !rules.makesDevices {
            skipped += 1
            return
        }
        guard entry.uid < UInt64(UInt32.max), entry.gid < UInt64(UInt32.max) else {
            throw .refused(entry: shown, reason: "owner \(entry.uid):\(entry.gid)")
        }
        let parent = try parent(of: path, shown)
        if entry.kind == .directory { return try makeDirectory(entry, path, name, in: parent, shown) }
        if entry.kind == .file {
            let file = try makeFile(name, in: parent, shown)
            try fill(file, &reader, shown)
            return try finish(file, entry, shown)
        }
        guard try !isMountPoint(name, in: parent, shown) else {
            throw .refused(entry: shown, reason: "something is mounted there")
        }
        try clear(name, in: parent, shown)
        if entry.kind == .hardLink { return try link(entry, name, in: parent, shown) }
        do throws(KernelError) {
            try makeSpecial(entry, name, in: parent)
            let owner = owner(of: entry)
            try parent.changeOwner(name, uid: owner.uid, gid: owner.gid)
            try parent.changeTime(name, FileTime(seconds: entry.modifiedSeconds, nanoseconds: entry.modifiedNanoseconds))
        } catch {
            throw .kernel(entry: shown, error)
        }
    }

    private mutating func makeDirectory(
        _ entry: TarEntry, _ path: [EntryName], _ name: EntryName, in parent: borrowing OwnedFD, _ shown: String
    ) throws(TransferError) {
        let known: FileStatus?
        do throws(KernelError) { known = try parent.status(name) } catch { throw .kernel(entry: shown, error) }
        if known?.kind == .directory { return }
        if known?.kind == .symlink, rules.links == .inRoot, (try? open(path, CTR_O_PATH | O_DIRECTORY)) != nil { return }
        guard known == nil else { throw .refused(entry: shown, reason: "there is something else than a directory") }
        do throws(KernelError) {
            try parent.makeDirectory(name, mode: 0o700)
            let made = try parent.open(name, O_RDONLY | O_DIRECTORY).status()
            directories.append(Made(path: path, entry: entry, device: made.device, inode: made.inode))
        } catch {
            throw .kernel(entry: shown, error)
        }
    }

    /// A new file, never one that is there: who has that open, or linked elsewhere, keeps it as it is.
    private func makeFile(_ name: EntryName, in parent: borrowing OwnedFD, _ shown: String) throws(TransferError) -> OwnedFD {
        if try isMountPoint(name, in: parent, shown) { return try mountedFile(name, in: parent, shown) }
        try clear(name, in: parent, shown)
        do throws(KernelError) { return try parent.open(name, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600) } catch {
            throw .kernel(entry: shown, error)
        }
    }

    /// A file that something is mounted on, such as /etc/hosts: it is written in its place.
    private func mountedFile(_ name: EntryName, in parent: borrowing OwnedFD, _ shown: String) throws(TransferError) -> OwnedFD {
        do throws(KernelError) {
            let object = try parent.open(name, CTR_O_PATH)
            guard try object.status().kind == .regular else {
                throw KernelError(call: "unlinkat(2)", object: shown, errno: .resourceBusy)
            }
            let file = try openFile(FilePath("/proc/self/fd/\(object.raw)"), O_WRONLY)
            let raw = file.raw
            try kernel("ftruncate(2)", shown) { ftruncate(raw, 0) }
            return file
        } catch {
            throw .kernel(entry: shown, error)
        }
    }

    /// Asked for, since the kernel would not refuse to remove it: it is busy only in the mount namespace of the container, and elsewhere its
    /// removal takes the mount with it.
    private func isMountPoint(_ name: EntryName, in parent: borrowing OwnedFD, _ shown: String) throws(TransferError) -> Bool {
        do throws(KernelError) {
            _ = try parent.openBeneath([name], CTR_O_PATH | O_NOFOLLOW, crossingMounts: false)
            return false
        } catch {
            switch error.errno {
            case .noSuchFileOrDirectory: return false
            case Errno(rawValue: EXDEV): return true
            default: throw .kernel(entry: shown, error)
            }
        }
    }

    private mutating func fill<Source: TarSource & ~Copyable>(
        _ file: borrowing OwnedFD, _ reader: inout TarReader<Source>, _ shown: String
    ) throws(TransferError) {
        let raw = file.raw
        while true {
            var span = buffer.mutableSpan
            let isMore = try span.withUnsafeMutableBytes { bytes throws(TransferError) in
                let part: (offset: UInt64, count: Int)?
                do throws(TarError) { part = try reader.readData(into: bytes) } catch { throw .tar(error) }
                guard let part else { return false }
                var done = 0
                while done < part.count {
                    do throws(KernelError) {
                        done += try kernel("pwrite(2)", shown) {
                            pwrite(raw, bytes.baseAddress.map { $0 + done }, part.count - done, off_t(part.offset) + off_t(done))
                        }
                    } catch {
                        throw .kernel(entry: shown, error)
                    }
                }
                return true
            }
            if !isMore { return }
        }
    }

    private func finish(_ file: consuming OwnedFD, _ entry: TarEntry, _ shown: String) throws(TransferError) {
        let raw = file.raw
        do throws(KernelError) {
            // A hole at the end is not written.
            if entry.sparse != nil { try kernel("ftruncate(2)", shown) { ftruncate(raw, off_t(entry.size)) } }
            try setAttributes(raw, entry, shown)
            try file.changeTime(FileTime(seconds: entry.modifiedSeconds, nanoseconds: entry.modifiedNanoseconds), of: shown)
            try file.close(of: shown)
        } catch {
            throw .kernel(entry: shown, error)
        }
    }

    private func openIfThere(_ path: [EntryName]) throws(KernelError) -> OwnedFD? {
        do throws(KernelError) { return try open(path, O_RDONLY | O_DIRECTORY) } catch  where error.meansVanished { return nil }
    }

    /// Only of the directory that was made, whatever has its name by now: the owner that the archive has is not for another's.
    private func finishDirectory(_ made: Made) throws(TransferError) {
        let entry = made.entry
        let shown = display(entry.path)
        do throws(KernelError) {
            guard let directory = try openIfThere(made.path) else { return }
            let status = try directory.status()
            guard status.device == made.device, status.inode == made.inode else { return }
            try setAttributes(directory.raw, entry, shown)
            try directory.changeTime(FileTime(seconds: entry.modifiedSeconds, nanoseconds: entry.modifiedNanoseconds), of: shown)
        } catch {
            throw .kernel(entry: shown, error)
        }
    }

    /// Owner, then mode (chown clears setuid), then attributes (chown clears capabilities).
    private func setAttributes(_ raw: CInt, _ entry: TarEntry, _ shown: String) throws(KernelError) {
        let owner = owner(of: entry)
        try kernel("fchown(2)", shown) { fchown(raw, owner.uid, owner.gid) }
        try kernel("fchmod(2)", shown) { fchmod(raw, mode(of: entry)) }
        for attribute in entry.attributes where OwnedFD.isStorable(attribute.key) {
            // With another owner a capability would be somebody else's gift.
            if rules.owner != .asArchived, attribute.key.starts(with: Array("security.".utf8)) { continue }
            do throws(KernelError) {
                try withName(attribute.key) { key throws(KernelError) in
                    try attribute.value.span.withUnsafeBytes { value throws(KernelError) in
                        _ = try kernel("fsetxattr(2)", shown) { fsetxattr(raw, key, value.baseAddress, value.count, 0) }
                    }
                }
            } catch  where error.errno == .notSupported || error.errno == .notPermitted {
                // Not every filesystem keeps them.
            }
        }
    }

    private func owner(of entry: TarEntry) -> (uid: UInt32, gid: UInt32) {
        switch rules.owner {
        case .asArchived: (UInt32(truncatingIfNeeded: entry.uid), UInt32(truncatingIfNeeded: entry.gid))
        case .fixed(let uid, let gid): (uid, gid)
        }
    }

    /// A setuid program of somebody must not become one of the new owner's.
    private func mode(of entry: TarEntry) -> mode_t {
        mode_t(rules.owner == .asArchived || entry.kind == .directory ? entry.mode & 0o7777 : entry.mode & 0o1777)
    }

    private func clear(_ name: EntryName, in parent: borrowing OwnedFD, _ shown: String) throws(TransferError) {
        do throws(KernelError) {
            let kind = try rules.makesDevices ? nil : parent.status(name)?.kind
            guard kind != .characterDevice, kind != .blockDevice else {
                throw KernelError(call: "unlinkat(2)", object: "a device, which is neither written to nor replaced", errno: .fileExists)
            }
            try parent.remove(name, directory: false)
        } catch {
            if error.errno == .noSuchFileOrDirectory { return }
            if error.errno == .isDirectory || error.errno == .notPermitted {
                throw .refused(entry: shown, reason: "there is a directory, and something else would take its place")
            }
            throw .kernel(entry: shown, error)
        }
    }

    private func makeSpecial(_ entry: TarEntry, _ name: EntryName, in parent: borrowing OwnedFD) throws(KernelError) {
        switch entry.kind {
        case .symlink: try parent.makeSymlink(name, to: entry.linkTarget)
        case .fifo:
            try parent.makeNode(name, mode: S_IFIFO | 0o600, device: 0)
            try setMode(entry, .fifo, name, in: parent)
        case .characterDevice, .blockDevice:
            guard entry.deviceMajor < 1 << 12, entry.deviceMinor < 1 << 20, entry.deviceMajor != 0 || entry.deviceMinor != 0 else {
                throw KernelError(call: "mknodat(2)", object: "\(entry.deviceMajor):\(entry.deviceMinor)", errno: .invalidArgument)
            }
            let type: mode_t = entry.kind == .blockDevice ? S_IFBLK : S_IFCHR
            try parent.makeNode(
                name, mode: type | 0o600, device: ctr_makedev(UInt32(entry.deviceMajor), UInt32(entry.deviceMinor)))
            try setMode(entry, entry.kind == .blockDevice ? .blockDevice : .characterDevice, name, in: parent)
        case .file, .directory, .hardLink: break
        }
    }

    /// Whatever the umask is; by descriptor, since a chmod by name would follow what is put in its place. Another object that has the name is left alone.
    private func setMode(
        _ entry: TarEntry, _ kind: FileStatus.Kind, _ name: EntryName, in parent: borrowing OwnedFD
    ) throws(KernelError) {
        let node = try parent.open(name, CTR_O_PATH)
        guard try node.status().kind == kind else { return }
        let mode = mode(of: entry)
        try withName(Array("/proc/self/fd/\(node.raw)".utf8)) { pointer throws(KernelError) in
            _ = try kernel("chmod(2)", display(name)) { chmod(pointer, mode) }
        }
    }

    private func link(_ entry: TarEntry, _ name: EntryName, in parent: borrowing OwnedFD, _ shown: String) throws(TransferError) {
        let target = try components(entry.linkTarget, shown)
        guard let targetName = target.last else { throw .refused(entry: shown, reason: "a hard link to nothing") }
        do throws(KernelError) {
            let holder = try open(Array(target.dropLast()), CTR_O_PATH | O_DIRECTORY)
            try parent.makeLink(name, to: targetName, in: holder)
        } catch {
            throw .kernel(entry: shown, error)
        }
    }
}

extension [EntryName] {
    /// "." for none.
    package var joinedPath: [UInt8] {
        var path: [UInt8] = []
        for name in self {
            if !path.isEmpty { path.append(UInt8(ascii: "/")) }
            path += name
        }
        return path.isEmpty ? [0x2E] : path
    }
}
