// SPDX-License-Identifier: Apache-2.0

internal import Linux
internal import SystemPackage

extension CgroupSetting {
    /// Writes settings, in their order. One that is refused because of another's value (memory is never above memory and swap together, a
    /// quota never below its burst) is tried once more behind the others: so limits can be raised and lowered alike.
    /// - Throws: `LaunchError` naming the file and the value; also for a limit whose controller this machine lacks.
    static func write(_ settings: [CgroupSetting], to handle: CgroupHandle) throws(LaunchError) {
        var refused: [CgroupSetting] = []
        for setting in settings {
            let place = try setting.location(in: handle)
            do throws(KernelError) {
                try writeFile(place, setting.value)
            } catch  where error.errno == .invalidArgument || error.errno == .resourceBusy {
                refused.append(setting)
            } catch {
                throw LaunchError(step: .limits, reason: nil, kernel: error)
            }
        }
        for setting in refused {
            let place = try setting.location(in: handle)
            do throws(KernelError) { try writeFile(place, setting.value) } catch {
                throw LaunchError(step: .limits, reason: setting.explanation(error.errno, handle), kernel: error)
            }
        }
    }

    private func location(in handle: CgroupHandle) throws(LaunchError) -> FilePath {
        guard let directory = controller == "cgroup" ? handle.unified : handle.directory(of: controller) else {
            throw LaunchError(
                step: .limits, reason: "\(file) = \(value) was asked for, but there is no \(controller) cgroup controller")
        }
        return directory.location.appending(file)
    }

    /// What the kernel's word means for this file.
    private func explanation(_ errno: Errno, _ handle: CgroupHandle) -> String? {
        switch (file, errno) {
        case ("memory.limit_in_bytes", .resourceBusy), ("memory.memsw.limit_in_bytes", .resourceBusy):
            let used = (try? handle.usage())?.memory?.usedBytes
            return "the container uses more than that\(used.map { " (\($0) bytes)" } ?? ""), and can't be made to let go of it"
        case ("memory.limit_in_bytes", .invalidArgument): return "a memory limit is never above the limit of memory and swap together"
        case ("memory.memsw.limit_in_bytes", .invalidArgument): return "memory and swap together are never below the memory limit"
        case ("cpuset.cpus", _): return "not processors of this machine, or not the parent group's"
        case ("cpuset.mems", _): return "not memory nodes of this machine, or not the parent group's"
        default: return nil
        }
    }
}
