// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Linux
internal import SystemPackage

// Another container with the same volume may have moved a directory while this one mounted on it: then /proc is not where the masks go, and
// the real one stands open elsewhere. CVE-2023-27561, CVE-2025-52881.
extension InitProcess {
    /// Source: <linux/magic.h>.
    private static let magic: [String: Int] = ["proc": 0x9FA0, "sysfs": 0x6265_6572]

    /// What the plan mounted as the kernel's own view is what its path leads to.
    borrowing func verifyKernelFilesystems(_ root: borrowing RootDirectory) throws(KernelError) {
        for mount in plan.mounts {
            guard case .filesystem(let type, _, _) = mount.kind, let expected = Self.magic[type], isLast(mount) else { continue }
            let object = try root.open(mount.target, .refused)
            guard try Self.magic(of: object, mount.destination) == expected else {
                throw KernelError(
                    call: "fstatfs(2)", object: "\(mount.destination), which is not the \(type) mounted there",
                    errno: .operationNotSupportedByDevice)
            }
        }
    }

    /// A path below one of those is in it, or in what the plan mounted there on purpose.
    borrowing func verifyIsKernels(_ path: FilePath, _ object: borrowing OwnedFD) throws(KernelError) {
        let covering = plan.mounts.last { path.starts(with: $0.target) }
        guard let covering, case .filesystem(let type, _, _) = covering.kind, let expected = Self.magic[type] else { return }
        guard try Self.magic(of: object, path.string) == expected else {
            throw KernelError(
                call: "fstatfs(2)", object: "/\(path), which is not in the \(type) mounted at \(covering.destination)",
                errno: .operationNotSupportedByDevice)
        }
    }

    private borrowing func isLast(_ mount: MountPlan) -> Bool {
        guard let last = plan.mounts.last(where: { $0.target == mount.target }) else { return false }
        return if case .filesystem(let type, _, _) = last.kind, case .filesystem(type, _, _) = mount.kind { true } else { false }
    }

    private static func magic(of object: borrowing OwnedFD, _ name: String) throws(KernelError) -> Int {
        let raw = object.raw
        return try kernel("fstatfs(2)", name) { ctr_filesystem_magic(raw) }
    }
}
