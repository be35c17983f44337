// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import Linux
import OCI

struct KillCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "kill", abstract: "Send a signal to a container's first process.")

    @OptionGroup var global: GlobalOptions
    @Flag(name: [.short, .long], help: "To every process of the container's cgroup.") var all = false
    @Argument(help: "The container's id.") var id: String
    @Argument(help: "SIGTERM, TERM or 15.") var signal = "SIGTERM"

    func run() throws {
        try reporting(global) {
            guard let number = SignalName.number(for: signal) else { throw CommandError("unknown signal \"\(signal)\"") }
            let record = try StateDirectory(root: global.root, id: id).read()
            guard all else { return try record.send(number) }
            if number == SIGKILL { return try record.cgroup.killAll() }
            for process in try record.cgroup.processes() { kill(process, number) }
        }
    }
}
