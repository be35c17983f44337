// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import SystemPackage

/// A recorded container as a verb finds it.
struct FoundContainer {
    let directory: StateDirectory
    var record: ContainerRecord
    let status: ContainerRecord.Status

    init(_ id: String, _ global: GlobalOptions) throws {
        directory = try StateDirectory(root: global.root, id: id)
        record = try directory.read()
        status = record.status(gate: directory.gate)
    }
}

// What the kernel says about a recorded container.
extension ContainerRecord {
    enum Status: String {
        case created, running, paused, stopped
    }

    func status(gate: FilePath) -> Status {
        guard isAlive else { return .stopped }
        if (try? cgroup.isFrozen) == true { return .paused }
        return Self.isWaiting(at: gate) ? .created : .running
    }

    /// Whether the process is at its gate: the FIFO may also have been left by a `start` that was ended when it had opened it. Who has become the
    /// program reads no more.
    private static func isWaiting(at gate: FilePath) -> Bool { (try? openFile(gate, O_WRONLY | O_NONBLOCK)) != nil }

    /// The pid with these start ticks, and not a zombie.
    private var isAlive: Bool {
        guard let process = try? ProcessStat(of: pid) else { return false }
        return process.startTicks == startTicks && process.state != "Z" && process.state != "X"
    }

    func state(_ directory: StateDirectory) -> ContainerState {
        let status = status(gate: directory.gate)
        return ContainerState(
            ociVersion: ociVersion, id: id, status: status.rawValue, pid: status == .stopped ? 0 : pid, bundle: bundle,
            annotations: annotations, created: created)
    }

    /// To its first process, and no other that has the number by now.
    /// - Returns: false where it has ended.
    func send(_ signal: CInt) throws(KernelError) -> Bool {
        guard let process = try openProcess(pid, startTicks: startTicks), isAlive, try sendSignal(signal, to: process) else { return false }
        // A process that v1's freezer holds does not even die.
        if signal == SIGKILL, (try? cgroup.isFreezing) == true { try? cgroup.thaw() }
        return true
    }
}
