// SPDX-License-Identifier: Apache-2.0

internal import Glibc
package import SystemPackage

/// Starts a program in a session of its own, with default signals, an empty mask, and exactly the descriptors of the table.
///
/// posix_spawn(3): no code of this process runs between clone and exec, so a threaded process may call it.
/// - Parameter descriptors: (ours, its number there); everything else is close-on-exec. An own number must not be a later target.
/// - Returns: the child's pid; the caller reaps it.
package func spawn(
    _ program: FilePath, arguments: [String], environment: [String], descriptors: [(CInt, CInt)]
) throws(KernelError) -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for (source, target) in descriptors { posix_spawn_file_actions_adddup2(&actions, source, target) }

    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    var all = sigset_t()
    sigemptyset(&none)
    sigfillset(&all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | 0x80 /* POSIX_SPAWN_SETSID */))

    let argumentPointers = arguments.map { strdup($0) }
    let environmentPointers = environment.map { strdup($0) }
    defer { for pointer in argumentPointers + environmentPointers { free(pointer) } }
    var pid: pid_t = 0
    let result = try withCPath(program) { path throws(KernelError) in
        posix_spawn(&pid, path, &actions, &attributes, argumentPointers + [nil], environmentPointers + [nil])
    }
    guard result == 0 else { throw KernelError(call: "posix_spawn(3)", object: program.string, errno: Errno(rawValue: result)) }
    return pid
}
