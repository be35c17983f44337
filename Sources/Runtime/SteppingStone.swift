// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux
internal import OCI
internal import SystemPackage

/// A process between the parent and the container's first one, for what a process can't do to itself and the parent must not: it enters the
/// user namespace while it still may enter all others, sets a new time namespace's clocks before anyone is in it, and then makes the
/// container's process as its own sibling, so that the parent is that one's parent and reaps it.
///
/// ```
/// parent ──clone──▶ stone: cgroup, oom score, limits, setns(others), setns(user), unshare(time) ──clone(CLONE_PARENT)──▶ init
///    ◀──────────────── pid, pidfd ───────────────┘ exits
/// ```
struct SteppingStone: ~Copyable {
    let plan: InitPlan
    /// Everything the process of this name joins; made already.
    let cgroup: CgroupHandle
    let userNamespace: CInt?

    /// - Parameter birthplace: a directory of cgroup v2.
    func clone(birthplace: CInt?, _ report: borrowing LaunchReport) throws(LaunchError) -> CloneResult {
        var ends: [CInt] = [-1, -1]
        try during(.clone) { () throws(KernelError) in
            let kind = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
            try kernel("socketpair(2)", "stepping stone") { socketpair(AF_UNIX, kind, 0, &ends) }
        }
        let first: CloneResult
        do throws(LaunchError) {
            first = try during(.clone) { () throws(KernelError) in try cloneProcess([], cgroup: birthplace) }
        } catch {
            for end in ends { _ = close(end) }
            throw error
        }
        switch consume first {
        case .child:
            _ = close(ends[0])
            return try step(ends[1], report)
        case .parent(let stone, _):
            _ = close(ends[1])
            let line = OwnedFD(owning: ends[0])
            defer { while waitpid(stone, nil, 0) == -1, lastErrno() == .interrupted {} }
            return try receive(line, report)
        }
    }

    /// In the stone: returns only as the container's process.
    private func step(_ line: CInt, _ report: borrowing LaunchReport) throws(LaunchError) -> CloneResult {
        report.begin(.namespaces)
        do throws(LaunchError) {
            try enter()
            switch try during(.namespaces, nil, { () throws(KernelError) in try cloneSibling(plan.clonedNamespaces) }) {
            case .child:
                _ = close(line)
                report.setClock(ahead: plan.monotonicOffset)
                return .child
            case .parent(var pid, let pidfd):
                _ = ctr_send_descriptor(line, &pid, 4, pidfd.raw)
                _exit(0)
            }
        } catch {
            report.fail(error)
            _exit(error.exitCode)
        }
    }

    private func receive(_ line: borrowing OwnedFD, _ report: borrowing LaunchReport) throws(LaunchError) -> CloneResult {
        var pid: Int32 = 0
        var pidfd: CInt = -1
        let raw = line.raw
        let count = try during(.clone) { () throws(KernelError) in
            try kernel("recvmsg(2)", "stepping stone") { ctr_receive_descriptor(raw, &pid, 4, &pidfd) }
        }
        guard count == 4, pidfd >= 0 else {
            throw report.failure ?? LaunchError(step: report.step, reason: "the runtime's process that enters the namespaces ended")
        }
        return .parent(pid: pid, pidfd: OwnedFD(owning: pidfd))
    }

    // MARK: As the host's root

    private func enter() throws(LaunchError) {
        try during(.join) { () throws(KernelError) in try CgroupMembership(cgroup).join() }
        // Only the host's root may lower the score, or raise a limit above what it has now.
        try during(.namespaces) { () throws(KernelError) in
            if let score = plan.process.outOfMemoryScore { try writeFile("/proc/self/oom_score_adj", "\(score)") }
        }
        try plan.process.raiseLimits()
        try during(.namespaces) { () throws(KernelError) in
            for (kind, path) in plan.namespaces.joined where kind != .user {
                let file = try openFile(path, O_RDONLY)
                try enterNamespace(file.raw, kind, object: path.string)
            }
            if let userNamespace { try enterNamespace(userNamespace, .user, object: "the user namespace") }
            if plan.namespaces.new.contains(.time) { try makeTime() }
        }
    }

    /// The offsets can be set until the first process is in the namespace; this one is not, its children are. Source: time_namespaces(7).
    private func makeTime() throws(KernelError) {
        try unshareNamespaces(.time)
        for line in plan.timeOffsets { try writeFile("/proc/self/timens_offsets", line) }
    }
}

extension InitPlan {
    /// Whether the container's process is made by way of a `SteppingStone`.
    var needsSteppingStone: Bool { userNamespace != nil || namespaces.new.contains(.time) }

    /// What a stepping stone's clone makes. The cgroup namespace comes after the join; the network namespace is the parent's work, unless
    /// it has to belong to the container's user namespace.
    var clonedNamespaces: Namespaces {
        let later: Namespaces = userNamespace == nil ? [.cgroup, .network] : [.cgroup]
        return namespaces.new.subtracting(later).subtracting([.user, .time])
    }

    /// In nanoseconds, of a new time namespace.
    fileprivate var monotonicOffset: Int64 {
        let words = (timeOffsets.first { $0.hasPrefix("monotonic ") } ?? "").split(separator: " ")
        guard words.count == 3, let seconds = Int64(words[1]), let nanoseconds = Int64(words[2]) else { return 0 }
        return seconds &* 1_000_000_000 &+ nanoseconds
    }

    /// Lines for timens_offsets. Source: time_namespaces(7).
    static func timeOffsets(_ offsets: [String: RuntimeSpec.Linux.TimeOffset], _ namespaces: NamespacePlan) throws(LaunchError) -> [String]
    {
        guard !offsets.isEmpty else { return [] }
        guard namespaces.new.contains(.time) else { throw .refused("linux.timeOffsets needs a new time namespace") }
        return try offsets.sorted { $0.key < $1.key }.map { clock, offset throws(LaunchError) in
            guard ["monotonic", "boottime"].contains(clock) else { throw .refused("linux.timeOffsets: no clock \"\(clock)\"") }
            let nanoseconds = offset.nanosecs ?? 0
            guard nanoseconds < 1_000_000_000 else {
                throw .refused("linux.timeOffsets: \(nanoseconds) nanoseconds are more than a second")
            }
            return "\(clock) \(offset.secs ?? 0) \(nanoseconds)"
        }
    }
}
