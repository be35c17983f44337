// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux
internal import ShimProtocol
internal import SystemPackage

/// A monitor that is a process. It gets ready while its container is being made, and waits for the word to begin; where that does not come, because
/// the connection ends, it ends too.
struct SpawnedShim: Sendable {
    let pid: Int32
    let line: ShimLine
    /// `started` or `failed`.
    let answer = ShimAnswer()

    /// It gets /dev/null and one end of a pair, as descriptor 3: nothing of the container has to be there yet.
    /// - Parameters:
    ///   - binary: stays the caller's.
    ///   - configuration: where shim.json will be.
    static func spawn(binary: CInt, configuration: FilePath) throws(KernelError) -> SpawnedShim {
        let pair = try ShimConnection.pair()
        let null = try openFile("/dev/null", O_RDWR)
        // The binary's own descriptor has to be there at the exec; the shim closes it first of all.
        let pid = try Linux.spawn(
            "/proc/self/fd/4", arguments: ["ctr-swift-shim", "--config", configuration.string], environment: [],
            descriptors: [(null.raw, 0), (null.raw, 1), (null.raw, 2), (pair.shim.raw, 3), (binary, 4)])
        return SpawnedShim(pid: pid, line: ShimLine(pair.engineOnly()))
    }

    /// Gives it the lock that tells others of it, a log of its own for what it can't say otherwise, and the namespaces that it is to enter.
    /// - Throws: `KernelError`; EPIPE where it has ended.
    func begin(_ paths: ContainerPaths, _ namespaces: borrowing SharedNamespaces) throws(KernelError) {
        let lock = try ShimLock.take(paths.shimConfiguration)
        let log = try openFile(paths.shimLog, O_WRONLY | O_CREAT | O_APPEND, mode: 0o600)
        try line.connection.send(.begin, with: [log.raw, lock.raw] + namespaces.descriptors)
    }
}
