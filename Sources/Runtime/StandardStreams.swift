// SPDX-License-Identifier: Apache-2.0

/// What PID 1 gets as 0, 1 and 2.
package enum StandardStreams: Sendable, Hashable {
    /// Descriptors of the caller, lent for the length of `launch`: close them afterwards.
    case descriptors(stdin: CInt, stdout: CInt, stderr: CInt)
    /// A new terminal of the container's own devpts; `RunningInit.terminal` is its other end. Zero rows leave the size unset.
    case terminal(rows: UInt16, columns: UInt16)
}
