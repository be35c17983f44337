// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux
internal import SystemPackage

/// The child between clone3 and execve: named steps in a straight line, each noted in the report.
///
/// It is the copy of a process with one thread, so it may run Swift; it takes no lock, starts nothing, and leaves only by execve or _exit.
struct InitProcess: ~Copyable {
    let plan: InitPlan
    let report: LaunchReport
    let channel: LaunchChannel
    let terminal: TerminalNumbers?
    /// Where the parent makes the container's cgroup meanwhile.
    let cgroup: CgroupHandle
    /// Device and inode of the runtime's own binary, which is never the container's program (CVE-2019-5736).
    let ownBinary: (device: UInt64, inode: UInt64)?
    /// The container that this process joins; nil for the first process, which makes it.
    var entry: ExecEntry?

    /// Borrowing: the channel must stay open until the report is written, since its end makes the parent read it.
    borrowing func run() -> Never {
        do throws(LaunchError) {
            try prepare()
            if let entry {
                try enter(entry)
            } else {
                try enterNamespaces()
                let root = try mountRoot()
                try fillRoot(root)
                try pivot(root)
            }
            try becomeUser()
            try execute()
        } catch {
            report.fail(error)
            _exit(error.exitCode)
        }
    }

    // MARK: Surroundings

    /// Nobody may look into this process (CVE-2016-9962), its streams are the container's, and a signal means what it usually means.
    private borrowing func prepare() throws(LaunchError) {
        report.begin(.prepare)
        try during(.prepare) { () throws(KernelError) in
            try kernel("prctl(2)", "PR_SET_DUMPABLE 0") { ctr_set_dumpable(0) }
            for signal in 1..<CInt(65) where signal != SIGKILL && signal != SIGSTOP {
                try kernel("rt_sigaction(2)", "signal \(signal)") { ctr_default_signal(signal) }
            }
            umask(0)
            try arrangeStreams()
        }
    }

    private borrowing func arrangeStreams() throws(KernelError) {
        let wanted: [CInt]
        switch plan.stdio {
        case .descriptors(let input, let output, let error): wanted = [input, output, error]
        case .terminal:
            guard let terminal = terminal?.peer else { return }
            wanted = [terminal, terminal, terminal]
        }
        // Copies out of the way first: one of them may be in another's place.
        var copies: [CInt] = []
        for descriptor in wanted {
            copies.append(try kernel("fcntl(2)", "stream \(descriptor)") { fcntl(descriptor, F_DUPFD_CLOEXEC, 64) })
        }
        for (place, copy) in copies.enumerated() {
            try kernel("dup3(2)", "stream \(place)") { ctr_dup3(copy, CInt(place), 0) }
            close(copy)
        }
    }

    private borrowing func enterNamespaces() throws(LaunchError) {
        report.begin(.namespaces)
        try during(.namespaces) { () throws(KernelError) in
            // The mount namespace last: paths of the others are the host's.
            for (kind, path) in plan.namespaces.joined.sorted(by: { $1.kind == .mount && $0.kind != .mount }) where kind != .pid {
                let file = try openFile(path, O_RDONLY)
                try enterNamespace(file.raw, kind, object: path.string)
            }
        }
        try setOutOfMemoryScore()
    }

    /// Before the mount namespace: the file is the host's.
    borrowing func setOutOfMemoryScore() throws(LaunchError) {
        guard let score = plan.process.outOfMemoryScore else { return }
        try during(.namespaces) { () throws(KernelError) in try writeFile("/proc/self/oom_score_adj", "\(score)") }
    }

    // MARK: The program

    /// Waits at the gate, takes the filter and becomes the container's program.
    private borrowing func execute() throws(LaunchError) -> Never {
        report.begin(.findProgram)
        let program = try ProgramSearch(plan.process, ownBinary: ownBinary).find()
        if channel.hasGate {
            report.begin(.gate)
            try channel.waitAtGate()
        }
        report.begin(.seccomp)
        if plan.process.noNewPrivileges, let seccomp = plan.seccomp {
            try during(.seccomp) { () throws(KernelError) in try seccomp.load() }
        }
        report.begin(.exec)
        _ = ctr_set_signal_mask(0, nil)
        let arguments = plan.arguments.pointer
        let environment = plan.environment.pointer
        let errno = withCPath(program) { path in
            _ = ctr_execve(path, arguments, environment)
            return lastErrno()
        }
        let failure = KernelError(call: "execve(2)", object: program.string, errno: errno)
        throw LaunchError(
            step: .exec, reason: ProgramSearch.explanation(errno), kernel: failure,
            exitCode: errno == .noSuchFileOrDirectory || errno == .notDirectory ? 127 : 126)
    }
}
