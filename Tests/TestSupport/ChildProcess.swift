// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux
internal import Synchronization
internal import SystemPackage

/// One finished program: how it ended, and what it said.
package struct Outcome: Sendable, CustomStringConvertible {
    /// The exit code, or 128 + the number of the signal that ended it.
    package var code: Int32
    /// What it wrote to stdout.
    package var bytes: [UInt8]
    package var errors: String

    package var output: String { String(decoding: bytes, as: UTF8.self) }
    package var lines: [String] { output.split(separator: "\n").map { String($0) } }
    package var description: String { "code \(code)\nstdout: \(output)\nstderr: \(errors)" }
}

/// A real program, run as a user at a shell would.
///
/// What it reads and writes are files in memory, so nobody has to pump, and it inherits nothing else: a pipe that another test has open
/// at the time of the fork would be kept open by it, and that test would wait for an end that does not come.
package final class ChildProcess: Sendable {
    package let pid: Int32
    private let name: String
    private let pidfd: OwnedFD
    private let outputFile: OwnedFD
    private let errorFile: OwnedFD
    private let status = Mutex<Int32?>(nil)

    /// - Parameters:
    ///   - arguments: the program, found by PATH, and its arguments.
    ///   - directory: where it starts; nil is the test's own. Foundation's `Process` would change the whole test run's for a moment.
    ///   - environment: over the test's own.
    ///   - input: what it reads from stdin; nil is /dev/null.
    package init(_ arguments: [String], in directory: String? = nil, environment: [String: String] = [:], input: [UInt8]? = nil) throws {
        name = arguments.joined(separator: " ")
        outputFile = try Self.memory()
        errorFile = try Self.memory()
        let inputFile = try input.map { try Self.memory(holding: $0) } ?? openFile("/dev/null", O_RDONLY)
        let place = directory.map { ["-C", $0] } ?? []
        pid = try spawn(
            "/usr/bin/env", arguments: ["env"] + place + environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" } + arguments,
            environment: Self.environment(),
            descriptors: [(inputFile.raw, 0), (outputFile.raw, 1), (errorFile.raw, 2)])
        pidfd = try openProcess(pid)
    }

    /// What it has written until now.
    package var output: String { String(decoding: Self.content(of: outputFile), as: UTF8.self) }
    package var errors: String { String(decoding: Self.content(of: errorFile), as: UTF8.self) }

    package var isRunning: Bool { (try? reap(milliseconds: 0)) == nil }

    package func signal(_ number: Int32) { _ = try? sendSignal(number, to: pidfd) }

    /// Waits for the end; a program that has not ended after `seconds` hangs, is killed, and fails the test with what it said.
    package func finish(seconds: Int = 300) throws -> Outcome {
        if let status = try reap(milliseconds: seconds * 1000) {
            return Outcome(code: status, bytes: Self.content(of: outputFile), errors: errors)
        }
        signal(SIGKILL)
        _ = try reap(milliseconds: 10_000)
        throw Failure("\(name) did not end within \(seconds) s\nstdout: \(output.suffix(2000))\nstderr: \(errors.suffix(2000))")
    }

    /// Waits until `condition` holds of what it has written to stdout.
    package func wait(seconds: Int = 60, untilOutput condition: (String) -> Bool) throws {
        for _ in 0..<seconds * 100 {
            if condition(output) { return }
            if !isRunning { break }
            usleep(10_000)
        }
        if condition(output) { return }
        throw Failure("\(name) did not say what was expected\nstdout: \(output.suffix(2000))\nstderr: \(errors.suffix(2000))")
    }

    private func reap(milliseconds: Int) throws -> Int32? {
        if let known = status.withLock({ $0 }) { return known }
        var poll = Poll<Void>()
        poll.add(pidfd.raw, .readable, ())
        if try poll.wait(milliseconds: CInt(milliseconds)) == 0 { return nil }
        return status.withLock { status in
            if status == nil {
                var word: CInt = 0
                if waitpid(pid, &word, 0) == pid { status = word & 0x7F == 0 ? (word >> 8) & 0xFF : 128 + word & 0x7F }
            }
            return status
        }
    }

    private static func memory(holding bytes: [UInt8] = []) throws -> OwnedFD {
        let file = ctr_memory_file("test")
        if file < 0 { throw Failure("memfd_create(2): errno \(errno)") }
        let descriptor = OwnedFD(owning: file)
        try bytes.withUnsafeBytes { try writeAll(descriptor, $0, object: "a file in memory") }
        lseek(descriptor.raw, 0, SEEK_SET)
        return descriptor
    }

    /// Reads without moving the offset, which is the child's too.
    private static func content(of file: borrowing OwnedFD) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = buffer.withUnsafeMutableBytes { pread(file.raw, $0.baseAddress, $0.count, off_t(bytes.count)) }
            if count <= 0 { return bytes }
            bytes += buffer[..<count]
        }
    }

    private static func environment() -> [String] {
        var list: [String] = []
        var entry = environ
        while let text = entry.pointee {
            list.append(String(cString: text))
            entry += 1
        }
        return list
    }
}

/// Runs a program to its end.
@discardableResult
package func command(
    _ arguments: [String], in directory: String? = nil, environment: [String: String] = [:], input: [UInt8]? = nil
) throws -> Outcome {
    try ChildProcess(arguments, in: directory, environment: environment, input: input).finish()
}

package struct Failure: Error, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}
