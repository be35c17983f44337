// SPDX-License-Identifier: Apache-2.0

/// How long a stop waits between its signal and SIGKILL: seconds; 0 kills at once, -1 waits without end.
package enum StopTimeout {
    /// As docs/api/openapi.yaml has it: 68 years. What is much longer overflows the clock's arithmetic, and the program would end there.
    package static let longest = Int(Int32.max)

    /// - Throws: `ContainerError.invalidRequest` for what is no such time.
    package static func check(_ seconds: Int) throws(ContainerError) -> Int {
        guard (-1...longest).contains(seconds) else {
            throw .invalidRequest("stop timeout of \(seconds) seconds", remedy: "use 0 to \(longest), or -1 to wait without end")
        }
        return seconds
    }
}
