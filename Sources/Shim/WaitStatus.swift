// SPDX-License-Identifier: Apache-2.0

/// How a child ended, from wait(2)'s number: its macros are not to be had in Swift.
struct WaitStatus {
    /// The child's own code, or 128+n.
    let exitCode: Int32
    let signal: Int32?

    init(_ status: Int32) {
        let number = status & 0x7F
        signal = number == 0 ? nil : number
        exitCode = number == 0 ? status >> 8 & 0xFF : 128 + number
    }
}
