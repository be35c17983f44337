// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import Linux
import OCI
import SystemPackage

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
            guard all else {
                // The words by which containerd knows that there is nothing left to be killed.
                guard try record.send(number) else { throw CommandError("container not running: \"\(id)\" has ended") }
                return
            }
            if number == SIGKILL { return try record.cgroup.killAll() }
            for process in try record.liveProcesses() where kill(process, number) == -1 {
                let errno = lastErrno()
                if errno != .noSuchProcess { throw KernelError(call: "kill(2)", object: "process \(process)", errno: errno) }
            }
        }
    }
}
