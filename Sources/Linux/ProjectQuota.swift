// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
package import SystemPackage

/// Project quota of one filesystem: what trees take is known without walking them, and can be limited.
/// Source: quotactl(2); ext4(5), "project"; xfs(5), "prjquota".
package struct ProjectQuota: Sendable, Hashable {
    /// What the running kernel and the mounted filesystem do about projects: found out by asking.
    package enum Support: Sendable, Hashable {
        /// Usage is kept, and limits hold.
        case enforced
        /// Usage is kept; limits would only be written down.
        case accounted
        /// With the kernel's word, where it refused to answer.
        case none(KernelError?)
    }

    /// 0 is no limit.
    package struct Limits: Sendable, Hashable {
        package var bytes: UInt64
        package var inodes: UInt64
        package init(bytes: UInt64 = 0, inodes: UInt64 = 0) {
            self.bytes = bytes
            self.inodes = inodes
        }
    }

    /// A directory of the filesystem.
    package let path: FilePath
    package let support: Support

    package init(of path: FilePath) throws(KernelError) {
        self.path = path
        let directory = try openFile(path, O_RDONLY | O_DIRECTORY)
        let raw = directory.raw
        var flags: UInt32 = 0
        do throws(KernelError) {
            try kernel("quotactl_fd(2)", path.string) { ctr_quota_state(raw, &flags) }
            if flags & UInt32(CTR_QUOTA_PROJECT_ENFORCED) != 0 {
                support = .enforced
            } else {
                support = flags & UInt32(CTR_QUOTA_PROJECT_ACCOUNTED) != 0 ? .accounted : .none(nil)
            }
        } catch {
            support = .none(error)
        }
    }

    package var isAccounted: Bool {
        switch support {
        case .enforced, .accounted: true
        case .none: false
        }
    }

    /// Everything that is made in the directory from now on is part of the project, too. It must be empty, or its content is not counted.
    package func assign(_ project: UInt32, to path: FilePath) throws(KernelError) {
        let directory = try openFile(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        let raw = directory.raw
        try kernel("ioctl(2)", "FS_IOC_FSSETXATTR \(path.string), project \(project)") { ctr_project_assign(raw, project) }
    }

    /// What each project takes, deleted files that are still open included.
    package func usage(of projects: [UInt32]) throws(KernelError) -> [TreeUsage] {
        let directory = try openFile(path, O_RDONLY | O_DIRECTORY)
        return try projects.map { project throws(KernelError) in
            let quota = try Self.quota(of: project, directory)
            return TreeUsage(bytes: Int64(clamping: quota.space), inodes: Int64(clamping: quota.inodes))
        }
    }

    /// Whether nobody has files or limits under this number.
    package func isFree(_ project: UInt32) throws(KernelError) -> Bool {
        let quota = try Self.quota(of: project, try openFile(path, O_RDONLY | O_DIRECTORY))
        return quota.space == 0 && quota.inodes == 0 && quota.block_hard_limit == 0 && quota.inode_hard_limit == 0
            && quota.block_soft_limit == 0 && quota.inode_soft_limit == 0
    }

    /// Bytes are counted in KiB: what is over is cut off.
    package func set(_ limits: Limits, for project: UInt32) throws(KernelError) {
        let directory = try openFile(path, O_RDONLY | O_DIRECTORY)
        let raw = directory.raw
        var quota = ctr_quota()
        quota.block_hard_limit = limits.bytes / 1024
        quota.inode_hard_limit = limits.inodes
        quota.valid = UInt32(CTR_QUOTA_LIMITS)
        try kernel("quotactl_fd(2)", "\(path.string), limits of project \(project)") { ctr_quota_set(raw, project, &quota) }
    }

    /// A project that the filesystem has never seen has nothing: XFS answers ENOENT.
    private static func quota(of project: UInt32, _ directory: borrowing OwnedFD) throws(KernelError) -> ctr_quota {
        let raw = directory.raw
        var quota = ctr_quota()
        do throws(KernelError) {
            try kernel("quotactl_fd(2)", "project \(project)") { ctr_quota_get(raw, project, &quota) }
        } catch  where error.errno == .noSuchFileOrDirectory {
            return ctr_quota()
        }
        return quota
    }
}

/// Makes the calling thread give way to every other one: for work that nobody waits for.
package func yieldToOthers() { ctr_background_thread() }
