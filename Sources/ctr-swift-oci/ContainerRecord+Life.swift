// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import SystemPackage

// What the kernel says about a recorded container.
extension ContainerRecord {
    enum Status: String {
        case created, running, paused, stopped
    }

    func status(gate: FilePath) -> Status {
        guard isAlive else { return .stopped }
        if (try? cgroup.isFrozen) == true { return .paused }
        var status = stat()
        return withCPath(gate) { stat($0, &status) } == 0 ? .created : .running
    }

    /// The pid with these start ticks, and not a zombie.
    private var isAlive: Bool {
        guard let bytes = try? readFile(FilePath("/proc/\(pid)/stat")), let end = bytes.lastIndex(of: UInt8(ascii: ")")) else { return false }
        let fields = bytes[(end + 1)...].split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
        guard fields.count > 19 else { return false }
        return fields[19] == "\(startTicks)" && fields[0] != "Z" && fields[0] != "X"
    }

    func state(_ directory: StateDirectory) -> ContainerState {
        let status = status(gate: directory.gate)
        return ContainerState(
            ociVersion: ociVersion, id: id, status: status.rawValue, pid: status == .stopped ? 0 : pid, bundle: bundle,
            annotations: annotations, created: created)
    }

    func send(_ signal: CInt) throws {
        guard isAlive else { throw CommandError("container \"\(id)\" is not running") }
        guard kill(pid, signal) == 0 else { throw KernelError(call: "kill(2)", object: "process \(pid)", errno: lastErrno()) }
    }
}
