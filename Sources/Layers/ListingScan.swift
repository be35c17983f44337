// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux
package import SystemPackage

extension LayerListing {
    /// Lists a directory as it is now: for a fix-up, which is built and not unpacked. It reads every file.
    /// - Parameter listing: is made.
    package static func write(of directory: FilePath, to listing: FilePath) throws(LayerError) -> ListingSummary {
        let result: Result<ListingSummary, LayerError>
        do throws(KernelError) {
            let scan = ListingScan(try openFile(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW), try ListingWriter(listing))
            result = try scan.run()
        } catch {
            throw .kernel(entry: directory.string, error)
        }
        return try result.get()
    }
}

private final class ListingScan {
    private let top: OwnedFD
    private let writer: ListingWriter
    /// Where the first name of a file with several is listed.
    private var linked: [UInt64: Int64] = [:]
    private var reader = FileReader { false }

    init(_ top: consuming OwnedFD, _ writer: ListingWriter) {
        self.top = top
        self.writer = writer
    }

    func run() throws(KernelError) -> Result<ListingSummary, LayerError> {
        var directories: [[EntryName]] = [[]]
        var next = 0
        while next < directories.count {
            let place = directories[next]
            next += 1
            let directory = try openBeneath(top, place, O_RDONLY | O_DIRECTORY)
            for (name, _) in try directory.entries(of: "fix-up").sorted(by: { $0.name.lexicographicallyPrecedes($1.name) }) {
                guard let status = try directory.status(name) else { continue }
                let path = place + [name]
                if status.kind == .directory {
                    directories.append(path)
                } else if let failure = try add(directory, name, status, at: LayerPath(path).bytes) {
                    return .failure(failure)
                }
            }
        }
        // Each behind what is in it.
        for place in directories.reversed() {
            let directory = try openBeneath(top, place, O_RDONLY | O_DIRECTORY)
            var object = Self.object(.directory, try directory.status())
            object.attributes = Checksum64.of(attributes: try directory.attributes(of: [0x2E]))
            _ = try writer.append(object, at: LayerPath(place).bytes)
        }
        do throws(LayerError) { return .success(try writer.finish()) } catch { return .failure(error) }
    }

    private func add(
        _ directory: borrowing OwnedFD, _ name: EntryName, _ status: FileStatus, at path: [UInt8]
    ) throws(KernelError) -> LayerError? {
        if let first = linked[status.inode] {
            do throws(LayerError) { _ = try writer.repeated(first, at: path) } catch { return error }
            return nil
        }
        var object: ListedObject
        if status.isWhiteout {
            object = ListedObject(.whiteout)
        } else {
            object = Self.object(try content(directory, name, status), status)
            object.attributes = Checksum64.of(attributes: try directory.attributes(of: name))
        }
        let place = try writer.append(object, at: path)
        if status.links > 1, !status.isWhiteout { linked[status.inode] = place }
        return nil
    }

    private func content(_ directory: borrowing OwnedFD, _ name: EntryName, _ status: FileStatus) throws(KernelError)
        -> ListedObject.Content
    {
        switch status.kind {
        case .regular:
            let size = UInt64(status.size)
            return .file(size: size, checksum: try reader.checksum(directory, name, size: size) ?? 0)
        case .symlink: return .symlink(target: try directory.linkTarget(name))
        case .characterDevice: return .characterDevice(status.special)
        case .blockDevice: return .blockDevice(status.special)
        case .fifo: return .fifo
        case .directory: return .directory
        case .socket: throw KernelError(call: "list", object: display(name), errno: .notSupported)
        }
    }

    private static func object(_ content: ListedObject.Content, _ status: FileStatus) -> ListedObject {
        ListedObject(content, mode: status.permissions, uid: status.uid, gid: status.gid, modified: status.modified)
    }
}
