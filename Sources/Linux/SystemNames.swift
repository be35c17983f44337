// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// What the kernel says of itself and of the node. Source: uname(2).
package struct SystemNames: Sendable {
    package let node: String
    /// "6.1.0-13-amd64".
    package let release: String
    /// "x86_64".
    package let machine: String

    package init() {
        var names = utsname()
        // It fails for a bad address alone.
        _ = uname(&names)
        func text(_ field: some Any) -> String {
            withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        }
        (node, release, machine) = (text(names.nodename), text(names.release), text(names.machine))
    }
}
