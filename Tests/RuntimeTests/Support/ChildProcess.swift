// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import SystemPackage
import Testing

/// What a command said and how it ended.
struct CommandResult: CustomStringConvertible {
    var code: Int32
    var output: String
    var errors: String

    var lines: [String] { output.split(separator: "\n").map { String($0) } }
    var description: String { "code \(code)\nstdout: \(output)\nstderr: \(errors)" }
}

/// A command with its output in files: nothing to pump, nothing that can fill up.
struct ChildProcess {
    let pid: pid_t
    private let directory: FilePath

    /// - Parameter input: a descriptor for stdin; nil is /dev/null.
    init(_ arguments: [String], input: CInt? = nil) throws {
        let name = "/tmp/ctr-swift-output-\(UInt64.random(in: 0 ... .max))"
        directory = FilePath(name)
        try makeDirectory(directory, mode: 0o700)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if let input {
            posix_spawn_file_actions_adddup2(&actions, input, 0)
        } else {
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        }
        for (number, file) in [(1, "out"), (2, "err")] {
            posix_spawn_file_actions_addopen(&actions, CInt(number), "\(name)/\(file)", O_WRONLY | O_CREAT | O_APPEND, 0o600)
        }
        var copies = arguments.map { strdup($0) } + [nil]
        defer { for copy in copies { free(copy) } }
        var pid: pid_t = 0
        let result = posix_spawn(&pid, arguments[0], &actions, nil, &copies, environ)
        guard result == 0 else { throw KernelError(call: "posix_spawn(3)", object: arguments[0], errno: Errno(rawValue: result)) }
        self.pid = pid
    }

    /// Waits, at most a minute.
    func finish() throws -> CommandResult {
        var status: CInt = 0
        for round in 0..<60_000 {
            let ended = waitpid(pid, &status, WNOHANG)
            if ended == pid { break }
            if round == 59_999 {
                kill(pid, SIGKILL)
                waitpid(pid, &status, 0)
            }
            usleep(1000)
        }
        defer { discard() }
        let code = status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + status & 0x7F
        return CommandResult(code: code, output: try text("out"), errors: try text("err"))
    }

    /// Removes the output.
    func discard() {
        try? unlinkFile(directory.appending("out"))
        try? unlinkFile(directory.appending("err"))
        _ = rmdir(directory.string)
    }

    func text(_ file: String) throws -> String {
        String(decoding: try readFile(directory.appending(file), limit: 64 << 20), as: UTF8.self)
    }
}

@discardableResult
func command(_ arguments: [String]) throws -> CommandResult { try ChildProcess(arguments).finish() }
