// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import SystemPackage

/// Signals as something to poll and read: no handler runs, nothing is interrupted. Source: signalfd(2).
///
/// Only blocked signals come this way, so the constructor blocks them for the calling thread (and for threads that it starts later).
package struct SignalDescriptor: ~Copyable {
    package let descriptor: OwnedFD

    /// - Parameters:
    ///   - signals: the ones to be read.
    ///   - blockingAll: blocks every other signal as well: they have no effect then (SIGKILL and SIGSTOP can't be blocked).
    package init(_ signals: [CInt], blockingAll: Bool = false) throws(KernelError) {
        let mask = Self.mask(signals)
        try Self.block(mask, signals, all: blockingAll)
        descriptor = OwnedFD(owning: try kernel("signalfd4(2)", "signals \(signals)") { ctr_signal_descriptor(mask) })
    }

    private static func block(_ mask: UInt64, _ signals: [CInt], all blockingAll: Bool) throws(KernelError) {
        var old: UInt64 = 0
        try kernel("rt_sigprocmask(2)", "signals \(signals)") { ctr_set_signal_mask(blockingAll ? ~0 : mask, &old) }
        if !blockingAll, old & ~mask != 0 {
            // What was blocked before stays so.
            try kernel("rt_sigprocmask(2)", "signals \(signals)") { ctr_set_signal_mask(old | mask, nil) }
        }
    }

    /// The next signal; nil where none is pending. Equal ones that came meanwhile are one.
    package borrowing func next() throws(KernelError) -> CInt? {
        let raw = descriptor.raw
        var information = InlineArray<32, UInt32>(repeating: 0)
        let count = try withUnsafeMutableBytes(of: &information) { buffer throws(KernelError) in
            try readSome(raw, into: buffer, object: "signals")
        }
        // ssi_signo comes first in signalfd_siginfo, which has 128 bytes.
        guard let count, count == 128 else { return nil }
        return CInt(exactly: information[0])
    }

    private static func mask(_ signals: [CInt]) -> UInt64 {
        signals.reduce(0) { mask, signal in (1...64).contains(signal) ? mask | 1 << UInt64(signal - 1) : mask }
    }
}
