// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux
internal import SystemPackage

/// Makes the container's first process and returns when its program runs, or, with a gate, when it waits there.
///
/// The calling process must have one thread, a umask of 0 and, for the child's sake, be its reaper. Its working directory, umask and
/// signal mask are as before afterwards.
/// - Parameters:
///   - gate: a descriptor that the child reads one byte from before the exec. The caller keeps its own copy.
///   - failures: a file that the child writes its error into, as JSON, where it fails after the gate, when nobody listens any more.
/// - Throws: `LaunchError` with the step and the exit code that a command line should end with. Nothing is left then.
package func launch(_ plan: InitPlan, gate: CInt? = nil, failures: CInt? = nil) throws(LaunchError) -> RunningInit {
    guard try during(.plan, nil, { () throws(KernelError) in try threadCount() }) == 1 else {
        throw .refused("a process with threads can't be cloned")
    }
    try during(.plan) { () throws(KernelError) in try occupyStandardDescriptors() }
    let report = try during(.plan) { () throws(KernelError) in try LaunchReport() }
    report.begin(.cgroup, inParent: true)
    var cgroup = try plan.cgroup.prepare()
    do throws(LaunchError) {
        return try launch(plan, report, &cgroup.now, cgroup.later, (gate, failures))
    } catch {
        // Its process is reaped, but without a pid namespace of its own a hook may have left others in the groups. One that can't be removed is less
        // than the error at hand.
        try? cgroup.now.discard()
        throw error
    }
}

private func launch(
    _ plan: InitPlan, _ report: consuming LaunchReport, _ cgroup: inout CgroupHandle, _ laterGroups: CgroupHandle,
    _ gate: (opens: CInt?, failures: CInt?)
) throws(LaunchError) -> RunningInit {
    let cgroupPlan = plan.cgroup
    let user = try plan.openUserNamespace(report)
    var prepared = try plan.prepareMounts(user, report)
    let userIsNew = user.isPresent
    try during(.cgroup) { () throws(KernelError) in
        try cgroup.make(unified: true)
        // A stepping stone joins the others before it is no longer the host's root.
        if plan.needsSteppingStone { try cgroup.make(unified: false) }
    }
    if plan.needsSteppingStone {
        // It is in the groups from the beginning: it must not meet device rules of which only the first, that nothing is allowed, is set.
        report.begin(.limits, inParent: true)
        try cgroupPlan.apply(to: cgroup)
    }
    var terminal = try plan.makeTerminal(report)
    var listener = try plan.seccompListener.connected()
    report.begin(.clone, inParent: true)
    let ownBinary = ownBinaryIdentity()
    let ends = try during(.clone) { () throws(KernelError) in try LaunchChannel.pair() }
    let birth = try during(.clone) { () throws(KernelError) -> OwnedFD? in try birthplace(cgroup) }
    // The child must not run a handler of the parent's before it has reset them.
    var mask: UInt64 = 0
    _ = ctr_set_signal_mask(~0, &mask)
    let clone: CloneResult
    do throws(LaunchError) {
        if plan.needsSteppingStone {
            let stone = SteppingStone(plan: plan, cgroup: cgroup, userNamespace: user.rawNumber())
            clone = try stone.clone(birthplace: birth.rawNumber(), report)
        } else {
            clone = try plan.clone(cgroup: birth)
        }
    } catch {
        _ = ctr_set_signal_mask(mask, nil)
        throw error
    }
    switch consume clone {
    case .child:
        // Its copy stays open until the exec.
        let connection = listener.take()?.release()
        let kept = [gate.failures, connection].compactMap { $0 }
        let channel = LaunchChannel(ends.child, gate: gate.opens, keeping: kept)
        InitProcess(
            plan: plan, report: report, channel: channel, terminal: terminal.take()?.intoNumbers(), cgroup: cgroup, ownBinary: ownBinary,
            prepared: prepared.takeNumbers(), listener: connection, failures: gate.failures
        ).start()
    case .parent(let pid, let pidfd):
        _ = ctr_set_signal_mask(mask, nil)
        let mine = ends.parentOnly()
        _ = consume birth
        _ = consume prepared
        _ = consume listener
        var main = terminal?.main.take()
        do throws(LaunchError) {
            if userIsNew {
                try during(.resources) { () throws(KernelError) in try plan.process.schedule(pid) }
            }
            report.begin(.network, inParent: true)
            let network = try plan.makeNetwork()
            if !plan.needsSteppingStone {
                report.begin(.limits, inParent: true)
                try during(.cgroup) { () throws(KernelError) in try cgroup.make(unified: false) }
                try cgroupPlan.apply(to: cgroup)
            }
            mine.releaseChild(network: network.rawNumber())
            report.begin(.wait, inParent: true)
            if let own = try awaitProgram(mine, report, plan, pid) { main = consume own }
        } catch {
            reap(pid)
            if let root = plan.hostMount, report.step.index > LaunchStep.mountRoot.index { try? unmount(root, lazily: true) }
            throw error
        }
        let end = monotonicNanoseconds()
        // 0 for a program that is gone and reaped already, which only another waiter could have done.
        let ticks = (try? ProcessStat(of: pid).startTicks) ?? 0
        return RunningInit(
            pid: pid, pidfd: pidfd, startTicks: ticks, cgroup: cgroup, laterGroups: laterGroups, terminal: main,
            timings: report.timings(until: end))
    }
}

