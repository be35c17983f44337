// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport

/// strace(1), which answers calls of a process in the kernel's place.
struct Tracer {
    private let process: ChildProcess

    /// The first call of a kind fails in each thread.
    /// - Parameters:
    ///   - calls: as strace names them, with commas between.
    ///   - error: "EIO".
    init(of pid: Int32, failing calls: String, with error: String) throws {
        try self.init(of: pid, calls, "error=\(error):when=1")
    }

    /// Calls of a kind do nothing, and say that they have done it.
    init(of pid: Int32, skipping calls: String) throws { try self.init(of: pid, calls, "retval=0") }

    private init(of pid: Int32, _ calls: String, _ answer: String) throws {
        process = try ChildProcess([
            "strace", "-f", "-qq", "-o", "/dev/null", "-p", "\(pid)", "-e", "trace=\(calls)", "-e", "inject=\(calls):\(answer)",
        ])
        for _ in 0..<6000 {
            let threads = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task")
            let isTraced = threads.allSatisfy { thread in
                let status = try? String(contentsOfFile: "/proc/\(pid)/task/\(thread)/status", encoding: .utf8)
                return status?.contains("TracerPid:\t0\n") == false
            }
            if isTraced { return }
            usleep(10_000)
        }
        process.signal(SIGKILL)
        throw Failure("strace did not attach: \(process.errors)")
    }

    /// Lets the process alone.
    func end() throws {
        process.signal(SIGINT)
        _ = try process.finish()
    }
}
