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
        try reporting(global) {
            let directory = try StateDirectory(root: global.root, id: id)
            let record = try directory.read()
            let status = record.status(gate: directory.gate)
            guard status == .created else { throw CommandError("container \"\(id)\" is \(status.rawValue), not created") }
            try open(directory)
            try reportFailure(directory)
            try record.runHooks(.poststart, status: .running, global)
        }
    }

    private func reportFailure(_ directory: StateDirectory) throws {
        let bytes = try readFile(directory.failure)
        if !bytes.isEmpty { throw try JSON.decode(LaunchError.self, from: bytes) }
    }

    /// Returns when the program runs or the process is gone: until then it holds the gate open for reading.
    private func open(_ directory: StateDirectory) throws(KernelError) {
        // Without a reader (the process has just died) this is ENXIO instead of waiting.
        let gate = try openFile(directory.gate, O_WRONLY | O_NONBLOCK)
        try unlinkFile(directory.gate)
        let raw = gate.raw
        try kernel("write(2)", "gate") { write(raw, "s", 1) }
        var poll = Poll<Int>()
        poll.add(raw, [], 0)
        while try poll.wait(milliseconds: nil) == 0 {}
    }
}