/// A caller with 0, 1 or 2 closed would get its next descriptors there, where the child puts the container's streams.
func occupyStandardDescriptors() throws(KernelError) {
    for place in CInt(0)..<3 where fcntl(place, F_GETFD) == -1 {
        // The lowest free number is this one, since those below are taken.
        try kernel("open(2)", "/dev/null") { open("/dev/null", O_RDWR) }
    }
}

/// Waits for the exec or the gate, and runs the hooks that are due before; what went wrong in the child becomes this function's error.
/// - Returns: the terminal that the child made, where it made one.
private func awaitProgram(
    _ channel: borrowing OwnedFD, _ report: borrowing LaunchReport, _ plan: InitPlan, _ pid: Int32
) throws(LaunchError) -> OwnedFD? {
    var terminal: OwnedFD?
    while true {
        switch try during(.clone, nil, { () throws(KernelError) in try channel.awaitChild() }) {
        case .terminal(let descriptor): terminal = consume descriptor
        case .atHooks:
            report.begin(.createHooks, inParent: true)
            // Of the older specification, in which these came after the creation.
            try plan.hooks.run(.prestart, plan.state.with(status: "created", pid: pid))
            try plan.hooks.run(.createRuntime, plan.state.with(status: "creating", pid: pid))
            report.begin(.wait, inParent: true)
            channel.releaseChild(network: nil)
        case .atGate: return terminal
        case .ended:
            if let failure = report.failure { throw failure }
            guard report.step == .exec else {
                // Killed from outside, or a bug here: either way it did not come to the exec.
                throw LaunchError(step: report.step, reason: "the container's init process ended in this step")
            }
            return terminal
        }
    }
}

/// Ends a child that won't be a container, and takes its record.
func reap(_ pid: Int32) {
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
        // A terminal belongs to the user namespace that its devpts was mounted in.
        guard case .terminal(let rows, let columns) = stdio, userNamespace == nil else { return nil }
        report.begin(.terminal, inParent: true)
        return try makeTerminal(rows, columns)
    }

    func makeTerminal(_ rows: UInt16, _ columns: UInt16) throws(LaunchError) -> TerminalPair {
        for mount in mounts where mount.target == "dev/pts" {
            guard case .filesystem("devpts", _, let options) = mount.kind else { continue }
            return try during(.terminal) { () throws(KernelError) in
                try TerminalPair.make(options: options, label: mountLabel, rows: rows, columns: columns)
            }
        }
        throw .refused("a terminal needs a devpts mount at /dev/pts")
    }

    fileprivate func openUserNamespace(_ report: borrowing LaunchReport) throws(LaunchError) -> UserNamespace? {
        guard let userNamespace else { return nil }
        report.begin(.userNamespace, inParent: true)
        let opened = try during(.userNamespace, "no user namespaces here, or no right to map these ids?") { () throws(KernelError) in
            try userNamespace.open()
        }
        if case .joined(let path, let expected?) = userNamespace, expected != opened.mappings {
            throw .refused("the user namespace \(path) has other maps than the spec's")
        }
        guard opened.mappings.hostUser(0) != nil, opened.mappings.hostGroup(0) != nil else {
            throw .refused("the user namespace does not map id 0")
        }
        return opened
    }

    fileprivate func prepareMounts(
        _ user: borrowing Optional<UserNamespace>, _ report: borrowing LaunchReport
    ) throws(LaunchError) -> PreparedMounts {
        if needsPreparedMounts { report.begin(.prepareMounts, inParent: true) }
        if let mappings = user.mappings { try lendStreams(mappings) }
        return try PreparedMounts.make(self, user)
    }

    private var needsPreparedMounts: Bool {
        userNamespace != nil || sharedMemory != nil || mounts.contains { $0.owners != nil || $0.isOfLayers }
    }

    /// As the child does without a user namespace: what is the host's it has no right to give away.
    private func lendStreams(_ mappings: IDMappings) throws(LaunchError) {
        guard case .descriptors(let input, let output, let error) = stdio, let user = mappings.hostUser(process.user.uid) else { return }
        try during(.prepareMounts) { () throws(KernelError) in
            for descriptor in [input, output, error] { try lendStream(descriptor, to: user) }
        }
    }

    /// A new network namespace with loopback up. It takes the kernel longer than anything else here, so the parent goes there and
    /// back while the child mounts.
    fileprivate func makeNetwork() throws(LaunchError) -> OwnedFD? {
        guard namespaces.new.contains(.network), userNamespace == nil else { return nil }
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

    func raiseLoopback() throws(KernelError) {
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

/// Pipes are given to the container's user, who must be able to open /dev/stdout again; files, sockets and devices of the host keep their
/// owner.
func lendStream(_ descriptor: CInt, to user: UInt32) throws(KernelError) {
    let status = try fileStatus(descriptor, "stream \(descriptor)")
    guard status.st_mode & S_IFMT == S_IFIFO, status.st_uid != user else { return }
    try kernel("fchown(2)", "stream \(descriptor)") { fchown(descriptor, user, status.st_gid) }
}

extension Optional where Wrapped == UserNamespace {
    borrowing func rawNumber() -> CInt? {
        switch self {
        case .some(let namespace): namespace.descriptor.raw
        case .none: nil
        }
    }

    fileprivate var mappings: IDMappings? {
        switch self {
        case .some(let namespace): namespace.mappings
        case .none: nil
        }
    }
}

extension Optional where Wrapped == SeccompListenerPlan {
    fileprivate func connected() throws(LaunchError) -> OwnedFD? {
        guard let plan = self else { return nil }
        return try during(.seccomp, "seccomp.listenerPath") { () throws(KernelError) in try plan.connect() }
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
