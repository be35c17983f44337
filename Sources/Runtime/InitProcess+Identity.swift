// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux
internal import SystemPackage

// Who the process is: session, names, limits, user, capabilities. Inside the container's tree already.
extension InitProcess {
    borrowing func becomeUser() throws(LaunchError) {
        report.begin(.session)
        try during(.session) { () throws(KernelError) in try openSession() }
        if plan.hostname != nil || plan.domainname != nil {
            report.begin(.hostname)
            try during(.hostname) { () throws(KernelError) in try setNames() }
        }
        report.begin(.resources)
        for limit in plan.process.limits {
            try during(.resources, "no right to raise a limit?") { () throws(KernelError) in
                try kernel("setrlimit(2)", "\(limit.name) \(limit.soft):\(limit.hard)") {
                    ctr_set_limit(limit.resource, limit.soft, limit.hard)
                }
            }
        }
        report.begin(.identity)
        try during(.identity) { () throws(KernelError) in try setIdentity() }
        report.begin(.workingDirectory)
        try during(.workingDirectory) { () throws(KernelError) in try enterWorkingDirectory() }
    }

    private borrowing func openSession() throws(KernelError) {
        // A leader already (the runtime's own session) is as good: EPERM.
        do throws(KernelError) { try kernel("setsid(2)", "init") { setsid() } } catch  where error.errno == .notPermitted {}
        if case .terminal = plan.stdio { try kernel("ioctl(2)", "TIOCSCTTY") { ctr_terminal_control(0) } }
        if let personality = plan.process.personality {
            try kernel("personality(2)", "0x\(String(personality, radix: 16))") { ctr_personality(personality) }
        }
        try keyring()
    }

    /// A session keyring of its own, so that the caller's keys are out of sight. Source: keyrings(7).
    private borrowing func keyring() throws(KernelError) {
        do throws(KernelError) {
            try kernel("keyctl(2)", "join session keyring") { ctr_join_session_keyring(nil) }
        } catch  where error.errno == .noFunction {}
    }

    private borrowing func setNames() throws(KernelError) {
        if let hostname = plan.hostname { try kernel("sethostname(2)", hostname) { sethostname(hostname, hostname.utf8.count) } }
        if let name = plan.domainname { try kernel("setdomainname(2)", name) { setdomainname(name, name.utf8.count) } }
    }

    /// The order matters: the bounding set while CAP_SETPCAP is held, groups before the user, the other sets after the user.
    private borrowing func setIdentity() throws(KernelError) {
        let process = plan.process
        // Of a container that runs nothing is made: what is missing there was removed, or never meant to be.
        if entry == nil { try makeWorkingDirectory() }
        try lendStreams(process.user)
        if process.noNewPrivileges {
            try kernel("prctl(2)", "PR_SET_NO_NEW_PRIVS") { ctr_set_no_new_privileges() }
        } else if let seccomp = plan.seccomp {
            // Without no_new_privs a filter needs CAP_SYS_ADMIN, which the next lines may take away.
            try seccomp.load()
        }
        try process.capabilities.limitBounding()
        let user = process.user
        try kernel("setgroups(2)", "\(user.groups)") { ctr_setgroups(user.groups.count, user.groups) }
        try kernel("setresgid(2)", "\(user.gid)") { ctr_setgid(user.gid) }
        try kernel("prctl(2)", "PR_SET_KEEPCAPS") { ctr_set_keep_capabilities(1) }
        try kernel("setresuid(2)", "\(user.uid)") { ctr_setuid(user.uid) }
        try kernel("prctl(2)", "PR_SET_KEEPCAPS 0") { ctr_set_keep_capabilities(0) }
        try process.capabilities.apply()
        // The change of user made this process dumpable as /proc/sys/fs/suid_dumpable says.
        try kernel("prctl(2)", "PR_SET_DUMPABLE 0") { ctr_set_dumpable(0) }
        umask(user.umask)
    }

    /// Another user than root must be able to open /dev/stdout again. Pipes and the container's own terminal are given to it;
    /// files, sockets and devices of the host keep their owner.
    private borrowing func lendStreams(_ user: UserPlan) throws(KernelError) {
        if case .terminal = plan.stdio {
            try kernel("fchown(2)", "terminal") { fchown(0, user.uid, 5) }
            return
        }
        guard user.uid != 0 else { return }
        for descriptor in CInt(0)..<3 {
            let status = try fileStatus(descriptor, "stream \(descriptor)")
            guard status.st_mode & S_IFMT == S_IFIFO, status.st_uid != user.uid else { continue }
            try kernel("fchown(2)", "stream \(descriptor)") { fchown(descriptor, user.uid, status.st_gid) }
        }
    }

    /// Made where the image lacks it, as `docker run -w` does. Never by a magic link, nor outside the root.
    private borrowing func makeWorkingDirectory() throws(KernelError) {
        let root = RootDirectory(try openFile("/", CTR_O_PATH | O_DIRECTORY))
        _ = try root.openOrMake(plan.process.workingDirectory, directory: true)
    }

    /// As the container's user, who must be able to reach it.
    private borrowing func enterWorkingDirectory() throws(KernelError) {
        let root = RootDirectory(try openFile("/", CTR_O_PATH | O_DIRECTORY))
        let directory = try root.open(plan.process.workingDirectory, flags: CTR_O_PATH | O_DIRECTORY)
        let raw = directory.raw
        try kernel("fchdir(2)", plan.process.workingDirectory.string) { fchdir(raw) }
    }
}
