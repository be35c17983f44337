// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
package import Linux
internal import SystemPackage

/// The container that a process is to join, by its first process.
package struct ExecTarget {
    let pid: Int32
    let pidfd: CInt
    let cgroup: ExecCgroup

    /// - Parameters:
    ///   - pidfd: lent for the length of `beginExec`.
    ///   - pid: its number; it must be the pidfd's.
    package init(pid: Int32, pidfd: CInt, cgroup: ExecCgroup) {
        self.pid = pid
        self.pidfd = pidfd
        self.cgroup = cgroup
    }
}

/// Makes a further process of a running container, as a child of the caller, and returns at once: `ExecChild.awaitProgram` tells how it went.
///
/// The caller must have one thread, and reaps the child. It can't be looked into from inside of the container, from its first moment on:
/// the caller itself gives up being dumpable here, and the child is born so (CVE-2016-9962).
/// - Throws: `LaunchError`; no process is left then. The cgroup of the target is the caller's to remove.
package func beginExec(_ plan: ExecPlan, in target: ExecTarget) throws(LaunchError) -> ExecChild {
    guard try during(.plan, nil, { () throws(KernelError) in try threadCount() }) == 1 else {
        throw .refused("a process with threads can't be cloned")
    }
    try during(.plan) { () throws(KernelError) in
        try occupyStandardDescriptors()
        try kernel("prctl(2)", "PR_SET_DUMPABLE 0") { ctr_set_dumpable(0) }
    }
    let report = try during(.plan) { () throws(KernelError) in try LaunchReport() }
    report.begin(.plan, inParent: true)
    let namespaces = try during(.plan) { () throws(KernelError) in try foreignNamespaces(of: target.pid) }
    guard namespaces.contains(.mount) else { throw .refused("process \(target.pid) has no mount namespace of its own") }
    let owners = namespaces.contains(.user) ? try ExecOwners(of: target, plan.process.process.user) : nil
    try owners?.lendStreams(plan.process.stdio)
    var terminal = try makeTerminal(plan, target, owners, report)
    report.begin(.clone, inParent: true)
    let ownBinary = ownBinaryIdentity()
    let ends = try during(.clone) { () throws(KernelError) in try LaunchChannel.pair() }
    var mask: UInt64 = 0
    _ = ctr_set_signal_mask(~0, &mask)
    let clone: CloneResult
    do throws(KernelError) {
        clone = try cloneInto(target, joining: namespaces)
    } catch {
        _ = ctr_set_signal_mask(mask, nil)
        throw LaunchError(step: .clone, kernel: error)
    }
    switch consume clone {
    case .child:
        let entry = ExecEntry(
            pidfd: target.pidfd, namespaces: namespaces.subtracting(.pid), preservedDescriptors: plan.preservedDescriptors)
        InitProcess(
            plan: plan.process, report: report, channel: LaunchChannel(ends.child, gate: nil, keeping: []),
            terminal: terminal.take()?.intoNumbers(),
            cgroup: target.cgroup.membership, ownBinary: ownBinary, entry: entry
        ).start()
    case .parent(let pid, let pidfd):
        _ = ctr_set_signal_mask(mask, nil)
        report.begin(.wait, inParent: true)
        return ExecChild(pid: pid, pidfd: pidfd, terminal: terminal?.main.take(), channel: ends.parentOnly(), report: report)
    }
}

/// Where the news of a launch comes from.
struct ExecLaunch: ~Copyable {
    let channel: OwnedFD
    let report: LaunchReport
}

/// A process that is on its way into a container, or there. It is the caller's child: the caller reaps it.
package struct ExecChild: ~Copyable {
    package let pid: Int32
    package let pidfd: OwnedFD
    /// The main end of its terminal, where it has one.
    private var terminal: OwnedFD?
    /// The end of it is the exec, or the child's own end.
    private var launching: ExecLaunch?

    fileprivate init(
        pid: Int32, pidfd: consuming OwnedFD, terminal: consuming OwnedFD?, channel: consuming OwnedFD, report: consuming LaunchReport
    ) {
        self.pid = pid
        self.pidfd = pidfd
        self.terminal = consume terminal
        launching = ExecLaunch(channel: channel, report: report)
    }

    package mutating func takeTerminal() -> OwnedFD? { terminal.take() }

    /// For poll(2): readable once `awaitProgram` would not wait; nil after it.
    package var channel: CInt? {
        switch launching {
        case .some(let launching): launching.channel.raw
        case .none: nil
        }
    }

    /// Waits until the program runs. To be called once.
    /// - Returns: how long each step took.
    /// - Throws: `LaunchError` with the step and the exit code that a command line should end with; the child is reaped then.
    package mutating func awaitProgram() throws(LaunchError) -> [LaunchTiming] {
        guard let launching = launching.take() else { return [] }
        do throws(LaunchError) {
            try during(.wait) { () throws(KernelError) in _ = try launching.channel.awaitChild() }
            if let failure = launching.report.failure { throw failure }
            if launching.report.step != .exec {
                throw LaunchError(step: launching.report.step, reason: "the process was ended in this step")
            }
        } catch {
            endAndReap()
            throw error
        }
        return launching.report.timings(until: monotonicNanoseconds())
    }

    /// By pidfd: a caller that reaps whoever has ended may have taken this child already, and the number may be another's.
    private borrowing func endAndReap() {
        _ = try? sendSignal(SIGKILL, to: pidfd)
        var information = siginfo_t()
        let place = idtype_t(rawValue: 3)  // P_PIDFD
        while waitid(place, id_t(pidfd.raw), &information, WEXITED) == -1, lastErrno() == .interrupted {}
    }
}

