// SPDX-License-Identifier: Apache-2.0

internal import Glibc
package import Linux
internal import Metadata
package import SystemPackage

/// Where a container's writable layer is kept.
package enum UpperPlacement: Sendable, Hashable {
    /// `upper/` and `work/` in the container's directory.
    case directory
    /// In memory, made at the mount: the container's directory alone.
    case tmpfs
}

/// A container's directory, and in it what overlay writes to.
package struct UpperDirectories: Sendable, Hashable {
    package var container: FilePath
    package var upper: FilePath
    package var work: FilePath

    init(container: FilePath) {
        self.container = container
        upper = container.appending("upper")
        work = container.appending("work")
    }
}

extension SnapshotStore {
    /// Makes a container's directory, and its writable layer, empty. Record the container next: what has no row is swept by the next start.
    ///
    /// overlayfs shows the upperdir's own mode, owner and times as those of `/`: they are copied from the uppermost lowerdir of the stack.
    /// - Parameters:
    ///   - stack: nil for `tmpfs`, or where `/` shall be root's, 0755.
    ///   - limits: for `directory`.
    /// - Throws: `SnapshotError.containerExists`, `.noProjectQuota`, `.kernel`; nothing is left then.
    @discardableResult
    package func createUpper(
        container id: String, mode: UpperPlacement, over stack: LayerStack?, limits: ProjectQuota.Limits = ProjectQuota.Limits()
    ) throws(SnapshotError) -> UpperDirectories {
        if mode == .directory { try requireQuota(for: limits) }
        let paths = UpperDirectories(container: try containerDirectory(id))
        guard try kernelStep(.createUpper, { () throws(KernelError) in try makeDirectory(paths.container, mode: 0o700) }) else {
            throw .containerExists(id)
        }
        guard mode == .directory else { return paths }
        do throws(KernelError) {
            try makeDirectory(paths.upper, mode: 0o755)
            try makeDirectory(paths.work, mode: 0o700)
            if let stack, let uppermost = stack.lowerdirs.first {
                try Self.copyAttributes(of: stack.store.appending(uppermost.components), to: paths.upper)
            }
        } catch {
            trash.discardLogged(paths.container)
            throw .kernel(.createUpper, error)
        }
        do throws(SnapshotError) { try makeProject(of: id, paths, limits) } catch {
            trash.discardLogged(paths.container)
            throw error
        }
        StoreStep.upperMade.reach()
        return paths
    }

    /// Where a container's writable layer is, whether it is there or not.
    package func upper(container id: String) throws(SnapshotError) -> UpperDirectories {
        UpperDirectories(container: try containerDirectory(id))
    }

    /// Renames a container's directory into the trash; it is deleted later. One that is not there is no error.
    package func removeContainer(_ id: String) throws(SnapshotError) {
        let path = try containerDirectory(id)
        _ = try kernelStep(.discard) { () throws(KernelError) in try trash.discard(path) }
        forgetProject(of: id)
        forgetUsage(of: id)
    }

    private func containerDirectory(_ id: String) throws(SnapshotError) -> FilePath {
        guard let name = FilePath.Component(id), name.kind == .regular, name.string == id else { throw .invalidContainerID(id) }
        return directories.container(id)
    }

    private static func copyAttributes(of source: FilePath, to target: FilePath) throws(KernelError) {
        var status = stat()
        try withCPath(source) { raw throws(KernelError) in _ = try kernel("stat(2)", source.string) { stat(raw, &status) } }
        let directory = try openFile(target, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        let raw = directory.raw
        try kernel("fchown(2)", target.string) { fchown(raw, status.st_uid, status.st_gid) }
        // After the owner: chown clears the setuid and setgid bits.
        try kernel("fchmod(2)", target.string) { fchmod(raw, status.st_mode & 0o7777) }
        let times = [status.st_mtim, status.st_mtim]
        try kernel("futimens(2)", target.string) { futimens(raw, times) }
    }
}
