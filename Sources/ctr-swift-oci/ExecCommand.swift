// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import JSON
import Linux
import OCI
import Runtime
import SystemPackage

struct ExecCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exec", abstract: "Run a further process in a running container.",
        usage: "ctr-swift-oci exec [<options>] <id> [<command> ...]",
        discussion: """
            Without --process the container's own process is taken, with the command in place of its words. \
            The exit code is the process's own, with --detach 0; 126: it can't be executed; 127: it was not found; 255: its end was not seen.
            """)

    @OptionGroup var global: GlobalOptions
    @OptionGroup var options: ExecOptions
    @Argument(help: "The container's id.") var id: String
    @Argument(parsing: .captureForPassthrough, help: "The command and its words.") var command: [String] = []

    func run() throws {
        let code = try reporting(global) { try execute() }
        if code != 0 { throw ExitCode(code) }
    }

    private func execute() throws -> Int32 {
        // Before anything else is opened: what is at these numbers is the caller's.
        try options.checkPreservedDescriptors()
        let container = try RunningContainer(StateDirectory(root: global.root, id: id), ignoringPause: options.ignorePaused)
        let process = try options.process(of: container.spec, command)
        let ownTerminal = process.terminal == true && options.consoleSocket == nil
        if options.detach, ownTerminal { throw CommandError("a detached terminal needs --console-socket") }
        if process.terminal != true, options.consoleSocket != nil { throw CommandError("--console-socket needs a terminal: use --tty") }
        if !options.detach { Foreground.holdSignals() }
        var child = try container.begin(process, options, ownTerminal: ownTerminal)
        // Before the program runs it is told where its terminal is: nobody else reads what it writes there.
        if let socket = options.consoleSocket { try giveTerminal(of: &child, to: socket) }
        _ = try child.awaitProgram()
        if let file = options.pidFile { try record(child, in: file) }
        if options.detach { return 0 }
        if let terminal = child.takeTerminal() { return try Foreground.relay(terminal.release(), for: child.pid) }
        return try Foreground.wait(for: child.pid)
    }

    private func giveTerminal(of child: inout ExecChild, to socket: String) throws {
        do throws(KernelError) {
            try child.sendTerminal(toSocket: socket)
        } catch {
            kill(child.pid, SIGKILL)
            throw error
        }
    }

    private func record(_ child: borrowing ExecChild, in file: String) throws {
        do throws(KernelError) {
            try replaceFile(FilePath(file), with: Array("\(child.pid)".utf8), mode: 0o644)
        } catch {
            // Unrecorded the engine could never end it.
            kill(child.pid, SIGKILL)
            throw error
        }
    }
}

/// A container's first process, held by descriptor, so that its number can't become another's meanwhile.
private struct RunningContainer: ~Copyable {
    let spec: RuntimeSpec
    private let record: ContainerRecord
    private let process: OwnedFD
    /// The container's filter, compiled when it was made.
    private let filter: SeccompProgram?

    init(_ directory: StateDirectory, ignoringPause: Bool) throws {
        let record = try directory.read()
        let ended = CommandError("container \"\(directory.id)\" is not running")
        guard record.status(gate: directory.gate) != .stopped else { throw ended }
        let process = try openProcess(record.pid)
        // First the descriptor, then the look.
        let status = record.status(gate: directory.gate)
        guard status != .stopped else { throw ended }
        guard status != .paused || ignoringPause else {
            throw CommandError("container \"\(directory.id)\" is paused: resume it first, or use --ignore-paused")
        }
        let spec = try JSON.decode(RuntimeSpec.self, from: readFile(FilePath(record.bundle).appending("config.json"), limit: 16 << 20))
        // There is none of a container without a filter; then there is nothing to compile either.
        let filter = try (try? readFile(directory.filter)).map { try SeccompProgram(stored: $0) }
        self.spec = spec
        self.filter = filter
        self.record = record
        self.process = process
    }

    func begin(_ process: RuntimeSpec.Process, _ options: ExecOptions, ownTerminal: Bool) throws -> ExecChild {
        let filter = try options.seccompProgram.map { try SeccompProgram(instructions: readFile(FilePath($0))) } ?? filter
        let plan = try ExecPlan(
            process, ContainerTraits(of: spec, seccomp: filter), stdio: options.streams(process, ownTerminal),
            preservedDescriptors: CInt(options.preserveFds))
        let cgroup = try ExecCgroup(in: record.cgroup, path: options.cgroup.map { FilePath($0) })
        return try beginExec(plan, in: ExecTarget(pid: record.pid, pidfd: self.process.raw, cgroup: cgroup))
    }
}
