// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import Synchronization
import SystemPackage
import TestSupport
import Testing

@Suite struct SignalMasksTests {
    private static func status(caught: String = "0", ignored: String = "0", blocked: String = "0", pids: String = "812\t1") -> [UInt8] {
        Array("Name:\tx\\nSigCgt:\tff\nNSpid:\t\(pids)\nSigBlk:\t\(blocked)\nSigIgn:\t\(ignored)\nSigCgt:\t\(caught)\n".utf8)
    }

    @Test(
        "what the kernel would drop: what is ignored, and on a PID 1 what has its default action; never what waits, nor a kill",
        arguments: [
            (status(), SIGTERM, .defaultOfInit), (status(pids: "812"), SIGTERM, nil), (status(pids: "812\t9"), SIGTERM, nil),
            (status(caught: "4000"), SIGTERM, nil), (status(caught: "4000"), SIGQUIT, .defaultOfInit),
            (status(ignored: "4000"), SIGTERM, .ignored), (status(ignored: "4000", pids: "812"), SIGTERM, .ignored),
            (status(blocked: "4000"), SIGTERM, nil), (status(ignored: "4000", blocked: "4000"), SIGTERM, nil),
            (status(caught: "8000000000000000"), 64, nil), (status(), 64, .defaultOfInit),
            (status(ignored: "ffffffffffffffff"), SIGKILL, nil), (status(), SIGSTOP, nil), (status(), 0, nil), (status(), 65, nil),
        ] as [([UInt8], Int32, SignalMasks.Discard?)])
    func discards(_ status: [UInt8], _ signal: Int32, _ why: SignalMasks.Discard?) throws {
        #expect(try #require(SignalMasks(parsing: status)).discards(signal) == why)
    }

    @Test("masks that are not there are none", arguments: ["", "SigCgt:\t0\nSigIgn:\t0\n", "SigCgt:\tx\nSigIgn:\t0\nSigBlk:\t0\n"])
    func incomplete(_ status: String) { #expect(SignalMasks(parsing: Array(status.utf8)) == nil) }

    /// Its number; /proc knows it as it does a process.
    private static func ownThread() -> pid_t {
        var name = [UInt8](repeating: 0, count: 64)
        let count = readlink("/proc/thread-self", &name, name.count)
        let number = name.prefix(max(count, 0)).split(separator: UInt8(ascii: "/")).last
        return number.flatMap { pid_t(String(decoding: $0, as: UTF8.self)) } ?? 0
    }

    private struct Waiter: Sendable {
        var id: pid_t = 0
        var thread = pthread_t()
        var taken: CInt = 0
    }

    @Test("a thread in sigwait hears what it waits for, although /proc shows it as not blocked")
    func waiting() throws {
        let waiter = Mutex(Waiter())
        try startThread(name: "sigwait") {
            var set = sigset_t()
            sigemptyset(&set)
            sigaddset(&set, SIGUSR2)
            pthread_sigmask(SIG_BLOCK, &set, nil)
            waiter.withLock { $0 = Waiter(id: Self.ownThread(), thread: pthread_self()) }
            var taken: CInt = 0
            sigwait(&set, &taken)
            waiter.withLock { $0.taken = taken }
        }
        try eventually("the thread waits") {
            let id = waiter.withLock { $0.id }
            return try id != 0 && SignalMasks(of: id).isWaiting
        }
        let (id, thread) = waiter.withLock { ($0.id, $0.thread) }
        var masks = try SignalMasks(of: id)
        #expect(masks.isWaiting && !masks.blocks(SIGUSR2))

        masks.isNamespaceInit = true
        #expect(masks.discards(SIGUSR2) == nil)
        masks.isWaiting = false
        #expect(masks.discards(SIGUSR2) == .defaultOfInit, "the masks alone would tell the wrong thing")

        #expect(pthread_kill(thread, SIGUSR2) == 0)
        try eventually("the signal is taken") { waiter.withLock { $0.taken } == SIGUSR2 }
        #expect(try !SignalMasks(of: Self.ownThread()).isWaiting)
    }
}
