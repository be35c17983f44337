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
        // In a user namespace this was the parent's to do, or was done before it was entered.
        if plan.userNamespace == nil, entry == nil { try during(.resources) { () throws(KernelError) in try plan.process.schedule(0) } }
        for limit in plan.process.limits {
            try during(.resources, "no right to raise a limit?") { () throws(KernelError) in
                try limit.set(soft: limit.soft)
            }
        }
        report.begin(.identity)
        // Before the filter, which may know no openat2(2).
        let directory = try during(.workingDirectory, nil) { () throws(KernelError) in try makeWorkingDirectory() }
        try setIdentity()
        report.begin(.workingDirectory)
        try during(.workingDirectory) { () throws(KernelError) in try enter(directory) }
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
    private borrowing func setIdentity() throws(LaunchError) {
        let process = plan.process
        try during(.identity) { () throws(KernelError) in
            try lendStreams(process.user)
            if process.noNewPrivileges { try kernel("prctl(2)", "PR_SET_NO_NEW_PRIVS") { ctr_set_no_new_privileges() } }
        }
        // Without no_new_privs a filter needs CAP_SYS_ADMIN, which the next lines may take away.
        if !process.noNewPrivileges { try filter() }
        try during(.identity) { () throws(KernelError) in try change(to: process) }
    }

    private borrowing func change(to process: ProcessPlan) throws(KernelError) {
        try process.capabilities.limitBounding()
        let user = process.user
        try setGroups(user.groups)
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
        // In a user namespace the parent has done it.
        guard user.uid != 0, plan.userNamespace == nil, entry?.namespaces.contains(.user) != true else { return }
        for descriptor in CInt(0)..<3 { try lendStream(descriptor, to: user.uid) }
    }

    /// A user namespace made by another user than root may forbid the call: no groups are then what there is. Source: user_namespaces(7).
    private borrowing func setGroups(_ groups: [UInt32]) throws(KernelError) {
        do throws(KernelError) {
            try kernel("setgroups(2)", "\(groups)") { ctr_setgroups(groups.count, groups) }
        } catch  where error.errno == .notPermitted && groups.isEmpty && plan.userNamespace != nil {}
    }

    /// From the host's root, which has no id in the container, to the container's own.
    borrowing func becomeContainerRoot() throws(KernelError) {
        try setGroups([])
        try kernel("setresgid(2)", "0") { ctr_setgid(0) }
        try kernel("setresuid(2)", "0") { ctr_setuid(0) }
        try kernel("prctl(2)", "PR_SET_DUMPABLE 0") { ctr_set_dumpable(0) }
    }

    /// Made where the image lacks it, as `docker run -w` does. Never by a magic link, nor outside the root. Of a container that runs nothing is made:
    /// what is missing there was removed, or never meant to be.
    private borrowing func makeWorkingDirectory() throws(KernelError) -> OwnedFD {
        let root = RootDirectory(try openFile("/", CTR_O_PATH | O_DIRECTORY))
        if entry != nil { return try root.open(plan.process.workingDirectory, flags: CTR_O_PATH | O_DIRECTORY) }
        return try root.openOrMake(plan.process.workingDirectory, directory: true)
    }

    /// As the container's user, who must be able to reach it; then to what was opened, which no link led to.
    private borrowing func enter(_ directory: borrowing OwnedFD) throws(KernelError) {
        let path = FilePath(root: "/", plan.process.workingDirectory.components)
        try withCPath(path) { raw throws(KernelError) in _ = try kernel("chdir(2)", path.string) { chdir(raw) } }
        let raw = directory.raw
        try kernel("fchdir(2)", path.string) { fchdir(raw) }
    }
}
