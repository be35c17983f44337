// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux
internal import SystemPackage

/// Makes the container's first process and returns when its program runs, or, with a gate, when it waits there.
///
/// The calling process must have one thread, a umask of 0 and, for the child's sake, be its reaper. Its working directory, umask and
/// signal mask are as before afterwards.
/// - Parameter gate: a descriptor that the child reads one byte from before the exec. The caller keeps its own copy.
/// - Throws: `LaunchError` with the step and the exit code that a command line should end with. Nothing is left then.
package func launch(_ plan: InitPlan, gate: CInt? = nil) throws(LaunchError) -> RunningInit {
    guard try during(.plan, nil, { () throws(KernelError) in try threadCount() }) == 1 else {
        throw .refused("a process with threads can't be cloned")
    }
    try during(.plan) { () throws(KernelError) in try occupyStandardDescriptors() }
    let report = try during(.plan) { () throws(KernelError) in try LaunchReport() }
    report.begin(.cgroup, inParent: true)
    var cgroup = try plan.cgroup.prepare()
    do throws(LaunchError) {
        return try launch(plan, report, &cgroup, gate)
    } catch {
        // Its process is reaped, so the groups are empty; one that can't be removed is less than the error at hand.
        try? cgroup.delete()
        throw error
    }
}

private func launch(
    _ plan: InitPlan, _ report: consuming LaunchReport, _ cgroup: inout CgroupHandle, _ gate: CInt?
) throws(LaunchError) -> RunningInit {
    let cgroupPlan = plan.cgroup
    try during(.cgroup) { () throws(KernelError) in try cgroup.make(unified: true) }
    var terminal = try plan.makeTerminal(report)
    report.begin(.clone, inParent: true)
    let ownBinary = ownBinaryIdentity()
    let ends = try during(.clone) { () throws(KernelError) in try LaunchChannel.pair() }
    let birth = try during(.clone) { () throws(KernelError) -> OwnedFD? in try birthplace(cgroup) }
    // The child must not run a handler of the parent's before it has reset them.
    var mask: UInt64 = 0
    _ = ctr_set_signal_mask(~0, &mask)
    let clone: CloneResult
    do throws(LaunchError) {
        clone = try plan.clone(cgroup: birth)
    } catch {
        _ = ctr_set_signal_mask(mask, nil)
        throw error
    }
    switch consume clone {
    case .child:
        let channel = LaunchChannel(ends.child, gate: gate)
        let numbers = terminal.take()?.intoNumbers()
        InitProcess(plan: plan, report: report, channel: channel, terminal: numbers, cgroup: cgroup, ownBinary: ownBinary).run()
    case .parent(let pid, let pidfd):
        _ = ctr_set_signal_mask(mask, nil)
        let mine = ends.parentOnly()
        _ = consume birth
        do throws(LaunchError) {
            report.begin(.network, inParent: true)
            let network = try plan.makeNetwork()
            report.begin(.limits, inParent: true)
            try during(.cgroup) { () throws(KernelError) in try cgroup.make(unified: false) }
            try cgroupPlan.apply(to: cgroup)
            mine.releaseChild(network: network.rawNumber())
            report.begin(.wait, inParent: true)
            try awaitProgram(mine, report, pid)
        } catch {
            reap(pid)
            throw error
        }
        let end = monotonicNanoseconds()
        // 0 for a program that is gone and reaped already, which only another waiter could have done.
        let ticks = (try? ProcessStat(of: pid).startTicks) ?? 0
        return RunningInit(
            pid: pid, pidfd: pidfd, startTicks: ticks, cgroup: cgroup, terminal: terminal?.main.take(), timings: report.timings(until: end))
    }
}

/// A caller with 0, 1 or 2 closed would get its next descriptors there, where the child puts the container's streams.
func occupyStandardDescriptors() throws(KernelError) {
    for place in CInt(0)..<3 where fcntl(place, F_GETFD) == -1 {
        // The lowest free number is this one, since those below are taken.
        try kernel("open(2)", "/dev/null") { open("/dev/null", O_RDWR) }
    }
}

