// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
package import SystemPackage

/// Starts a program as the leader of a session of its own, with exactly the descriptors, arguments and environment that are given.
///
/// Safe in a process with threads: posix_spawn(3) shares the memory until the exec and runs none of the caller's code. All signals
/// have their default meaning in the child, and none is blocked.
/// - Parameters:
///   - program: a path; PATH is not searched.
///   - descriptors: the caller's number, and the child's. Nothing else is open in the child.
/// - Returns: the child's pid; the caller reaps it.
/// - Throws: `KernelError` with what fork(2) or execve(2) said; there is no child then.
package func spawn(
    _ program: FilePath, arguments: [String], environment: [String], descriptors: [(from: CInt, to: CInt)]
) throws(KernelError) -> Int32 {
    let table = try DescriptorTable(descriptors)
    return try table.withActions { actions throws(KernelError) in
        try withDefaultAttributes { attributes throws(KernelError) in
            var attributes = attributes
            var pid: Int32 = 0
            let argumentVector = CStringVector(arguments)
            let environmentVector = CStringVector(environment)
            let result = withCPath(program) { path in
                posix_spawn(&pid, path, actions, &attributes, argumentVector.pointers, environmentVector.pointers)
            }
            try accept(result, "posix_spawn(3)", program.string)
            return pid
        }
    }
}

/// The functions of <spawn.h> answer with the error number itself.
private func accept(_ result: CInt, _ call: String, _ object: String) throws(KernelError) {
    if result != 0 { throw KernelError(call: call, object: object, errno: Errno(rawValue: result)) }
}

private func withDefaultAttributes<Result>(_ body: (posix_spawnattr_t) throws(KernelError) -> Result) throws(KernelError) -> Result {
    var attributes = posix_spawnattr_t()
    try accept(posix_spawnattr_init(&attributes), "posix_spawnattr_init(3)", "attributes")
    defer { posix_spawnattr_destroy(&attributes) }
    var set = sigset_t()
    sigemptyset(&set)
    try accept(posix_spawnattr_setsigmask(&attributes, &set), "posix_spawnattr_setsigmask(3)", "no signal")
    sigfillset(&set)
    try accept(posix_spawnattr_setsigdefault(&attributes, &set), "posix_spawnattr_setsigdefault(3)", "all signals")
    let flags = Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF) | Int16(CTR_SPAWN_SETSID)
    try accept(posix_spawnattr_setflags(&attributes, flags), "posix_spawnattr_setflags(3)", "\(flags)")
    return try body(attributes)
}

/// The child's descriptors, as moves that can be done one after the other.
private struct DescriptorTable: ~Copyable {
    private var moves: [(from: CInt, to: CInt)] = []
    /// Copies of sources that stand where another one's target is.
    private var copies: [CInt] = []

    init(_ wanted: [(from: CInt, to: CInt)]) throws(KernelError) {
        let targets = Set(wanted.map(\.to))
        let free = (targets.max() ?? 2) + 1
        for (from, to) in wanted {
            var source = from
            if from != to, targets.contains(from) {
                source = try kernel("fcntl(2)", "descriptor \(from)") { fcntl(from, F_DUPFD_CLOEXEC, free) }
                copies.append(source)
            }
            moves.append((source, to))
        }
    }

    deinit { for copy in copies { _ = close(copy) } }

    /// dup2 onto itself takes close-on-exec away (POSIX.1-2024, and glibc for long), as it does for any other target.
    borrowing func withActions<Result>(
        _ body: (UnsafePointer<posix_spawn_file_actions_t>) throws(KernelError) -> Result
    ) throws(KernelError) -> Result {
        var actions = posix_spawn_file_actions_t()
        try accept(posix_spawn_file_actions_init(&actions), "posix_spawn_file_actions_init(3)", "actions")
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (from, to) in moves {
            try accept(posix_spawn_file_actions_adddup2(&actions, from, to), "posix_spawn_file_actions_adddup2(3)", "\(from) to \(to)")
        }
        let first = (moves.map(\.to).max() ?? -1) + 1
        try accept(ctr_spawn_close_from(&actions, first), "posix_spawn_file_actions_addclosefrom_np(3)", "\(first)")
        return try body(&actions)
    }
}

/// A NULL-terminated array of C strings, freed with the value.
private struct CStringVector: ~Copyable {
    let pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let count: Int

    init(_ strings: [String]) {
        count = strings.count
        pointers = .allocate(capacity: strings.count + 1)
        for (index, string) in strings.enumerated() { (pointers + index).initialize(to: strdup(string)) }
        (pointers + strings.count).initialize(to: nil)
    }

    deinit {
        for index in 0..<count { free(pointers[index]) }
        pointers.deallocate()
    }
}
