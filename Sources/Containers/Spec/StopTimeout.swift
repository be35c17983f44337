// SPDX-License-Identifier: Apache-2.0

/// How long a stop waits between its signal and SIGKILL: seconds; 0 kills at once, -1 waits without end.
package enum StopTimeout {
    /// A year. What is long enough overflows the clock's arithmetic, which would end the daemon.
    package static let longest = 31_536_000

    /// - Throws: `ContainerError.invalidRequest` for what is no such time.
    package static func check(_ seconds: Int) throws(ContainerError) -> Int {
        guard (-1...longest).contains(seconds) else {
            throw .invalidRequest("stop timeout of \(seconds) seconds", remedy: "use 0 to \(longest), or -1 to wait without end")
        }
        return seconds
    }
}
