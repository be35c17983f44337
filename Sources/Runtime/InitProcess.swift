// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import JSON
internal import Linux
internal import SystemPackage

/// The child between clone3 and execve: named steps in a straight line, each noted in the report.
///
/// It is the copy of a process with one thread, so it may run Swift; it takes no lock, starts nothing, and leaves only by execve or _exit.
struct InitProcess: ~Copyable {
    let plan: InitPlan
    let report: LaunchReport
    private(set) var channel: LaunchChannel
    private(set) var terminal: TerminalNumbers?
    /// Where the parent makes the container's cgroup meanwhile.
    let cgroup: CgroupHandle
    /// Device and inode of the runtime's own binary, which is never the container's program (CVE-2019-5736).
    let ownBinary: (device: UInt64, inode: UInt64)?
    /// The container that this process joins; nil for the first process, which makes it.
    let entry: ExecEntry?
    let prepared: PreparedMounts.Numbers
    /// The connection to the seccomp listener's new owner.
    let listener: CInt?
    /// For errors that nobody waits for.
    let failures: CInt?
    /// What can be opened only while the host's procfs is in reach.
    private var labelFile: CInt?
    /// This process as the host numbers it; for the seccomp listener.
    private var hostPID: Int32 = 0
    private var isPastGate = false

    init(
        plan: InitPlan, report: consuming LaunchReport, channel: consuming LaunchChannel, terminal: TerminalNumbers?, cgroup: CgroupHandle,
        ownBinary: (device: UInt64, inode: UInt64)?, prepared: PreparedMounts.Numbers = .init(), listener: CInt? = nil,
        failures: CInt? = nil, entry: ExecEntry? = nil
    ) {
        self.plan = plan
        self.report = report
        self.channel = channel
        self.terminal = terminal
        self.cgroup = cgroup
        self.ownBinary = ownBinary
        self.prepared = prepared
        self.listener = listener
        self.failures = failures
        self.entry = entry
    }

    consuming func start() -> Never { run() }

    /// Not consuming: the channel must stay open until the report is written, since its end makes the parent read it.
    private mutating func run() -> Never {
        do throws(LaunchError) {
            try prepare()
            if let entry {
                try enter(entry)
            } else {
                try enterNamespaces()
                let root = try mountRoot()
                try fillRoot(root)
                try runHooksBeforePivot()
                try pivot(root)
            }
            try becomeUser()
            try execute()
        } catch {
            report.fail(error)
            if isPastGate { tellLate(error) }
            _exit(error.exitCode)
        }
    }

    /// After the gate the parent listens no more.
    private borrowing func tellLate(_ error: LaunchError) {
        guard let failures, let bytes = try? JSON.encode(error) else { return }
        _ = bytes.withUnsafeBytes { write(failures, $0.baseAddress, $0.count) }
    }

    private borrowing func runHooksBeforePivot() throws(LaunchError) {
        if !plan.hooks.isEmpty(.prestart) || !plan.hooks.isEmpty(.createRuntime) { try channel.waitForHooks() }
        guard !plan.hooks.isEmpty(.createContainer) else { return }
        report.begin(.containerHooks)
        try plan.hooks.run(.createContainer, plan.state.with(status: "creating", pid: getpid()))
    }

    // MARK: Surroundings

    /// Nobody may look into this process (CVE-2016-9962), its streams are the container's, and a signal means what it usually means.
    private mutating func prepare() throws(LaunchError) {
        report.begin(.prepare)
        try during(.prepare) { () throws(KernelError) in
            try kernel("prctl(2)", "PR_SET_DUMPABLE 0") { ctr_set_dumpable(0) }
            for signal in 1..<CInt(65) where signal != SIGKILL && signal != SIGSTOP {
                try kernel("rt_sigaction(2)", "signal \(signal)") { ctr_default_signal(signal) }
            }
            umask(0)
            try arrangeStreams()
            if let label = plan.label {
                let file = try label.open()
                labelFile = file
                channel.kept.append(file)
            }
            if listener != nil { hostPID = try Self.pidOnHost() }
        }
    }

    /// As the mounted procfs numbers processes, which is still the host's.
    private static func pidOnHost() throws(KernelError) -> Int32 {
        var buffer = [UInt8](repeating: 0, count: 32)
        let count = try kernel("readlink(2)", "/proc/self") {
            buffer.withUnsafeMutableBytes { bytes in
                bytes.bindMemory(to: CChar.self).baseAddress.map { readlink("/proc/self", $0, 31) } ?? 0
            }
        }
        return Int32(String(decoding: buffer.prefix(count), as: UTF8.self)) ?? 0
    }

    borrowing func arrangeStreams() throws(KernelError) {
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

    /// Makes the terminal in the container's user namespace, whose the devpts then is.
    mutating func makeOwnTerminal() throws(LaunchError) {
        guard case .terminal(let rows, let columns) = plan.stdio, terminal == nil else { return }
        var pair = try plan.makeTerminal(rows, columns)
        if let main = pair.main.take() {
            let number = main.raw
            try during(.terminal) { () throws(KernelError) in try channel.give(terminal: number) }
        }
        terminal = pair.intoNumbers()
        try during(.terminal) { () throws(KernelError) in try arrangeStreams() }
    }

    private borrowing func enterNamespaces() throws(LaunchError) {
        report.begin(.namespaces)
        // A stepping stone has done all of this.
        guard !plan.needsSteppingStone else { return }
        try during(.namespaces) { () throws(KernelError) in
            // The mount namespace last: paths of the others are the host's.
            for (kind, path) in plan.namespaces.joined.sorted(by: { $1.kind == .mount && $0.kind != .mount }) where kind != .pid {
                let file = try openFile(path, O_RDONLY)
                let before = monotonicNanoseconds()
                try enterNamespace(file.raw, kind, object: path.string)
                if kind == .time { report.setClock(ahead: Int64(bitPattern: monotonicNanoseconds() &- before)) }
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
    private mutating func execute() throws(LaunchError) -> Never {
        report.begin(.findProgram)
        let program = try ProgramSearch(plan.process, ownBinary: ownBinary).find()
        if channel.hasGate {
            report.begin(.gate)
            try channel.waitAtGate()
            isPastGate = true
        }
        if !plan.hooks.isEmpty(.startContainer) {
            report.begin(.startHooks)
            try plan.hooks.run(.startContainer, plan.state.with(status: "created", pid: getpid()))
        }
        report.begin(.seccomp)
        if let label = plan.label, let labelFile { try during(.identity) { () throws(KernelError) in try label.write(to: labelFile) } }
        if plan.process.noNewPrivileges { try filter() }
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

    /// Loads the filter; its listener, where it has one, goes to who waits for it.
    borrowing func filter() throws(LaunchError) {
        guard let seccomp = plan.seccomp else { return }
        let descriptor = try during(.seccomp, nil, { () throws(KernelError) -> CInt? in try seccomp.load() })
        guard let descriptor, let listener, let owner = plan.seccompListener else { return }
        try owner.send(descriptor, over: listener, plan.state.with(status: "creating", pid: hostPID), pid: hostPID)
    }
}
