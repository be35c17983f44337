// SPDX-License-Identifier: Apache-2.0

package import Linux
internal import Logging
internal import Metadata
internal import SystemPackage

// Where the root's filesystem keeps project quota, each upper (with its workdir: overlayfs renames from one into the other) is a project.
extension SnapshotStore {
    /// - Throws: `SnapshotError.noProjectQuota` for limits that would not hold.
    package func requireQuota(for limits: ProjectQuota.Limits) throws(SnapshotError) {
        guard limits != ProjectQuota.Limits(), quota.support != .enforced else { return }
        let statistics = try kernelStep(.limitUpper) { () throws(KernelError) in try filesystemStatistics(directories.root) }
        throw .noProjectQuota(filesystem: statistics.typeName, support: quota.support, store: directories.root)
    }

    /// What overlayfs makes of them by itself is counted, too: an upper and its workdir, both empty, are two inodes.
    func makeProject(of id: String, _ paths: UpperDirectories, _ limits: ProjectQuota.Limits) throws(SnapshotError) {
        guard quota.isAccounted else { return }
        // Another root on this filesystem, or another program, may use the same numbers.
        for _ in 0..<64 {
            let project = try metadataStep { () throws(MetadataError) in try metadata.newProject(of: id) }
            let isOurs = try kernelStep(.limitUpper) { () throws(KernelError) in
                guard try quota.isFree(project) else { return false }
                try quota.assign(project, to: paths.upper)
                try quota.assign(project, to: paths.work)
                guard try quota.usage(of: [project]).first?.inodes == 2 else { return false }
                if limits != ProjectQuota.Limits() { try quota.set(limits, for: project) }
                return true
            }
            if isOurs { return }
        }
        throw .kernel(
            .limitUpper, KernelError(call: "quotactl_fd(2)", object: "64 project numbers, all in use by others", errno: .fileExists))
    }

    /// After its directory has gone to the trash. What is left there is still counted, under a number that nobody gets again.
    func forgetProject(of id: String) {
        guard quota.isAccounted else { return }
        do throws(SnapshotError) {
            guard let project = try metadataStep({ () throws(MetadataError) in try metadata.deleteProject(of: id) }) else { return }
            try kernelStep(.limitUpper) { () throws(KernelError) in try quota.set(ProjectQuota.Limits(), for: project) }
        } catch {
            logger.warning("the limits of a removed container may be left", metadata: ["id": "\(id)", "error": "\(error)"])
        }
    }

    /// At the start: numbers of containers that were never recorded, or whose removal was not finished.
    func sweepProjects(keeping containers: Set<String>) throws(SnapshotError) {
        guard quota.isAccounted else { return }
        for id in try metadataStep({ () throws(MetadataError) in try metadata.projects() }).keys where !containers.contains(id) {
            forgetProject(of: id)
        }
    }
}
