// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
package import SystemPackage

extension OverlayMount {
    /// Mounts it for a container with a user namespace, attached nowhere: owners in the layers are shown as the namespace maps them, and
    /// what is written gets the container's ids. No file is copied or given another owner. Linux 5.19.
    ///
    /// Each layer is cloned and id-mapped, and the overlay is put together of the clones, in a mount namespace of its own since
    /// overlayfs of most kernels takes layers by path only.
    /// - Parameter target: an existing directory to build on.
    package func mountDetached(
        mappedBy namespace: borrowing UserNamespace, at target: FilePath, subdirectory: FilePath? = nil
    ) throws(KernelError) -> DetachedMount {
        guard let user = namespace.mappings.hostUser(0), let group = namespace.mappings.hostGroup(0) else {
            throw KernelError(call: "mount_setattr(2)", object: "a user namespace without id 0", errno: .invalidArgument)
        }
        let userns = namespace.descriptor.raw
        return try inTemporaryMountNamespace { () throws(KernelError) in
            let workbench = Workbench(target, userns)
            try workbench.set()
            let mapped = try workbench.place(self)
            // overlayfs makes its own files as who mounted it.
            return try withFilesystemIdentity(user: user, group: group) { () throws(KernelError) in
                try mapped.mount(at: workbench.merged)
                return try Self.clone(of: workbench.merged, subdirectory)
            }
        }
    }

    /// A tmpfs with a place for each mapped layer.
    private struct Workbench {
        let path: FilePath
        private let userns: CInt

        init(_ path: FilePath, _ userns: CInt) {
            self.path = path
            self.userns = userns
        }

        var merged: FilePath { path.appending("merged") }

        func set() throws(KernelError) {
            let point = try openFile(path, CTR_O_PATH | O_DIRECTORY)
            try FilesystemContext("tmpfs").mount().attach(at: point.raw, name: path.string)
            try makeDirectory(merged, mode: 0o700)
        }

        /// - Returns: the same overlay, of the mapped clones.
        func place(_ overlay: OverlayMount) throws(KernelError) -> OverlayMount {
            var lowerdirs: [FilePath] = []
            for (index, lower) in overlay.lowerdirs.enumerated() {
                let name = FilePath("\(index)")
                try place(overlay.store.pushing(lower), name)
                lowerdirs.append(name)
            }
            var upper = overlay.upper
            if case .directories(let directory, let work, let volatile) = upper {
                // Both must be on one mount, so what contains both is mapped.
                let (upperPath, workPath) = (overlay.store.pushing(directory), overlay.store.pushing(work))
                let common = Self.common(upperPath, workPath)
                try place(common.path, "upper")
                upper = .directories(
                    upper: FilePath("upper").appending(upperPath.components.dropFirst(common.count)),
                    work: FilePath("upper").appending(workPath.components.dropFirst(common.count)), volatile: volatile)
            }
            return OverlayMount(store: path, lowerdirs: lowerdirs, upper: upper, method: overlay.method)
        }

        private func place(_ layer: FilePath, _ name: FilePath) throws(KernelError) {
            let mount = try DetachedMount(cloning: layer)
            try mount.mapOwners(by: userns, name: layer.string)
            let point = path.pushing(name)
            try makeDirectory(point, mode: 0o700)
            let target = try openFile(point, CTR_O_PATH | O_DIRECTORY)
            try mount.attach(at: target.raw, name: point.string)
        }

        private static func common(_ first: FilePath, _ second: FilePath) -> (path: FilePath, count: Int) {
            let shared = zip(first.components, second.components).prefix { $0 == $1 }.map(\.0)
            return (FilePath(root: first.root, shared), shared.count)
        }
    }
}
