// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
package import Linux
package import SystemPackage

/// Keeps a container from writing to the runtime's binary (CVE-2019-5736).
///
/// Whatever a container manages to run (`#!/proc/self/exe` runs the runtime itself for a moment), /proc/PID/exe leads to the file by the
/// mount that it was started from. So the runtime starts from a read-only mount that no path leads to: opening it for writing is EROFS.
package enum ProtectedExecutable {
    /// A read-only mount of one binary. Spawn "/proc/self/fd/N" of it; the mount lives as long as anything runs from it.
    package static func mount(of binary: FilePath) throws(KernelError) -> OwnedFD {
        let mount = try DetachedMount(cloning: binary)
        try mount.setAttributes(.readOnly, name: binary.string)
        return mount.intoDescriptor()
    }

    /// Whether the calling process runs from a read-only mount.
    package static var isProtected: Bool {
        var status = statvfs()
        return statvfs("/proc/self/exe", &status) == 0 && status.f_flag & UInt(ST_RDONLY) != 0
    }

    /// Starts the calling process over from a read-only mount, unless it runs from one already. Costs one exec.
    package static func ensure() throws(KernelError) {
        guard !isProtected else { return }
        let mount = try mount(of: "/proc/self/exe")
        let path = "/proc/self/fd/\(mount.raw)"
        let arguments = ArgumentVector(CommandLine.arguments)
        try kernel("execve(2)", path) { ctr_execve(path, arguments.pointer, environ) }
    }
}
