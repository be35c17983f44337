// SPDX-License-Identifier: Apache-2.0

internal import Linux
internal import OCI
internal import Runtime
internal import ShimProtocol
internal import SystemPackage

/// The further processes of one container: those that run, what is known of the last ones that have ended, and groups that are not empty yet.
struct ExecRegistry {
    /// What a further process has from its container.
    let traits: ContainerTraits
    private(set) var processes: [ExecProcess] = []
    private(set) var ended: [ShimExecStatus] = []
    private var leftGroups: [LeftGroup] = []

    /// How many may run at once, and how many ends are remembered: all of them together fit into a message.
    static let mostProcesses = 128
    static let mostEnded = 32

    /// What an ended process left running stays, as it would with a shell; its group goes when it is empty.
    private struct LeftGroup {
        var group: ExecCgroup
        var next: Moment
        var interval: UInt64
    }

    init(traits: ContainerTraits) { self.traits = traits }

    var isFull: Bool { processes.count >= Self.mostProcesses }
    var isDone: Bool { processes.isEmpty }
    /// Whether a child of the shim may still have to be reaped.
    var areRunning: Bool { processes.contains { $0.exit == nil } }
    var statuses: [ShimExecStatus] { ended + processes.filter { $0.exit == nil && $0.launching == nil }.map(\.status) }

    func process(id: String) -> ExecProcess? { processes.first { $0.id == id } }
    func process(pid: Int32) -> ExecProcess? { processes.first { $0.exit == nil && $0.pid == pid } }

    mutating func insert(_ process: ExecProcess) { processes.append(process) }

    /// It never ran: nothing is remembered of it.
    mutating func forget(_ process: ExecProcess) {
        processes.removeAll { $0 === process }
        release(process.group)
    }

    /// - Returns: those of which nothing is known any more.
    mutating func noteEnd(of process: ExecProcess) -> [String] {
        ended.append(process.status)
        release(process.group)
        let dropped = ended.prefix(max(0, ended.count - Self.mostEnded)).map(\.id)
        ended.removeFirst(dropped.count)
        return dropped
    }

    mutating func sweep() { processes.removeAll(where: \.isDone) }

    // MARK: Groups

    mutating func release(_ group: ExecCgroup) {
        leftGroups.append(LeftGroup(group: group, next: .now, interval: 1))
        removeGroups(.now)
    }

    var nextMoment: Moment? { leftGroups.map(\.next).min() }

    mutating func removeGroups(_ now: Moment) {
        leftGroups.removeAll { left in
            guard now >= left.next else { return false }
            do throws(KernelError) { return try left.group.remove() } catch {
                Complaint.write("a cgroup is left: \(error)")
                return true
            }
        }
        for index in leftGroups.indices where now >= leftGroups[index].next {
            leftGroups[index].interval = min(leftGroups[index].interval * 2, 60_000)
            leftGroups[index].next = now.advanced(byMilliseconds: leftGroups[index].interval)
        }
    }
}
