// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import ArgumentParser
internal import Client

// pause, unpause, update: what is done to a running container's group of processes.

struct Pause: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Stop every process of containers where it is.",
        discussion: "`stop`, `kill` and `rm -f` end a paused container, too.")

    @OptionGroup var output: JSONLines
    @OptionGroup var connection: Connection
    @Argument(help: "Names or ids.", completion: .containers) var containers: [String]

    func run() throws {
        let client = connection.client
        try forEach(containers) { name in
            try client.request(.post, ["v1", "containers", name, "pause"], body: nil as String?)
            try output.show(terminalSafe(name), Done(container: name))
        }
    }
}

struct Unpause: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "unpause", abstract: "Let the processes of paused containers go on.")

    @OptionGroup var output: JSONLines
    @OptionGroup var connection: Connection
    @Argument(help: "Names or ids.", completion: .containers) var containers: [String]

    func run() throws {
        let client = connection.client
        try forEach(containers) { name in
            try client.request(.post, ["v1", "containers", name, "unpause"], body: nil as String?)
            try output.show(terminalSafe(name), Done(container: name))
        }
    }
}

struct Update: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "update", abstract: "Change the limits of containers: of those that run at once, and for later starts.",
        discussion: "What is not named stays as it is; 0 (or -1, or an empty list) takes a limit away.")

    @OptionGroup(title: "Limit") var limits: LimitOptions
    @OptionGroup var output: JSONLines
    @OptionGroup var connection: Connection
    @Argument(help: "Names or ids.", completion: .containers) var containers: [String]

    func run() throws {
        let resources = try limits.flags.request()
        guard resources != ResourceRequest() else {
            throw UsageError("no limit is named", remedy: "`ctr-swift update --help` lists them")
        }
        let client = connection.client
        try forEach(containers) { name in
            let answer = try client.request(
                .post, ["v1", "containers", name, "update"], body: UpdateContainerRequest(resources: resources),
                as: UpdateContainerResponse.self)
            try output.show(terminalSafe(name), answer)
        }
    }
}
