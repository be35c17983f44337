// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
package import Linux
internal import SystemPackage
internal import Tar

/// Writes a tree as a tar stream, while whoever owns the tree changes it: everything is reached by descriptors, no link is followed, nothing but
/// a regular file is ever opened for reading, and what vanishes is left out.
///
/// Sockets are left out, as tar has no form for them. A file whose size changes meanwhile is cut or filled up with zeros.
package struct TreeArchiver<Sink: TransferSink & ~Copyable>: ~Copyable {
    private struct FileID: Hashable {
        var device: UInt64
        var inode: UInt64
    }

    package var sink: Sink
    private let crossesMounts: Bool
    /// The first name of files that have several, until the last of these has come.
    private var links: [FileID: (name: [UInt8], more: UInt64)] = [:]
    private var buffer = [UInt8](repeating: 0, count: 1 << 18)

    /// - Parameter crossesMounts: else of a mount point there is only an empty directory, or file.
    package init(_ sink: consuming Sink, crossesMounts: Bool) {
        self.sink = sink
        self.crossesMounts = crossesMounts
    }

    /// Adds an object, and all that is below it.
    /// - Parameters:
    ///   - object: opened with O_PATH.
    ///   - name: what its entry is called; "." where what is in a directory is wanted.
    package mutating func add(_ object: borrowing OwnedFD, as name: [UInt8]) throws(TransferError) {
        let status = try step(name) { () throws(KernelError) in try object.status() }
        try emit(object, status, name)
        guard status.kind == .directory else { return }
        var stack = [Place(path: name, components: [], open: nil, names: try names(in: object, name))]
        while let last = stack.indices.last {
            guard let entry = stack[last].names.popLast() else {
                stack.removeLast()
                continue
            }
            if let further = try addEntry(entry, of: stack[last], beneath: object) { stack.append(further) }
        }
    }

    /// The two blocks that close an archive.
    package mutating func finish() throws(TransferError) { try write(TarWriter.end, []) }

    // MARK: Directories

    /// Copies of a descriptor can't be kept in an array; references to one can.
    private final class Open: Sendable {
        let descriptor: OwnedFD
        init(_ descriptor: consuming OwnedFD) { self.descriptor = descriptor }
    }

    /// A directory whose entries are still to come. What is in it comes directly after it: tar sets a directory's time when it sees that it is complete.
    private struct Place {
        let path: [UInt8]
        /// Below the top.
        let components: [EntryName]
        /// nil: to be opened again, since a tree may be deeper than a process can have descriptors.
        var open: Open?
        /// The last first.
        var names: [EntryName]
    }

    private static var mostOpen: Int { 64 }

    private func names(in directory: borrowing OwnedFD, _ path: [UInt8]) throws(TransferError) -> [EntryName] {
        let names: [EntryName]
        do throws(KernelError) { names = try directory.entries(of: display(path)).map(\.name) } catch {
            // Somebody has removed it.
            guard error.errno == .noSuchFileOrDirectory else { throw .kernel(entry: display(path), error) }
            return []
        }
        return names.sorted { $1.lexicographicallyPrecedes($0) }
    }

    /// - Returns: the entry, where it is a directory.
    private mutating func addEntry(_ name: EntryName, of place: Place, beneath top: borrowing OwnedFD) throws(TransferError) -> Place? {
        let path = place.path + [UInt8(ascii: "/")] + name
        guard let object = try object(name, of: place, beneath: top, path) else { return nil }
        let status = try step(path) { () throws(KernelError) in try object.status() }
        try emit(object, status, path)
        guard status.kind == .directory else { return nil }
        let names = try names(in: object, path)
        let components = place.components + [name]
        return Place(path: path, components: components, open: components.count < Self.mostOpen ? Open(object) : nil, names: names)
    }

    private mutating func object(
        _ name: EntryName, of place: Place, beneath top: borrowing OwnedFD, _ path: [UInt8]
    ) throws(TransferError) -> OwnedFD? {
        if let open = place.open { return try child(name, of: open.descriptor, path) }
        if place.components.isEmpty { return try child(name, of: top, path) }
        let crossesMounts = crossesMounts
        let directory: OwnedFD
        do throws(KernelError) {
            directory = try top.openBeneath(place.components, CTR_O_PATH | O_DIRECTORY, crossingMounts: crossesMounts)
        } catch {
            if error.meansVanished { return nil }
            throw .kernel(entry: display(path), error)
        }
        return try child(name, of: directory, path)
    }

    /// - Returns: nil where it has gone meanwhile, and where something is mounted that is not to be crossed: that has its entry already.
    private mutating func child(_ name: EntryName, of directory: borrowing OwnedFD, _ path: [UInt8]) throws(TransferError) -> OwnedFD? {
        do throws(KernelError) {
            return try directory.openBeneath([name], CTR_O_PATH | O_NOFOLLOW, crossingMounts: crossesMounts)
        } catch {
            if error.errno == .noSuchFileOrDirectory { return nil }
            // EXDEV: what the mount hides is not to be had.
            guard !crossesMounts, error.errno == Errno(rawValue: EXDEV) else { throw .kernel(entry: display(path), error) }
            try emitMountPoint(name, in: directory, path)
            return nil
        }
    }

    /// Of what is mounted nothing is told but whether it is a directory; and nothing is asked of it, since it may not answer.
    private mutating func emitMountPoint(_ name: EntryName, in directory: borrowing OwnedFD, _ path: [UInt8]) throws(TransferError) {
        let isDirectory: Bool
        do throws(KernelError) {
            _ = try directory.openBeneath([name], CTR_O_PATH | O_DIRECTORY)
            isDirectory = true
        } catch {
            if error.errno == .noSuchFileOrDirectory { return }
            guard error.errno == .notDirectory else { throw .kernel(entry: display(path), error) }
            isDirectory = false
        }
        try write(
            header(
                TarEntry(
                    path: isDirectory ? path + [UInt8(ascii: "/")] : path, kind: isDirectory ? .directory : .file,
                    mode: isDirectory ? 0o755 : 0o644)),
            path)
    }

    // MARK: One object

    private mutating func emit(_ object: borrowing OwnedFD, _ status: FileStatus, _ path: [UInt8]) throws(TransferError) {
        guard let kind = Self.kind(status) else { return }
        var entry = TarEntry(path: kind == .directory ? path + [UInt8(ascii: "/")] : path, kind: kind, mode: status.permissions)
        entry.uid = UInt64(status.uid)
        entry.gid = UInt64(status.gid)
        entry.modifiedSeconds = status.modified.seconds
        entry.modifiedNanoseconds = status.modified.nanoseconds
        if status.links > 1, kind != .directory {
            let file = FileID(device: status.device, inode: status.inode)
            if let first = links[file] {
                links[file] = first.more > 1 ? (first.name, first.more - 1) : nil
                entry.kind = .hardLink
                entry.linkTarget = first.name
                return try write(header(entry), path)
            }
            links[file] = (path, UInt64(status.links) - 1)
        }
        entry.attributes = try step(path) { () throws(KernelError) in try object.storableAttributes() }
        switch kind {
        case .symlink:
            entry.linkTarget = try step(path) { () throws(KernelError) in try object.linkTarget([]) }
        case .characterDevice, .blockDevice:
            entry.deviceMajor = UInt64(ctr_major(status.special))
            entry.deviceMinor = UInt64(ctr_minor(status.special))
        case .file: return try emitFile(object, entry, path)
        case .directory, .fifo, .hardLink: break
        }
        try write(header(entry), path)
    }

    private static func kind(_ status: FileStatus) -> TarEntry.Kind? {
        switch status.kind {
        case .regular: .file
        case .directory: .directory
        case .symlink: .symlink
        case .characterDevice: .characterDevice
        case .blockDevice: .blockDevice
        case .fifo: .fifo
        case .socket: nil
        }
    }

    /// The descriptor is known to be a regular file's: opening it again waits for nobody, and wakes no device.
    private mutating func emitFile(_ object: borrowing OwnedFD, _ entry: TarEntry, _ path: [UInt8]) throws(TransferError) {
        var entry = entry
        let raw = object.raw
        let file = OwnedFD(
            owning: try step(path) { () throws(KernelError) in
                try openFile(FilePath("/proc/self/fd/\(raw)"), O_RDONLY | O_NONBLOCK).release()
            })
        let status = try step(path) { () throws(KernelError) in try file.status() }
        entry.size = UInt64(max(0, status.size))
        let extents = status.blocks * 512 < status.size ? SparseMap.extents(of: file, size: entry.size) : nil
        if let extents {
            let head: [UInt8]
            do throws(TarError) { head = try TarWriter.sparseHeader(entry, extents) } catch { throw .tar(error) }
            try write(head, path)
            for extent in extents { try copy(file, extent.offset, extent.length, path) }
            return try write(TarWriter.padding(after: extents.reduce(0) { $0 + $1.length }), path)
        }
        try write(header(entry), path)
        try copy(file, 0, entry.size, path)
        try write(TarWriter.padding(after: entry.size), path)
    }

    private mutating func copy(_ file: borrowing OwnedFD, _ offset: UInt64, _ length: UInt64, _ path: [UInt8]) throws(TransferError) {
        let raw = file.raw
        var done: UInt64 = 0
        while done < length {
            let wanted = Int(min(UInt64(buffer.count), length - done))
            let place = off_t(offset + done)
            var span = buffer.mutableSpan
            do throws(KernelError) {
                var count = try span.withUnsafeMutableBytes { bytes throws(KernelError) in
                    try kernel("pread(2)", "a file") { pread(raw, bytes.baseAddress, wanted, place) }
                }
                if count == 0 {
                    // It became shorter: what was announced is kept.
                    count = wanted
                    for index in 0..<wanted { buffer[index] = 0 }
                }
                let part = buffer[..<count]
                try part.span.withUnsafeBytes { bytes throws(KernelError) in try sink.write(bytes) }
                done += UInt64(count)
            } catch {
                throw .kernel(entry: display(path), error)
            }
        }
    }

    private func header(_ entry: TarEntry) throws(TransferError) -> [UInt8] {
        do throws(TarError) { return try TarWriter.header(entry) } catch { throw .tar(error) }
    }

    private mutating func write(_ bytes: [UInt8], _ path: [UInt8]) throws(TransferError) {
        do throws(KernelError) { try bytes.span.withUnsafeBytes { bytes throws(KernelError) in try sink.write(bytes) } } catch {
            throw .kernel(entry: display(path), error)
        }
    }

    private func step<Value>(_ path: [UInt8], _ body: () throws(KernelError) -> Value) throws(TransferError) -> Value {
        do throws(KernelError) { return try body() } catch { throw .kernel(entry: display(path), error) }
    }
}

