// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import Linux
import OCI
import ShimProtocol
import SystemPackage

/// A further process, asked for as the engine does.
struct TestExec {
    let id: String
    let pid: Int32

    /// - Throws: `Unexpected` with the shim's answer where it is not "started".
    static func start(
        _ shim: TestShim, _ arguments: [String], tty: Bool = false, openStdin: Bool = false, detached: Bool = false,
        _ change: (inout RuntimeSpec.Process) -> Void = { _ in }
    ) throws -> TestExec {
        let (id, answer) = try ask(shim, arguments, tty: tty, openStdin: openStdin, detached: detached, change)
        guard case .execStarted(id, let pid)? = answer else { throw Unexpected(answer) }
        return TestExec(id: id, pid: pid)
    }

    static func start(
        _ shim: TestShim, shell script: String, tty: Bool = false, openStdin: Bool = false, detached: Bool = false
    ) throws -> TestExec {
        try start(shim, ["/bin/sh", "-c", script], tty: tty, openStdin: openStdin, detached: detached)
    }

    static func ask(
        _ shim: TestShim, _ arguments: [String], tty: Bool = false, openStdin: Bool = false, detached: Bool = false,
        _ change: (inout RuntimeSpec.Process) -> Void = { _ in }
    ) throws -> (id: String, answer: ShimMessage?) {
        let id = try prepare(shim.container, arguments, tty: tty, change)
        return (id, try shim.connect().ask(.exec(ShimExec(id: id, openStdin: openStdin, detached: detached))))
    }

    /// - Returns: the id of the process that can be asked for.
    static func prepare(
        _ container: TestContainer, _ arguments: [String], tty: Bool = false, _ change: (inout RuntimeSpec.Process) -> Void = { _ in }
    ) throws -> String {
        let id = String(UInt64.random(in: 1 ... .max), radix: 16)
        guard var process = container.spec.process else { return id }
        process.args = arguments
        process.terminal = tty
        process.consoleSize = tty ? RuntimeSpec.ConsoleSize(height: 30, width: 90) : nil
        change(&process)
        try replaceFile(container.state.appending(ShimExec.processFile(id: id)), with: JSON.encode(process))
        return id
    }
}

extension TestClient {
    @discardableResult
    func attach(_ exec: TestExec, stdin: Bool = false) throws -> [ShimStream] { try attach(.attachExec(id: exec.id, stdin: stdin)) }

    func exited() throws -> ShimExit {
        let message = try message()
        guard case .exited(let exit) = message else { throw Unexpected(message) }
        return exit
    }
}

extension TestShim {
    /// What the engine hears next, which is the end of a further process.
    func execExited() throws -> (id: String, exit: ShimExit) {
        let message = try message()
        guard case .execExited(let id, let exit) = message else { throw Unexpected(message) }
        return (id, exit)
    }
}
