// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux
internal import SystemPackage

// A further process of a container that runs: it joins what the first one made.
extension InitProcess {
    /// From the caller's surroundings into the container's, with nothing of the caller's left open. Until here nothing that the container
    /// made is opened: it can't hold this process up while it still has the caller's descriptors.
    borrowing func enter(_ entry: ExecEntry) throws(LaunchError) {
        report.begin(.join)
        try during(.join) { () throws(KernelError) in try CgroupMembership(cgroup).join() }
        report.begin(.namespaces)
        try setOutOfMemoryScore()
        // Rights of the host's root, which nobody has in a user namespace.
        try plan.process.raiseLimits()
        try during(.resources) { () throws(KernelError) in try plan.process.schedule(0) }
        try during(.namespaces) { () throws(KernelError) in
            // All at once, or none: a process in half a container is not to be. By pidfd: the number may be another process's by now. The
            // mount namespace brings its root along, as root and working directory.
            try enterNamespace(entry.pidfd, entry.namespaces, object: "the container's namespaces")
            if entry.namespaces.contains(.user) { try becomeRootOfNamespace() }
            try channel.closeOthers(preserving: entry.preservedDescriptors)
        }
    }

    /// Until the identity is set: the caller's ids mean nobody in the user namespace, and nobody can make files.
    private borrowing func becomeRootOfNamespace() throws(KernelError) {
        do throws(KernelError) {
            try kernel("setresgid(2)", "0") { ctr_setgid(0) }
            try kernel("setresuid(2)", "0") { ctr_setuid(0) }
        } catch  where error.errno == .invalidArgument {
            // It has no root.
        }
        // The change of user made it dumpable as /proc/sys/fs/suid_dumpable says.
        try kernel("prctl(2)", "PR_SET_DUMPABLE 0") { ctr_set_dumpable(0) }
    }
}
