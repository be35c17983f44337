// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import SystemPackage

// A process by descriptor: the number can't have been given to another one meanwhile. Source: pidfd_open(2), pidfd_send_signal(2).

/// - Throws: `KernelError`; ESRCH where there is no such process.
package func openProcess(_ pid: Int32) throws(KernelError) -> OwnedFD {
    OwnedFD(owning: try kernel("pidfd_open(2)", "process \(pid)") { ctr_pidfd_open(pid) })
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
