// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux
internal import SystemPackage

/// `--init`: this same binary as PID 1 of a container. It starts the real program, passes signals on to it, and reaps what is orphaned.
///
/// The engine binds the shim's binary read-only at `/.ctr-init` and makes the spec's `process.args` `/.ctr-init init -- PROGRAM …`.
package enum ContainerInit {
    /// - Parameter arguments: the program, looked for in PATH as exec would, and its words.
    /// - Returns: the program's own code, or 128+n; 127 where it was not found, 126 where it can't be run.
    package static func run(_ arguments: [String]) -> CInt {
        var all = sigset_t()
        sigfillset(&all)
        sigprocmask(SIG_BLOCK, &all, nil)
        guard let program = arguments.first else { return 125 }
        let child: pid_t
        do throws(KernelError) { child = try startProgram(arguments) } catch {
            let text = Array("ctr-init: \(program): \(error.errno)\n".utf8)
            _ = text.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
            return error.errno == .noSuchFileOrDirectory ? 127 : 126
        }
        while true {
            var received: CInt = 0
            guard sigwait(&all, &received) == 0 else { continue }
            if received != SIGCHLD {
                // To the program alone, as without an init; what a terminal sends goes to the group by itself.
                kill(child, received)
            } else if let code = reap(child) {
                return code
            }
        }
    }

    /// In a process group of its own, which has the terminal: PID 1 is not to be stopped or interrupted by keys.
    private static func startProgram(_ arguments: [String]) throws(KernelError) -> pid_t {
        var attributes = posix_spawnattr_t()
        var actions = posix_spawn_file_actions_t()
        try accept(posix_spawnattr_init(&attributes))
        defer { posix_spawnattr_destroy(&attributes) }
        try accept(posix_spawn_file_actions_init(&actions))
        defer { posix_spawn_file_actions_destroy(&actions) }
        var set = sigset_t()
        sigemptyset(&set)
        try accept(posix_spawnattr_setsigmask(&attributes, &set))
        sigfillset(&set)
        try accept(posix_spawnattr_setsigdefault(&attributes, &set))
        try accept(posix_spawnattr_setpgroup(&attributes, 0))
        try accept(posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP)))
        if isTerminal(0) { try accept(ctr_spawn_foreground(&actions, 0)) }
        let words = arguments.map { strdup($0) }
        defer { for word in words { free(word) } }
        var pid: pid_t = 0
        try accept(posix_spawnp(&pid, arguments[0], &actions, &attributes, words + [nil], environ))
        return pid
    }

    /// The functions of <spawn.h> answer with the error number itself.
    private static func accept(_ result: CInt) throws(KernelError) {
        if result != 0 { throw KernelError(call: "posix_spawn(3)", object: "the container's program", errno: Errno(rawValue: result)) }
    }

    /// Takes everyone who has ended.
    /// - Returns: the program's end, where it is among them.
    private static func reap(_ program: pid_t) -> CInt? {
        var code: CInt?
        while true {
            var status: CInt = 0
            let pid = waitpid(-1, &status, WNOHANG)
            guard pid > 0 else { return code }
            if pid == program { code = WaitStatus(status).exitCode }
        }
    }
}
