// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization

/// One finished process: what it printed, and how it ended.
struct Outcome {
    var status: Int32
    var output: String
    var errors: String
}

/// Runs real programs, as a user at a shell would.
enum Command {
    /// - Parameter input: what it reads from stdin; nil is /dev/null.
    @discardableResult
    static func run(_ arguments: [String], environment: [String: String] = [:], input: Data? = nil) throws -> Outcome {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let output = Pipe()
        let errors = Pipe()
        process.standardOutput = output
        process.standardError = errors
        let inputPipe = Pipe()
        process.standardInput = input == nil ? FileHandle.nullDevice : inputPipe
        try process.run()
        let errorReader = Reader(errors.fileHandleForReading)
        if let input {
            let handle = inputPipe.fileHandleForWriting
            Thread.detachNewThread {
                try? handle.write(contentsOf: input)
                try? handle.close()
            }
        }
        let text = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let status = process.terminationReason == .uncaughtSignal ? 128 + process.terminationStatus : process.terminationStatus
        return Outcome(status: status, output: String(decoding: text, as: UTF8.self), errors: errorReader.text)
    }

    /// Reads a pipe on a thread of its own, so that a process that fills both never waits for us.
    private final class Reader: Sendable {
        private let data = Mutex(Data())
        private let done = DispatchSemaphore(value: 0)

        init(_ handle: FileHandle) {
            Thread.detachNewThread {
                let bytes = handle.readDataToEndOfFile()
                self.data.withLock { $0 = bytes }
                self.done.signal()
            }
        }

        var text: String {
            done.wait()
            return data.withLock { String(decoding: $0, as: UTF8.self) }
        }
    }
}