/// Whose files are made for a process in a user namespace: it has no right to give away what is the host's.
private struct ExecOwners {
    /// The container's root, and the process's user, as the host numbers them.
    let root: (user: UInt32, group: UInt32)
    let user: UInt32

    init(of target: ExecTarget, _ plan: UserPlan) throws(LaunchError) {
        // Its process is the caller's child: the number is its own.
        let mappings = try during(.plan) { () throws(KernelError) in try IDMappings.of(process: target.pid) }
        guard let user = mappings.hostUser(plan.uid) else { throw .refused("user \(plan.uid) is not among the container's ids") }
        for group in [plan.gid] + plan.groups where mappings.hostGroup(group) == nil {
            throw .refused("group \(group) is not among the container's ids")
        }
        self.user = user
        root = (mappings.hostUser(0) ?? user, mappings.hostGroup(0) ?? mappings.hostGroup(plan.gid) ?? 0)
    }

    func lendStreams(_ streams: StandardStreams) throws(LaunchError) {
        guard case .descriptors(let input, let output, let error) = streams else { return }
        try during(.prepareMounts) { () throws(KernelError) in
            for descriptor in [input, output, error] { try lendStream(descriptor, to: user) }
        }
    }
}

private func makeTerminal(
    _ plan: ExecPlan, _ target: ExecTarget, _ owners: ExecOwners?, _ report: borrowing LaunchReport
) throws(LaunchError) -> TerminalPair? {
    guard case .terminal(let rows, let columns) = plan.process.stdio else { return nil }
    report.begin(.terminal, inParent: true)
    return try during(.terminal) { () throws(KernelError) in
        guard let root = owners?.root else { return try TerminalPair.open(inRootOf: target.pid, rows: rows, columns: columns) }
        // A terminal is its opener's, who has to be somebody in the container.
        return try withFilesystemIdentity(user: root.user, group: root.group) { () throws(KernelError) in
            try TerminalPair.open(inRootOf: target.pid, rows: rows, columns: columns)
        }
    }
}

/// Which namespaces of a process are not the caller's own. A kind that this kernel lacks is nobody's.
private func foreignNamespaces(of pid: Int32) throws(KernelError) -> Namespaces {
    let kinds: [(name: String, kind: Namespaces)] = [
        ("mnt", .mount), ("uts", .uts), ("ipc", .ipc), ("user", .user), ("pid", .pid), ("net", .network), ("cgroup", .cgroup),
        ("time", .time),
    ]
    var foreign: Namespaces = []
    for (name, kind) in kinds {
        var own = stat()
        guard stat("/proc/self/ns/\(name)", &own) == 0 else { continue }
        var other = stat()
        // One that can't be told is no reason to leave it out: the process would be in half a container.
        try kernel("stat(2)", "/proc/\(pid)/ns/\(name)") { stat("/proc/\(pid)/ns/\(name)", &other) }
        if own.st_ino != other.st_ino || own.st_dev != other.st_dev { foreign.insert(kind) }
    }
    return foreign
}

/// A pid namespace is joined by the parent for its next child, and left again.
private func cloneInto(_ target: ExecTarget, joining namespaces: Namespaces) throws(KernelError) -> CloneResult {
    let birthplace = try target.cgroup.birthplace()
    guard namespaces.contains(.pid) else { return try cloneInto(target, birthplace) }
    let own = try openFile("/proc/self/ns/pid", O_RDONLY)
    try enterNamespace(target.pidfd, .pid, object: "the container's pid namespace")
    defer { try? enterNamespace(own.raw, .pid, object: "own") }
    return try cloneInto(target, birthplace)
}

private func cloneInto(_ target: ExecTarget, _ birthplace: borrowing OwnedFD?) throws(KernelError) -> CloneResult {
    do throws(KernelError) {
        return try cloneProcess([], cgroup: birthplace.rawNumber())
    } catch  where error.errno == .resourceBusy {
        guard let other = try target.cgroup.birthplace(beside: target.pid) else { throw error }
        return try cloneProcess([], cgroup: other.raw)
    }
}
