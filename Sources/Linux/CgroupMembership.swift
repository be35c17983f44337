// SPDX-License-Identifier: Apache-2.0

internal import Glibc
package import SystemPackage

/// The files by which a process puts itself into a container's cgroup, opened before it is born.
///
/// v1: the process writes "0" into `tasks` of each hierarchy. `tasks`, not `cgroup.procs`: for the writing thread itself the kernel then
/// takes no lock that waits for all other processes (cgroup_procs_write_start), which saves milliseconds; the process has one thread.
/// v2: the process is born there (CLONE_INTO_CGROUP), unless the group was there before: where it has been killed once, the kernel kills
/// whoever is born into it (6.18; cgroup_css_set_fork compares with the parent's group), and a move is taken.
package struct CgroupMembership: ~Copyable {
    private let entries: [CInt]
    private let names: [String]

    package init(_ handle: CgroupHandle) throws(KernelError) {
        var opened: [CInt] = []
        var names: [String] = []
        do throws(KernelError) {
            for directory in handle.directories where !(directory.hierarchy.isUnified && directory.created) {
                let file = directory.location.appending(directory.hierarchy.isUnified ? "cgroup.procs" : "tasks")
                opened.append(try openFile(file, O_WRONLY).release())
                names.append(file.string)
            }
        } catch {
            for descriptor in opened { _ = close(descriptor) }
            throw error
        }
        entries = opened
        self.names = names
    }

    deinit {
        for descriptor in entries { _ = close(descriptor) }
    }

    /// Moves the calling process, which must have one thread.
    package borrowing func join() throws(KernelError) {
        for (entry, name) in zip(entries, names) {
            try kernel("write(2)", name) { write(entry, "0", 1) }
        }
    }
}

/// Writes lines into a cgroup file that takes one each write(2), opened once.
package func writeLines(_ path: FilePath, _ lines: [String]) throws(KernelError) {
    let file = try openFile(path, O_WRONLY)
    let raw = file.raw
    for line in lines {
        try line.utf8Span.span.withUnsafeBytes { bytes throws(KernelError) in
            _ = try kernel("write(2)", "\(path.string) <- \(line)") { write(raw, bytes.baseAddress, bytes.count) }
        }
    }
}
