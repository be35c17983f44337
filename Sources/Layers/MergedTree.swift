// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
package import Linux
package import SystemPackage

/// What overlayfs would show of a stack of layer directories, looked up in user space: no mount, no privilege, nothing to leak.
///
/// Links are resolved within the tree: an image's /etc/passwd that points to the host's never leads there.
package struct MergedTree: Sendable {
    /// From the uppermost down.
    private let lowerdirs: [FilePath]

    package init(lowerdirs: [FilePath]) { self.lowerdirs = lowerdirs }

    /// An object of the tree, and the layers that have it: of a directory all that are merged.
    package struct Found: Sendable {
        /// Indices of the lowerdirs, the uppermost first.
        package var layers: [Int]
        package var path: LayerPath
        package var status: FileStatus
    }

    /// Reads a regular file of at most `limit` bytes.
    /// - Returns: nil where there is none, or where it is something else (a FIFO is never opened).
    /// - Throws: `KernelError`; EFBIG for a larger one.
    package func readFile(_ path: [UInt8], limit: Int) throws(KernelError) -> [UInt8]? {
        guard let found = try lookup(LayerPath(bytes: path), followingLast: true), found.status.kind == .regular,
            let layer = found.layers.first
        else {
            return nil
        }
        guard found.status.size <= Int64(limit) else { throw KernelError(call: "read(2)", object: display(path), errno: .fileTooLarge) }
        let file = try open(layer, found.path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
        return try readAll(file, object: display(path), limit: limit)
    }

    /// - Parameter followingLast: whether a link at the end is followed, too. Links before it always are.
    /// - Returns: nil where nothing is there.
    package func lookup(_ path: LayerPath, followingLast: Bool = false) throws(KernelError) -> Found? {
        var pending = Array(path.components.reversed())
        var stack: [Found] = [try root()]
        var followed = 0
        while let name = pending.popLast() {
            if name == [0x2E] { continue }
            if name == [0x2E, 0x2E] {
                if stack.count > 1 { stack.removeLast() }
                continue
            }
            guard let here = stack.last, here.status.kind == .directory, let found = try child(name, of: here) else { return nil }
            guard found.status.kind == .symlink, !pending.isEmpty || followingLast, let layer = found.layers.first else {
                stack.append(found)
                continue
            }
            followed += 1
            guard followed <= 40 else { throw KernelError(call: "openat2(2)", object: "\(path)", errno: .tooManySymbolicLinkLevels) }
            let target = try linkTarget(layer, found.path)
            if target.first == UInt8(ascii: "/") { stack.removeLast(stack.count - 1) }
            pending += target.split(separator: UInt8(ascii: "/")).map(Array.init).reversed()
        }
        return stack.last
    }

    private func root() throws(KernelError) -> Found {
        guard let first = lowerdirs.first else {
            throw KernelError(call: "open(2)", object: "an empty stack", errno: .noSuchFileOrDirectory)
        }
        return Found(layers: Array(lowerdirs.indices), path: LayerPath([]), status: try openFile(first, CTR_O_PATH | O_DIRECTORY).status())
    }

    /// Source: overlayfs.rst: the uppermost object wins; directories merge downwards until something else, or an opaque one.
    private func child(_ name: EntryName, of directory: Found) throws(KernelError) -> Found? {
        let path = LayerPath(directory.path.components + [name])
        var found: Found?
        for layer in directory.layers {
            let parent = try open(layer, directory.path, CTR_O_PATH | O_DIRECTORY)
            guard let status = try parent.status(name) else { continue }
            if status.isWhiteout { break }
            if found != nil, status.kind != .directory { break }
            if found == nil { found = Found(layers: [], path: path, status: status) }
            found?.layers.append(layer)
            if status.kind != .directory { break }
            if try isOpaque(parent, name) { break }
        }
        return found
    }

    private func isOpaque(_ parent: borrowing OwnedFD, _ name: EntryName) throws(KernelError) -> Bool {
        try parent.attributes(of: name).contains { $0.key == Array("trusted.overlay.opaque".utf8) && $0.value == [UInt8(ascii: "y")] }
    }

    private func linkTarget(_ layer: Int, _ path: LayerPath) throws(KernelError) -> [UInt8] {
        guard let name = path.components.last else { return [] }
        return try open(layer, LayerPath(Array(path.components.dropLast())), CTR_O_PATH | O_DIRECTORY).linkTarget(name)
    }

    /// Each layer is a plain directory: no link is followed, and nothing above it is reached.
    func open(_ layer: Int, _ path: LayerPath, _ flags: CInt) throws(KernelError) -> OwnedFD {
        try openBeneath(try openFile(lowerdirs[layer], CTR_O_PATH | O_DIRECTORY), path.components, flags)
    }
}
