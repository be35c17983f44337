// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import Linux
import OCI
import Runtime

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Create and start a container; wait for its end and remove it.")

    @OptionGroup var global: GlobalOptions
    @OptionGroup var bundle: BundleOptions
    @Flag(name: [.short, .long], help: "Return once the program runs; `delete` removes the container.") var detach = false
    @Flag(help: "Keep the container's record after its end.") var keep = false

    func run() throws {
        let code = try reporting(global) { try launchAndWait() }
        if code != 0 { throw ExitCode(code) }
    }

    private func launchAndWait() throws -> Int32 {
        let launching = try Launching(global, bundle)
        let ownTerminal = launching.spec.process?.terminal == true && bundle.consoleSocket == nil
        if detach, ownTerminal { throw CommandError("a detached terminal needs --console-socket") }
        if !detach { Foreground.holdSignals() }
        let container = try launching.launch(gated: false, ownTerminal: ownTerminal)
        let record = try launching.directory.read()
        try record.runHooks(.poststart, status: .running, global)
        if detach { return 0 }
        let code = try container.terminal.map { try Foreground.relay($0, for: container.pid) } ?? Foreground.wait(for: container.pid)
        guard !keep else { return code }
        try record.removeGroupAndMount()
        try launching.directory.remove()
        try record.runHooks(.poststop, status: .stopped, global)
        return code
    }
}
