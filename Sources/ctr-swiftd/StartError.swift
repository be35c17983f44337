// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Why the daemon does not start, and what to do about it.
struct StartError: Error {
    let message: String
    let remedy: String?

    init(_ message: String, remedy: String? = nil) {
        self.message = message
        self.remedy = remedy
    }

    /// On stderr, the remedy on its own line.
    func complain() {
        var text = "ctr-swiftd: \(message)\n"
        if let remedy { text += "ctr-swiftd: \(remedy)\n" }
        text.withUTF8 { bytes in _ = write(STDERR_FILENO, bytes.baseAddress, bytes.count) }
    }
}
