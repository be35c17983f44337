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
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let name = Array(path.utf8)
    guard name.count < MemoryLayout.size(ofValue: address.sun_path) else {
        throw KernelError(call: "connect(2)", object: path, errno: .fileNameTooLong)
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
    let kind = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
    let endpoint = OwnedFD(owning: try kernel("socket(2)", path) { socket(AF_UNIX, kind, 0) })
    let raw = endpoint.raw
    let size = socklen_t(MemoryLayout<sockaddr_un>.size)
    try withUnsafePointer(to: &address) { pointer throws(KernelError) in
        _ = try kernel("connect(2)", path) {
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(raw, $0, size) }
        }
    }
    try kernel("sendmsg(2)", path) { ctr_send_descriptor(raw, "/dev/ptmx", 9, terminal) }
}

package func setTerminalSize(_ terminal: CInt, rows: UInt16, columns: UInt16) { _ = ctr_terminal_size(terminal, rows, columns) }
