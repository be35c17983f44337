// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import Linux
import Runtime

struct DeleteCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "delete", abstract: "Remove a stopped container's cgroup and record.")

    @OptionGroup var global: GlobalOptions
    @Flag(name: [.short, .long], help: "Kill it first; a container that is not there is no error.") var force = false
    @Argument(help: "The container's id.") var id: String

    func run() throws {
        try reporting(global) {
            let directory = try StateDirectory(root: global.root, id: id)
            guard let record = try force ? directory.readUnfinished() : directory.read() else {
                // None, or no more of it than its name.
                return try directory.remove()
            }
            try record.end(directory, force: force)
            try record.removeGroupAndMount()
            try directory.remove()
            try record.runHooks(.poststop, status: .stopped, global)
        }
    }
}

extension ContainerRecord {
    /// Ends a process that is only waiting at the gate; one that runs, too, where that is asked for.
    fileprivate func end(_ directory: StateDirectory, force: Bool) throws {
        let status = status(gate: directory.gate)
        if status == .stopped { return }
        guard force || status == .created else {
            throw CommandError("container \"\(id)\" is \(status.rawValue): stop it first, or use --force")
        }
        guard try send(SIGKILL) else { return }
        for _ in 0..<1000 where self.status(gate: directory.gate) != .stopped { usleep(10_000) }
    }
}
