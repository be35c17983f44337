// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The second opinion: Python's own parser.
enum Python {
    static let interpreter: String? = ["/usr/bin/python3", "/usr/local/bin/python3"].first { (path: String) in access(path, X_OK) == 0 }

    /// - Parameter input: what the script finds in a file, its only argument.
    /// - Returns: the exit code; what went wrong is on this process's standard error. nil where it could not be run.
    static func run(_ script: String, input: [UInt8]) -> Int32? {
        guard let interpreter else { return nil }
        var path = Array("/tmp/ctr-swift-json-XXXXXX".utf8CString)
        let file = mkstemp(&path)
        guard file >= 0 else { return nil }
        defer { unlink(path) }
        var written = 0
        while written < input.count {
            let count = input[written...].withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
            guard count > 0 else { break }
            written += count
        }
        close(file)
        guard written == input.count else { return nil }
        let words: [String] = [interpreter, "-I", "-c", script]
        let arguments = words.map { strdup($0) } + [strdup(path)]
        defer { for argument in arguments { free(argument) } }
        var pid = pid_t()
        guard posix_spawn(&pid, interpreter, nil, nil, arguments + [nil], environ) == 0 else { return nil }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) == -1 { guard errno == EINTR else { return nil } }
        return status & 0x7f == 0 ? status >> 8 & 0xff : -1
    }
}
