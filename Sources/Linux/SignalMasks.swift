// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import SystemPackage

/// What a process does with signals, as /proc/PID/status tells it. Source: proc_pid_status(5), "SigBlk", "SigIgn", "SigCgt", "NSpid".
package struct SignalMasks: Sendable, Hashable {
    package var caught: UInt64
    package var ignored: UInt64
    package var blocked: UInt64
    /// PID 1 of a PID namespace: to it the kernel gives no signal that it does not catch, but SIGKILL and SIGSTOP.
    package var isNamespaceInit: Bool
    /// It waits for signals by sigwait(3) or a sibling, as `--init` and tini do: for as long as it does, /proc shows those that it waits for as not
    /// blocked, although the kernel keeps them for it (kernel/signal.c, `real_blocked`).
    package var isWaiting = false

    /// Why a signal would do nothing.
    package enum Discard: String, Sendable, Hashable {
        case ignored
        /// Its default action, which the kernel does not take on a PID 1.
        case defaultOfInit = "default-of-pid-1"
    }

    /// - Throws: `KernelError`; ENOENT or ESRCH where there is no such process.
    package init(of pid: Int32) throws(KernelError) {
        // Looked at on both sides: it may begin or end to wait in between.
        let isWaitingBefore = Self.isWaiting(pid)
        let path = FilePath("/proc/\(pid)/status")
        guard let masks = Self(parsing: try readFile(path)) else {
            throw KernelError(call: "read(2)", object: path.string, errno: .badMessage)
        }
        self = masks
        isWaiting = isWaitingBefore || Self.isWaiting(pid)
    }

    /// Source: proc_pid_syscall(5); <asm/unistd.h>, rt_sigtimedwait(2).
    private static func isWaiting(_ pid: Int32) -> Bool {
        #if arch(x86_64)
        let call = "128 "
        #else
        let call = "137 "
        #endif
        guard let bytes = try? readFile(FilePath("/proc/\(pid)/syscall"), limit: 512) else { return false }
        return bytes.starts(with: Array(call.utf8))
    }

    package init?(parsing bytes: [UInt8]) {
        var masks: [Substring: UInt64] = [:]
        var isInit = false
        let text = String(decoding: bytes, as: UTF8.self)
        // The name, which the process chooses, has its line feeds escaped.
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { continue }
            let words = parts[1].split { $0 == "\t" || $0 == " " }
            switch parts[0] {
            case "SigBlk", "SigIgn", "SigCgt": masks[parts[0]] = words.first.flatMap { UInt64($0, radix: 16) }
            case "NSpid": isInit = words.count > 1 && words.last == "1"
            default: break
            }
        }
        guard let caught = masks["SigCgt"], let ignored = masks["SigIgn"], let blocked = masks["SigBlk"] else { return nil }
        self.caught = caught
        self.ignored = ignored
        self.blocked = blocked
        isNamespaceInit = isInit
    }

    /// Whether the kernel would drop a signal at once. One that is blocked waits: it may be taken by sigwait(3) or a signalfd(2).
    /// Source: kernel/signal.c, `sig_ignored`.
    package func discards(_ signal: Int32) -> Discard? {
        guard let bit = Self.bit(of: signal), signal != SIGKILL, signal != SIGSTOP else { return nil }
        if blocked & bit != 0 || isWaiting { return nil }
        if ignored & bit != 0 { return .ignored }
        return caught & bit == 0 && isNamespaceInit ? .defaultOfInit : nil
    }

    /// Whether a signal would wait until it is let through.
    package func blocks(_ signal: Int32) -> Bool { Self.bit(of: signal).map { blocked & $0 != 0 } ?? false }

    private static func bit(of signal: Int32) -> UInt64? { (1...64).contains(signal) ? 1 << UInt64(signal - 1) : nil }
}
