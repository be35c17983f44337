// SPDX-License-Identifier: Apache-2.0

/// What was asked for on the command line and can't be: nothing was sent to the daemon.
package struct UsageError: Error, Sendable, Hashable {
    /// One line: which option, which value, why not.
    package let message: String
    package let remedy: String?

    package init(_ message: String, remedy: String? = nil) {
        self.message = message
        self.remedy = remedy
    }

    /// `-m "64x": not a size`
    package init(_ option: String, _ value: String, _ reason: String, remedy: String? = nil) {
        self.init("\(option) \"\(terminalSafe(value))\": \(reason)", remedy: remedy)
    }
}
