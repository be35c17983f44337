// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import OCI

/// What the shim can tell nobody: a line in `shim.log` (its standard error), which the engine quotes when it has to.
enum Complaint {
    static func write(_ text: String) {
        let line = Array("\(Timestamp.now()) \(text)\n".utf8)
        _ = line.withUnsafeBytes { Glibc.write(2, $0.baseAddress, $0.count) }
    }
}
