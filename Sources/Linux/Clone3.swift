// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import SystemPackage

/// Which of the two processes returned from `cloneProcess`.
package enum CloneResult: ~Copyable {
    case parent(pid: Int32, pidfd: OwnedFD)
    case child
}

/// Makes a child with new namespaces, like fork(2): the child has a copy of everything and returns from here too.
///
/// Only a process with one thread may call this, because the child goes on in Swift: no other thread may hold a lock that the child
/// would wait for. Source: clone(2).
/// - Parameters:
///   - namespaces: the new ones. `cgroup` belongs to the child's own later steps where it first has to join cgroup v1 hierarchies.
///   - cgroup: a directory of cgroup v2 in which the child is born (CLONE_INTO_CGROUP, Linux 5.7); nil: the caller's.
/// - Throws: `KernelError`; no child exists then.
package func cloneProcess(_ namespaces: Namespaces, cgroup: CInt? = nil) throws(KernelError) -> CloneResult {
    var pidfd: CInt = -1
    let pid = try kernel("clone3(2)", "flags 0x\(String(namespaces.rawValue, radix: 16))") {
        ctr_clone3(namespaces.rawValue, cgroup ?? -1, &pidfd)
    }
    return pid == 0 ? .child : .parent(pid: pid, pidfd: OwnedFD(owning: pidfd))
}

/// The same, but the child is the caller's sibling: the caller's parent is its parent, too, and reaps it.
package func cloneSibling(_ namespaces: Namespaces) throws(KernelError) -> CloneResult {
    var pidfd: CInt = -1
    let pid = try kernel("clone3(2)", "sibling with flags 0x\(String(namespaces.rawValue, radix: 16))") {
        ctr_clone3_sibling(namespaces.rawValue, &pidfd)
    }
    return pid == 0 ? .child : .parent(pid: pid, pidfd: OwnedFD(owning: pidfd))
}

/// How many threads the calling process has.
package func threadCount() throws(KernelError) -> Int {
    // The link count of a task directory is 2 + its entries: one stat instead of a listing.
    var status = stat()
    try kernel("stat(2)", "/proc/self/task") { stat("/proc/self/task", &status) }
    return Int(status.st_nlink) - 2
}
