// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import JSON
import Linux
import Runtime
import SystemPackage

struct StartCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "start", abstract: "Let the program of a created container run.")

    @OptionGroup var global: GlobalOptions
    @Argument(help: "The container's id.") var id: String

    func run() throws {
        try reporting(global) { try start() }
    }

    private func start() throws {
        let directory = try StateDirectory(root: global.root, id: id)
        let record = try directory.read()
        let claim = try claim(directory)
        let status = record.status(gate: directory.gate)
        guard status == .created else { throw CommandError("container \"\(id)\" is \(status.rawValue), not created") }
        try open(directory, holding: claim)
        try reportFailure(directory)
        try record.runHooks(.poststart, status: .running, global)
    }

    /// One at a time: held until the program runs, and let go by whatever end.
    private func claim(_ directory: StateDirectory) throws -> OwnedFD {
        let claim = try openFile(directory.path, O_RDONLY | O_DIRECTORY)
        guard try lock(claim, directory) else { throw CommandError("container \"\(id)\" is being started already") }
        return claim
    }

    private func lock(_ claim: borrowing OwnedFD, _ directory: StateDirectory) throws(KernelError) -> Bool {
        let raw = claim.raw
        do throws(KernelError) {
            try kernel("flock(2)", directory.path.string) { flock(raw, LOCK_EX | LOCK_NB) }
            return true
        } catch  where error.errno == .wouldBlock {
            return false
        }
    }

    private func reportFailure(_ directory: StateDirectory) throws {
        let bytes = try readFile(directory.failure)
        if !bytes.isEmpty { throw try JSON.decode(LaunchError.self, from: bytes) }
    }

    /// Returns when the program runs or the process is gone: until then it holds the gate open for reading.
    private func open(_ directory: StateDirectory, holding claim: borrowing OwnedFD) throws {
        let gate = try openToWrite(directory.gate)
        let raw = gate.raw
        // Ended here, the name is there still, but nobody waits any more: so it is told as running.
        try writeWord(raw)
        try unlinkFile(directory.gate)
        var poll = Poll<Int>()
        poll.add(raw, [], 0)
        while try poll.wait(milliseconds: nil) == 0 {}
    }

    private func openToWrite(_ gate: FilePath) throws -> OwnedFD {
        do throws(KernelError) {
            return try openFile(gate, O_WRONLY | O_NONBLOCK)
        } catch {
            throw error.errno == .noSuchAddressOrDevice ? hasEnded : error
        }
    }

    private func writeWord(_ gate: CInt) throws {
        // Only here: a hook is not to begin with it ignored.
        signal(SIGPIPE, SIG_IGN)
        defer { signal(SIGPIPE, SIG_DFL) }
        do throws(KernelError) {
            try kernel("write(2)", "gate") { write(gate, "s", 1) }
        } catch {
            throw error.errno == .brokenPipe ? hasEnded : error
        }
    }

    /// In this moment: nobody has the gate open for reading any more.
    private var hasEnded: any Error { CommandError("container \"\(id)\" is stopped, not created: its process has ended") }
}
