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
    private func open(_ directory: StateDirectory, holding claim: borrowing OwnedFD) throws(KernelError) {
        // Without a reader (the process has just died) this is ENXIO instead of waiting.
        let gate = try openFile(directory.gate, O_WRONLY | O_NONBLOCK)
        let raw = gate.raw
        // Ended here, the name is there still, but nobody waits any more: so it is told as running.
        try kernel("write(2)", "gate") { write(raw, "s", 1) }
        try unlinkFile(directory.gate)
        var poll = Poll<Int>()
        poll.add(raw, [], 0)
        while try poll.wait(milliseconds: nil) == 0 {}
    }
}