/// Waits for the exec or the gate; what went wrong in the child becomes this function's error.
private func awaitProgram(_ channel: borrowing OwnedFD, _ report: borrowing LaunchReport, _ pid: Int32) throws(LaunchError) {
    let progress = try during(.clone) { () throws(KernelError) in try channel.awaitChild() }
    if let failure = report.failure { throw failure }
    if case .ended = progress, report.step != .exec {
        // Killed from outside, or a bug here: either way it did not come to the exec.
        throw LaunchError(step: report.step, reason: "the container's init process ended in this step")
    }
}

/// Ends a child that won't be a container, and takes its record.
private func reap(_ pid: Int32) {
    kill(pid, SIGKILL)
    var status: CInt = 0
    while waitpid(pid, &status, 0) == -1, lastErrno() == .interrupted {}
}

private func birthplace(_ cgroup: CgroupHandle) throws(KernelError) -> OwnedFD? {
    guard let unified = cgroup.unified, unified.created else { return nil }
    return try openFile(unified.location, CTR_O_PATH | O_DIRECTORY)
}

func ownBinaryIdentity() -> (device: UInt64, inode: UInt64)? {
    var status = stat()
    guard stat("/proc/self/exe", &status) == 0 else { return nil }
    return (UInt64(status.st_dev), UInt64(status.st_ino))
}

extension InitPlan {
    fileprivate func makeTerminal(_ report: borrowing LaunchReport) throws(LaunchError) -> TerminalPair? {
        guard case .terminal(let rows, let columns) = stdio else { return nil }
        report.begin(.terminal, inParent: true)
        for mount in mounts where mount.target == "dev/pts" {
            guard case .filesystem("devpts", _, let options) = mount.kind else { continue }
            return try during(.terminal) { () throws(KernelError) in
                try TerminalPair.make(options: options, rows: rows, columns: columns)
            }
        }
        throw .refused("a terminal needs a devpts mount at /dev/pts")
    }

    /// A new network namespace with loopback up. It takes the kernel longer than anything else here, so the parent goes there and
    /// back while the child mounts.
    fileprivate func makeNetwork() throws(LaunchError) -> OwnedFD? {
        guard namespaces.new.contains(.network) else { return nil }
        return try during(.network) { () throws(KernelError) in
            let own = try openFile("/proc/self/ns/net", O_RDONLY)
            try unshareNamespaces(.network)
            do throws(KernelError) {
                try raiseLoopback()
                let made = try openFile("/proc/self/ns/net", O_RDONLY)
                try enterNamespace(own.raw, .network, object: "own network")
                return made
            } catch {
                try enterNamespace(own.raw, .network, object: "own network")
                throw error
            }
        }
    }

    private func raiseLoopback() throws(KernelError) {
        let kind = CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue)
        let endpoint = OwnedFD(owning: try kernel("socket(2)", "AF_INET") { socket(AF_INET, kind, 0) })
        let raw = endpoint.raw
        try kernel("ioctl(2)", "lo up") { ctr_interface_up(raw, "lo") }
    }

    /// A pid namespace is joined by the parent for its next child, and left again.
    fileprivate func clone(cgroup: borrowing Optional<OwnedFD>) throws(LaunchError) -> CloneResult {
        let birthplace = cgroup.rawNumber()
        // The cgroup namespace comes after the process has joined its v1 groups, the network namespace from the parent.
        let new = namespaces.new.subtracting([.cgroup, .network])
        guard let path = namespaces.joined.first(where: { $0.kind == .pid })?.path else {
            return try during(.clone) { () throws(KernelError) in try cloneProcess(new, cgroup: birthplace) }
        }
        return try during(.clone) { () throws(KernelError) in
            // Others are there already: the child is born so that they can't look into it.
            try kernel("prctl(2)", "PR_SET_DUMPABLE 0") { ctr_set_dumpable(0) }
            let own = try openFile("/proc/self/ns/pid", O_RDONLY)
            let target = try openFile(path, O_RDONLY)
            try enterNamespace(target.raw, .pid, object: path.string)
            defer { try? enterNamespace(own.raw, .pid, object: "own") }
            return try cloneProcess(new, cgroup: birthplace)
        }
    }
}

extension Optional where Wrapped == OwnedFD {
    borrowing func rawNumber() -> CInt? {
        switch self {
        case .some(let descriptor): descriptor.raw
        case .none: nil
        }
    }
}
