// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
package import Linux
internal import SystemPackage

extension RunningInit {
    /// Gives the terminal's main end to an engine's socket and lets go of it; without a terminal nothing is sent.
    package mutating func sendTerminal(toSocket path: String) throws(KernelError) {
        guard let terminal = takeTerminal() else { return }
        try send(terminal.raw, toSocket: path)
    }
}

extension ExecChild {
    /// As for a first process.
    package mutating func sendTerminal(toSocket path: String) throws(KernelError) {
        guard let terminal = takeTerminal() else { return }
        try send(terminal.raw, toSocket: path)
    }
}

/// Gives a terminal's main end to an engine's socket, with the terminal's name as the message. Source: runc's docs/terminals.md.
private func send(_ terminal: CInt, toSocket path: String) throws(KernelError) {
    let endpoint = try UnixSocket.connect(to: FilePath(path), .stream)
    let raw = endpoint.raw
    try kernel("sendmsg(2)", path) { ctr_send_descriptor(raw, "/dev/ptmx", 9, terminal) }
}

package func setTerminalSize(_ terminal: CInt, rows: UInt16, columns: UInt16) { _ = ctr_terminal_size(terminal, rows, columns) }
