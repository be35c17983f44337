// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Linux

struct PauseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "pause", abstract: "Stop every process of a container where it is.")

    @OptionGroup var global: GlobalOptions
    @Argument(help: "The container's id.") var id: String

    func run() throws {
        try reporting(global) {
            let container = try FoundContainer(id, global)
            switch container.status {
            case .paused: return
            case .created, .running: try container.record.cgroup.freeze(within: 10_000)
            case .stopped: throw CommandError("container \"\(id)\" is stopped: only one that runs can be paused")
            }
        }
    }
}

struct ResumeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "resume", abstract: "Let the processes of a paused container go on.")

    @OptionGroup var global: GlobalOptions
    @Argument(help: "The container's id.") var id: String

    func run() throws {
        try reporting(global) {
            let container = try FoundContainer(id, global)
            guard container.status == .paused else { throw CommandError("container \"\(id)\" is \(container.status.rawValue), not paused") }
            try container.record.cgroup.thaw()
        }
    }
}