/// Where a file has data. Source: lseek(2), SEEK_DATA, SEEK_HOLE.
enum SparseMap {
    /// - Returns: nil where the filesystem does not tell, or there are too many parts to be worth it.
    static func extents(of file: borrowing OwnedFD, size: UInt64) -> [TarEntry.Extent]? {
        let raw = file.raw
        var extents: [TarEntry.Extent] = []
        var place: UInt64 = 0
        while place < size {
            let data = lseek(raw, off_t(place), 3)
            if data < 0 {
                // ENXIO: only a hole is left.
                guard errno == ENXIO else { return nil }
                break
            }
            let hole = lseek(raw, data, 4)
            guard hole > data, extents.count < 10_000 else { return nil }
            let end = min(UInt64(hole), size)
            if UInt64(data) >= end { break }
            extents.append(TarEntry.Extent(offset: UInt64(data), length: end - UInt64(data)))
            place = end
        }
        // Readers know by it how long the file is.
        if extents.last.map({ $0.offset + $0.length < size }) ?? true { extents.append(TarEntry.Extent(offset: size, length: 0)) }
        return extents
    }
}

extension OwnedFD {
    /// Attributes that mean the same elsewhere: users' own, and capabilities. Of an O_PATH descriptor, too.
    borrowing func storableAttributes() throws(KernelError) -> [TarEntry.Attribute] {
        // The magic link leads to the object itself, also where that is a link.
        let path = Array("/proc/self/fd/\(raw)".utf8)
        let keys: [UInt8]
        do throws(KernelError) {
            keys = try bytesOfUnknownCount { buffer, count throws(KernelError) in
                try withName(path) { pointer throws(KernelError) in
                    try kernel("listxattr(2)", "an entry") { listxattr(pointer, buffer?.assumingMemoryBound(to: CChar.self), count) }
                }
            }
        } catch  where error.errno == .notSupported || error.errno == .permissionDenied || error.errno == .notPermitted {
            return []
        }
        var attributes: [TarEntry.Attribute] = []
        for key in keys.split(separator: 0).map(Array.init).sorted(by: { $0.lexicographicallyPrecedes($1) }) where Self.isStorable(key) {
            do throws(KernelError) {
                let value = try bytesOfUnknownCount { buffer, count throws(KernelError) in
                    try withName(path) { pointer throws(KernelError) in
                        try withName(key) { keyPointer throws(KernelError) in
                            try kernel("getxattr(2)", "an entry") { getxattr(pointer, keyPointer, buffer, count) }
                        }
                    }
                }
                attributes.append(TarEntry.Attribute(key: key, value: value))
            } catch  where error.errno == Errno(rawValue: ENODATA) || error.errno == .permissionDenied || error.errno == .notPermitted {
                continue
            }
        }
        return attributes
    }

    static func isStorable(_ key: [UInt8]) -> Bool {
        key == Array("security.capability".utf8)
            || key.starts(with: Array("user.".utf8)) && !key.starts(with: Array("user.overlay.".utf8)) && !key.contains(UInt8(ascii: "="))
    }
}
