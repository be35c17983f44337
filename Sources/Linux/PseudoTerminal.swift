// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import SystemPackage

/// Rows and columns of a terminal. Source: ioctl_tty(2), TIOCGWINSZ.
package struct WindowSize: Sendable, Hashable {
    package var rows: UInt16
    package var columns: UInt16

    package init(rows: UInt16, columns: UInt16) {
        self.rows = rows
        self.columns = columns
    }

    /// - Throws: `KernelError`; ENOTTY where it is no terminal.
    package init(of terminal: CInt) throws(KernelError) {
        var size = winsize()
        try kernel("ioctl(2)", "TIOCGWINSZ") { ioctl(terminal, UInt(TIOCGWINSZ), &size) }
        self.init(rows: size.ws_row, columns: size.ws_col)
    }

    /// Tells the terminal; its foreground processes get SIGWINCH where the size is another one.
    package func apply(to terminal: CInt) throws(KernelError) {
        try kernel("ioctl(2)", "TIOCSWINSZ") { ctr_terminal_size(terminal, rows, columns) }
    }
}

/// How a terminal treats what is typed. Source: termios(3).
package struct TerminalMode: @unchecked Sendable {
    // Unchecked: `termios` is plain numbers, which the C importer does not say; nothing is shared.
    private var attributes: termios

    /// - Throws: `KernelError`; ENOTTY where it is no terminal.
    package init(of terminal: CInt) throws(KernelError) {
        var attributes = termios()
        try kernel("tcgetattr(3)", "terminal") { tcgetattr(terminal, &attributes) }
        self.attributes = attributes
    }

    /// Every byte as it is typed: no echo, no lines, no signals by keys.
    package var raw: TerminalMode {
        var mode = self
        cfmakeraw(&mode.attributes)
        return mode
    }

    package func apply(to terminal: CInt) throws(KernelError) {
        var attributes = attributes
        try kernel("tcsetattr(3)", "terminal") { tcsetattr(terminal, TCSADRAIN, &attributes) }
    }
}

package func isTerminal(_ raw: CInt) -> Bool { isatty(raw) == 1 }
