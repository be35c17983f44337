// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
package import SystemPackage

extension OverlayMount {
    /// Mounts it attached nowhere, in a mount namespace of its own since overlayfs of most kernels takes layers by path only.
    /// - Parameters:
    ///   - target: an existing directory to build on.
    ///   - subdirectory: what of it is wanted, resolved beneath its root.
    package func mountDetached(at target: FilePath, subdirectory: FilePath? = nil) throws(KernelError) -> DetachedMount {
        try inTemporaryMountNamespace { () throws(KernelError) in
            try mount(at: target)
            return try Self.clone(of: target, subdirectory)
        }
    }

    /// Links of the tree lead nowhere outside of it.
    static func clone(of mounted: FilePath, _ subdirectory: FilePath?) throws(KernelError) -> DetachedMount {
        guard let subdirectory, !subdirectory.isEmpty else { return try DetachedMount(cloning: mounted) }
        let root = try openFile(mounted, CTR_O_PATH | O_DIRECTORY)
        let raw = root.raw
        let resolve = UInt64(CTR_RESOLVE_IN_ROOT) | UInt64(CTR_RESOLVE_NO_MAGICLINKS)
        let object = OwnedFD(
            owning: try withCPath(subdirectory) { path throws(KernelError) in
                try kernel("openat2(2)", subdirectory.string) { ctr_openat2(raw, path, UInt64(CTR_O_PATH | O_CLOEXEC), 0, resolve) }
            })
        return try DetachedMount(cloning: object.raw, name: subdirectory.string)
    }
}
