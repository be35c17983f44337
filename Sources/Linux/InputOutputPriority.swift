// SPDX-License-Identifier: Apache-2.0

internal import CLinux

/// Lets everybody else's input and output go before the calling thread's, for as long as it lives. Source: ioprio_set(2).
/// - Returns: false where the kernel refuses.
package func setIdleIO() -> Bool { ctr_set_idle_io() == 0 }

/// Sets a process's class and level of input and output; 0 is the caller. Source: ioprio_set(2).
package func setIOPriority(_ value: Int32, of process: Int32) throws(KernelError) {
    try kernel("ioprio_set(2)", "class \(value >> 13), priority \(value & 0x1FFF)") { ctr_ioprio_set(process, value) }
}
