// SPDX-License-Identifier: Apache-2.0

internal import Glibc
package import Linux
package import SystemPackage

/// What differs between a layer's directory and its listing.
package struct TreeFinding: Sendable, Hashable {
    /// From the layer's root; empty for the root itself.
    package var path: [UInt8]
    package var expected: String
    package var found: String

    package init(path: [UInt8], expected: String, found: String) {
        self.path = path
        self.expected = expected
        self.found = found
    }
}

/// Compares an extracted layer with its listing, name by name. Memory grows only with what differs, and with names of files that have several.
///
/// Quick: that each name is there with its kind, size, mode, owner and time, and no other name; one fstatat(2) a name. Full: also contents,
/// link targets and attributes. Nothing is written, and no link is followed.
package struct TreeCheck: ~Copyable {
    private let top: OwnedFD
    private let directory: FilePath
    private let full: Bool
    private let isCancelled: () -> Bool
    private let report: (TreeFinding) -> Void
    private var parents = OpenParents()
    /// By the listing's identity: the inode, how many names were met, how many it has.
    private var linked: [UInt64: (inode: UInt64, met: UInt64, links: UInt64, path: [UInt8])] = [:]
    private var reader: FileReader
    /// Names that are there.
    private var present: Int64 = 0

    /// Bytes of contents that were read.
    package var readBytes: Int64 { reader.bytes }

    /// - Parameters:
    ///   - report: gets each difference, as it is found.
    ///   - isCancelled: asked at each name and each piece of a file.
    package init(
        _ directory: FilePath, full: Bool, isCancelled: @escaping () -> Bool = { false }, report: @escaping (TreeFinding) -> Void
    ) throws(KernelError) {
        self.directory = directory
        self.full = full
        self.isCancelled = isCancelled
        self.report = report
        reader = FileReader(isCancelled: isCancelled)
        top = try openFile(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    }

    /// - Returns: the listing's summary, to be compared with the one that was recorded; nil where it was cancelled.
    /// - Throws: `ListingError`: the listing can't be read, or the kernel refuses to show the directory.
    package mutating func run(_ listing: consuming LayerListing) throws(ListingError) -> ListingSummary? {
        while let entry = try listing.next() {
            if isCancelled() { return nil }
            do throws(KernelError) { try check(entry) } catch { reportRefusal(entry.path, error) }
        }
        guard let summary = listing.summary else { return nil }
        for known in linked.values where known.met != known.links {
            report(TreeFinding(path: known.path, expected: "\(known.met) names", found: "\(known.links) names"))
        }
        return summary
    }

    /// Tells names that are there and not in the listing. Only where their number differs is it worth knowing which.
    package mutating func findUnlisted(_ path: FilePath) throws(ListingError) {
        guard try countNames() != present else { return }
        var listed: Set<UInt64> = []
        var listing = try LayerListing(path)
        while let entry = try listing.next() {
            if isCancelled() { return }
            listed.insert(Self.mark(entry.path))
        }
        try walk { path in
            if !listed.contains(Self.mark(path)) { report(TreeFinding(path: path, expected: "nothing", found: "a name")) }
        }
    }

    // MARK: One name

    private mutating func check(_ entry: ListingEntry) throws(KernelError) {
        let (parentPath, name) = Self.split(entry.path)
        let object = entry.object
        guard let parent = try parents.open(parentPath, beneath: top), let status = try parent.descriptor.status(name) else {
            return differ(entry.path, Self.word(object.content), "nothing")
        }
        present += 1
        let found = Self.word(status)
        guard found == Self.word(object.content) else { return differ(entry.path, Self.word(object.content), found) }
        if case .whiteout = object.content { return }
        try checkStatus(entry, status)
        guard full else { return }
        let attributes = Checksum64.of(attributes: try parent.descriptor.attributes(of: name))
        if attributes != object.attributes { differ(entry.path, "attributes \(Self.hex(object.attributes))", Self.hex(attributes)) }
        switch object.content {
        case .symlink(let target):
            let found = try parent.descriptor.linkTarget(name)
            if found != target { differ(entry.path, "a link to \"\(display(target))\"", "\"\(display(found))\"") }
        case .file(let size, let checksum) where UInt64(status.size) == size:
            guard let found = try reader.checksum(parent.descriptor, name, size: size) else { return }
            if found != checksum { differ(entry.path, "content \(Self.hex(checksum))", Self.hex(found)) }
        default: break
        }
    }

    private mutating func checkStatus(_ entry: ListingEntry, _ status: FileStatus) throws(KernelError) {
        let object = entry.object
        switch object.content {
        case .file(let size, _) where UInt64(status.size) != size: differ(entry.path, "\(size) bytes", "\(status.size)")
        case .characterDevice(let number) where number != status.special, .blockDevice(let number) where number != status.special:
            differ(entry.path, "device \(number)", "\(status.special)")
        default: break
        }
        if status.permissions != object.mode { differ(entry.path, "mode \(Self.octal(object.mode))", Self.octal(status.permissions)) }
        if status.uid != object.uid || status.gid != object.gid {
            differ(entry.path, "owner \(object.uid):\(object.gid)", "\(status.uid):\(status.gid)")
        }
        if status.modified != object.modified {
            differ(entry.path, "time \(Self.text(object.modified))", Self.text(status.modified))
        }
        guard status.kind != .directory else { return }
        if let known = linked[object.identity] {
            linked[object.identity]?.met += 1
            if known.inode != status.inode { differ(entry.path, "the same file as \"\(display(known.path))\"", "another one") }
        } else if status.links > 1 {
            linked[object.identity] = (status.inode, 1, status.links, entry.path)
        }
    }

    private func differ(_ path: [UInt8], _ expected: String, _ found: String) {
        report(TreeFinding(path: path, expected: expected, found: found))
    }

    private func reportRefusal(_ path: [UInt8], _ error: KernelError) { differ(path, "to be read", "\(error.call): \(error.errno)") }

    // MARK: All names

    private func countNames() throws(ListingError) -> Int64 {
        var count: Int64 = 1
        try walk { _ in count += 1 }
        return count
    }

    /// Every name but the root's.
    private func walk(_ body: ([UInt8]) -> Void) throws(ListingError) {
        var pending: [[EntryName]] = [[]]
        do throws(KernelError) {
            while let place = pending.popLast() {
                if isCancelled() { return }
                let opened = try openBeneath(top, place, O_RDONLY | O_DIRECTORY)
                for (name, type) in try opened.entries(of: directory.string) {
                    let path = place + [name]
                    body(Array(path.joined(separator: [UInt8(ascii: "/")])))
                    let isDirectory = type == UInt8(DT_UNKNOWN) ? try opened.status(name)?.kind == .directory : type == UInt8(DT_DIR)
                    if isDirectory { pending.append(path) }
                }
            }
        } catch {
            throw .kernel(error)
        }
    }

    private static func mark(_ path: [UInt8]) -> UInt64 {
        var sum = Checksum64()
        sum.update(path)
        return sum.value
    }

    // MARK: Words

    static func split(_ path: [UInt8]) -> (parent: ArraySlice<UInt8>, name: EntryName) {
        if path.isEmpty { return ([], [0x2E]) }
        guard let slash = path.lastIndex(of: UInt8(ascii: "/")) else { return ([], path) }
        return (path[..<slash], Array(path[(slash + 1)...]))
    }

    private static func word(_ content: ListedObject.Content) -> String {
        switch content {
        case .file: "a file"
        case .directory: "a directory"
        case .symlink: "a link"
        case .characterDevice: "a character device"
        case .blockDevice: "a block device"
        case .fifo: "a FIFO"
        case .whiteout: "a whiteout"
        }
    }

    private static func word(_ status: FileStatus) -> String {
        if status.isWhiteout { return "a whiteout" }
        return switch status.kind {
        case .regular: "a file"
        case .directory: "a directory"
        case .symlink: "a link"
        case .characterDevice: "a character device"
        case .blockDevice: "a block device"
        case .fifo: "a FIFO"
        case .socket: "a socket"
        }
    }

    private static func hex(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return value == 0 ? "none" : String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }

    private static func octal(_ mode: UInt32) -> String { "0" + String(mode, radix: 8) }
    private static func text(_ time: FileTime) -> String {
        let digits = String(time.nanoseconds)
        return "\(time.seconds).\(String(repeating: "0", count: 9 - digits.utf8.count))\(digits)"
    }
}

/// The directories that were opened last: a listing's names lie together.
private struct OpenParents {
    final class Parent {
        let path: [UInt8]
        let descriptor: OwnedFD
        init(_ path: [UInt8], _ descriptor: consuming OwnedFD) {
            self.path = path
            self.descriptor = descriptor
        }
    }

    private static let limit = 16
    private var open: [Parent] = []

    /// nil where there is no such directory, or something else in its place.
    mutating func open(_ path: ArraySlice<UInt8>, beneath top: borrowing OwnedFD) throws(KernelError) -> Parent? {
        if let index = open.lastIndex(where: { $0.path.elementsEqual(path) }) {
            if index < open.count - 1 { open.append(open.remove(at: index)) }
            return open.last
        }
        if open.count == Self.limit { open.removeFirst() }
        do throws(KernelError) {
            let components = path.split(separator: UInt8(ascii: "/")).map { Array($0) }
            let parent = Parent(Array(path), try openBeneath(top, components, O_RDONLY | O_DIRECTORY))
            open.append(parent)
            return parent
        } catch
            where error.errno == .noSuchFileOrDirectory || error.errno == .notDirectory || error.errno == .tooManySymbolicLinkLevels
        {
            return nil
        }
    }
}
