// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import ArgumentParser
internal import Client
internal import ShimProtocol
internal import SystemPackage

struct Attach: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attach", abstract: "Go to a running container's streams, and stay until it ends.",
        discussion: "Signals are passed on to its first process. The exit codes are those of `run`.")

    @OptionGroup var connection: Connection
    @Argument(help: "Name or id.", completion: .containers) var container: String

    func run() throws {
        let client = connection.client
        let detail = try client.request(.get, ["v1", "containers", container], body: nil as String?, as: ContainerDetail.self)
        guard let socket = detail.attachSocket else {
            throw Failure(
                "container \(terminalSafe(container)) does not run: it is \(detail.summary.state.rawValue)",
                remedy: "`ctr-swift start` starts it, `ctr-swift logs` shows what it wrote")
        }
        let exit = try AttachSession(socket: FilePath(socket), stdin: detail.request.openStdin, tty: detail.request.tty).run()
        if let exit { throw ExitCode(Int32(exit.exitCode)) }
        let answer = try client.request(.post, ["v1", "containers", container, "wait"], body: nil as String?, as: WaitResponse.self)
        throw ExitCode(Int32(clamping: answer.exit?.exitCode ?? 125))
    }
}
