// SPDX-License-Identifier: Apache-2.0

internal import CLinux

/// Lets everybody else's input and output go before the calling thread's, for as long as it lives. Source: ioprio_set(2).
/// - Returns: false where the kernel refuses.
package func setIdleIO() -> Bool { ctr_set_idle_io() == 0 }
