// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import SystemPackage

/// Runs `body` in a mount namespace of its own, of which nothing stays but the descriptors that it returns.
///
/// For a process with one thread. Its root and working directory are as before afterwards.
package func inTemporaryMountNamespace<Result: ~Copyable>(_ body: () throws(KernelError) -> Result) throws(KernelError) -> Result {
    let own = try openFile("/proc/self/ns/mnt", O_RDONLY)
    let root = try openFile("/", CTR_O_PATH | O_DIRECTORY)
    let directory = try openFile(".", CTR_O_PATH | O_DIRECTORY)
    try unshareNamespaces(.mount)
    let result: Result
    do throws(KernelError) {
        // What the host unmounts goes here too: its device would stay busy.
        try setPropagation("/", .slave, recursive: true)
        result = try body()
    } catch {
        try leave(to: own, root, directory)
        throw error
    }
    try leave(to: own, root, directory)
    return result
}

/// Runs `body` in another mount namespace, whose root is then this process's. For a process with one thread, whose root and working directory are
/// as before afterwards.
package func inMountNamespace<Result: ~Copyable>(
    _ namespace: CInt, _ body: () throws(KernelError) -> Result
) throws(KernelError) -> Result {
    let own = try openFile("/proc/self/ns/mnt", O_RDONLY)
    let root = try openFile("/", CTR_O_PATH | O_DIRECTORY)
    let directory = try openFile(".", CTR_O_PATH | O_DIRECTORY)
    try enterNamespace(namespace, .mount, object: "another container's mount namespace")
    let result: Result
    do throws(KernelError) { result = try body() } catch {
        try leave(to: own, root, directory)
        throw error
    }
    try leave(to: own, root, directory)
    return result
}

private func leave(to own: borrowing OwnedFD, _ root: borrowing OwnedFD, _ directory: borrowing OwnedFD) throws(KernelError) {
    let (rootNumber, directoryNumber) = (root.raw, directory.raw)
    // setns(2) makes the namespace's root this process's, whatever it was.
    try enterNamespace(own.raw, .mount, object: "own mount namespace")
    try kernel("fchdir(2)", "own root") { fchdir(rootNumber) }
    try kernel("chroot(2)", "own root") { chroot(".") }
    try kernel("fchdir(2)", "own working directory") { fchdir(directoryNumber) }
}
