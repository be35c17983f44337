// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import SystemPackage

// A process by descriptor: the number can't have been given to another one meanwhile. Source: pidfd_open(2), pidfd_send_signal(2).

/// - Throws: `KernelError`; ESRCH where there is no such process.
package func openProcess(_ pid: Int32) throws(KernelError) -> OwnedFD {
    OwnedFD(owning: try kernel("pidfd_open(2)", "process \(pid)") { ctr_pidfd_open(pid) })
}

/// - Parameter startTicks: what tells it from another process that has the number later (`ProcessStat`).
/// - Returns: nil where it has ended.
package func openProcess(_ pid: Int32, startTicks: UInt64) throws(KernelError) -> OwnedFD? {
    do throws(KernelError) {
        let process = try openProcess(pid)
        // First the descriptor, then the look: what has the number and the start now is what was opened.
        guard try ProcessStat(of: pid).startTicks == startTicks else { return nil }
        return process
    } catch  where error.errno == .noSuchProcess || error.errno == .noSuchFileOrDirectory {
        return nil
    }
}

/// - Returns: false where the process has ended.
package func sendSignal(_ number: Int32, to pidfd: borrowing OwnedFD) throws(KernelError) -> Bool {
    let raw = pidfd.raw
    do throws(KernelError) {
        try kernel("pidfd_send_signal(2)", "signal \(number)") { ctr_pidfd_send_signal(raw, number) }
        return true
    } catch  where error.errno == .noSuchProcess {
        return false
    }
}
