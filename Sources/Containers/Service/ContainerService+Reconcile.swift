// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux
internal import Logging
internal import Metadata
internal import SystemPackage

extension ContainerService {
    /// IDs of containers that are recorded, being made, or being removed.
    package func knownContainers() throws(ContainerError) -> Set<String> {
        // The index first: one that is recorded by now was claimed in it before.
        let ids = index.ids
        do throws(MetadataError) { return ids.union(try metadata.containers().map(\.id)) } catch { throw .metadata(error) }
    }

    /// Looks for state directories and cgroups that no container has: the directories go, and the cgroups where no process is left in them.
    /// - Returns: what went.
    package func reconcile() throws(ContainerError) -> [String] {
        var gone = try sweepState { () throws(ContainerError) in try self.knownContainers() }
        do throws(KernelError) {
            for hierarchy in try CgroupLayout.detect().hierarchies {
                gone += try sweepCgroups(below: FilePath(hierarchy.mountPoint).pushing(FilePath(configuration.cgroupParent)), hierarchy)
            }
        } catch {
            logger.warning("cgroups can't be looked through", metadata: ["error": "\(error)"])
        }
        return gone
    }

    /// A daemon that has the same parent by mistake may own what is not known here: nothing is killed.
    private func sweepCgroups(below parent: FilePath, _ hierarchy: CgroupLayout.Hierarchy) throws(KernelError) -> [String] {
        let names: [String]
        do throws(KernelError) {
            names = try openFile(parent, O_RDONLY | O_DIRECTORY | O_NOFOLLOW).entries(of: parent.string).map { name, _ in
                String(decoding: name, as: UTF8.self)
            }
        } catch  where error.errno == .noSuchFileOrDirectory {
            return []
        }
        let ids = names.compactMap(ContainerID.init)
        guard !ids.isEmpty, let known = try? knownContainers() else { return [] }
        var gone: [String] = []
        for id in ids where !known.contains(id.text) {
            let path = "\(configuration.cgroupParent)/\(id.text)"
            var group = CgroupHandle(CgroupLayout(hierarchies: [hierarchy]), path: path)
            for index in group.directories.indices { group.directories[index].created = true }
            do throws(KernelError) {
                guard try group.processes().isEmpty else {
                    logger.error("a cgroup with processes belongs to no container; it is left as it is", metadata: ["cgroup": "\(path)"])
                    continue
                }
                try group.delete()
                gone.append(parent.appending(id.text).string)
            } catch  where error.isOfVanishedGroup {
                // It has gone by itself.
            } catch {
                logger.warning("a cgroup that belongs to no container is left", metadata: ["cgroup": "\(path)", "error": "\(error)"])
            }
        }
        return gone
    }
}
