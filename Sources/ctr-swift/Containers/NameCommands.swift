// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import ArgumentParser
internal import Client

struct Rename: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rename", abstract: "Give a container another name.", discussion: "Its hostname stays.")

    @OptionGroup var output: JSONLines
    @OptionGroup var connection: Connection
    @Argument(help: "Name or id.", completion: .containers) var container: String
    @Argument(help: "The name that it gets.") var name: String

    /// The line of JSON.
    private struct Renamed: Encodable {
        var container: String
        var name: String
    }

    func run() throws {
        try connection.client.request(.post, ["v1", "containers", container, "rename"], body: RenameRequest(name: name))
        try output.show(terminalSafe(name), Renamed(container: container, name: name))
    }
}

struct Port: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "port", abstract: "List a container's published ports.",
        discussion: "None can be published yet: a container has the loopback alone, or the host's network.")

    @Flag(name: .long, help: "Show JSON.") var json = false
    @OptionGroup var connection: Connection
    @Argument(help: "Name or id.", completion: .containers) var container: String
    @Argument(help: ArgumentHelp("Only this one: 80, 80/tcp.", valueName: "port")) var port: String?

    func run() throws {
        // Whether there is such a container.
        _ = try connection.client.request(.get, ["v1", "containers", container], body: nil as String?, as: ContainerDetail.self)
        if let port { throw Failure("no port \(terminalSafe(port)) of \(terminalSafe(container)) is published") }
        if json { return try show(json: [] as [String]) }
        complain("\(container) has no published ports", nil)
    }
}
