// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux
internal import SystemPackage

/// `--init`: this same binary as PID 1 of a container. It starts the real program, passes every signal on, and reaps what is orphaned.
package enum ContainerInit {
    /// - Parameter arguments: the program and its words.
    /// - Returns: the program's code, or 128+n.
    package static func run(_ arguments: [String]) -> CInt {
        var all = sigset_t()
        sigfillset(&all)
        var before = sigset_t()
        sigprocmask(SIG_BLOCK, &all, &before)
        guard let program = arguments.first else { return 125 }
        let child = startProgram(arguments, before)
        guard child.pid > 0 else {
            let text = Array("ctr-init: \(program): \(child.error)\n".utf8)
            _ = text.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
            return child.error == .noSuchFileOrDirectory ? 127 : 126
        }
        while true {
            var info = siginfo_t()
            let signal = sigwaitinfo(&all, &info)
            if signal == SIGCHLD {
                if let code = reap(child.pid) { return code }
            } else if signal > 0 {
                // To the program's whole group, as a terminal would.
                kill(-child.pid, signal)
            }
        }
    }

    private static func startProgram(_ arguments: [String], _ mask: sigset_t) -> (pid: pid_t, error: Errno) {
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var mask = mask
        posix_spawnattr_setsigmask(&attributes, &mask)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP))
        let pointers = arguments.map { strdup($0) }
        defer { for pointer in pointers { free(pointer) } }
        var pid: pid_t = 0
        let result = posix_spawnp(&pid, arguments[0], nil, &attributes, pointers + [nil], environ)
        if result == 0, isatty(0) == 1 { tcsetpgrp(0, pid) }
        return (result == 0 ? pid : -1, Errno(rawValue: result))
    }

    /// - Returns: the program's end, where it is among those that ended.
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
