// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import OCI
import Runtime
import SystemPackage

/// `run` in the foreground: signals go to the container's first process, its end ends this one.
enum Foreground {
    /// What a shell would send, and what has a meaning for the container. Not the ones about this process itself.
    private static let forwarded: [CInt] = [
        SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGCONT, SIGWINCH, SIGALRM, SIGPIPE,
    ]

    /// To be called before the launch: from its first moment on the program can be sent what this process is sent.
    /// The program itself starts with nothing blocked.
    static func holdSignals() {
        var set = signalSet
        sigprocmask(SIG_BLOCK, &set, nil)
    }

    private static var signalSet: sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in forwarded + [SIGCHLD] { sigaddset(&set, signal) }
        return set
    }

    /// Waits for the process. The signals that `holdSignals` holds are taken one by one with sigwait(3): no handler, no race.
    static func wait(for pid: Int32) throws(KernelError) -> Int32 {
        var set = signalSet
        while true {
            if let code = try exitCode(of: pid, waiting: false) { return code }
            var received: CInt = 0
            guard sigwait(&set, &received) == 0 else { continue }
            if received != SIGCHLD { kill(pid, received) }
        }
    }

    /// Passes on what has come meanwhile.
    static func passSignals(to pid: Int32) {
        var set = signalSet
        var now = timespec()
        while true {
            let received = sigtimedwait(&set, nil, &now)
            if received <= 0 { return }
            if received != SIGCHLD && received != SIGWINCH { kill(pid, received) }
        }
    }

    /// - Returns: the process's own code, or 128 + the signal that ended it; nil while it runs.
    static func exitCode(of pid: Int32, waiting: Bool) throws(KernelError) -> Int32? {
        var status: CInt = 0
        let found = try kernel("waitpid(2)", "process \(pid)") { waitpid(pid, &status, waiting ? 0 : WNOHANG) }
        guard found == pid else { return nil }
        let signal = status & 0x7F
        return signal == 0 ? (status >> 8) & 0xFF : 128 + signal
    }

    static func terminalSize() -> (rows: UInt16, columns: UInt16) {
        var size = winsize()
        guard ioctl(0, UInt(TIOCGWINSZ), &size) == 0 else { return (0, 0) }
        return (size.ws_row, size.ws_col)
    }

    /// Copies between this process's streams and the container's terminal until its process has ended.
    static func relay(_ terminal: CInt, for pid: Int32) throws(KernelError) -> Int32 {
        var saved = termios()
        let isTerminal = tcgetattr(0, &saved) == 0
        if isTerminal {
            var raw = saved
            cfmakeraw(&raw)
            tcsetattr(0, TCSANOW, &raw)
        }
        defer { if isTerminal { tcsetattr(0, TCSANOW, &saved) } }
        var relay = TerminalRelay(terminal, for: pid)
        try relay.run()
        return try exitCode(of: pid, waiting: true) ?? 255
    }
}
