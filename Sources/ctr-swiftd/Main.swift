// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Engine
internal import Glibc
internal import Logging

/// The daemon: reads its settings, opens the node, listens, and tells systemd.
@main
struct Daemon: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ctr-swiftd",
        abstract: "Keeps the images and containers of this machine, and serves them on a Unix socket.",
        discussion: "A flag goes before the same key of the configuration file; docs/configuration.md describes both.",
        version: NodeRuntime.versionNumber)

    @Option(help: ArgumentHelp("Images, layers and containers; survives a reboot (\(Settings.defaultRoot)).", valueName: "dir"))
    var root: String?

    @Option(help: ArgumentHelp("Sockets and records of running containers; on a tmpfs (\(Settings.defaultState)).", valueName: "dir"))
    var state: String?

    @Option(help: ArgumentHelp("The API's socket (ctr-swift.sock in the state directory).", valueName: "path"))
    var socket: String?

    @Option(help: ArgumentHelp("A TOML file (\(Settings.defaultFile), where that is there).", valueName: "file"))
    var config: String?

    @Option(help: ArgumentHelp("trace, debug, info, notice, warning, error or critical (info).", valueName: "level"))
    var logLevel: String?

    @Option(help: ArgumentHelp("The parent of every container's cgroup (ctr-swift).", valueName: "name"))
    var cgroupParent: String?

    static func main() async {
        prepareProcess()
        do {
            var command = try parseAsRoot()
            guard var daemon = command as? Self else { return try command.run() }
            try await daemon.run()
        } catch let error as StartError {
            error.complain()
            Glibc.exit(EXIT_FAILURE)
        } catch {
            exit(withError: error)
        }
    }

    mutating func run() async throws {
        guard geteuid() == 0 else { throw StartError("must run as root: it makes mounts, namespaces and cgroups") }
        var settings = Settings()
        try settings.read(file: config)
        try settings.apply(root: root, state: state, socket: socket, logLevel: logLevel, cgroupParent: cgroupParent)
        let logger = Logger(label: "ctr-swiftd") { [level = settings.logLevel] _ in LineLog(logLevel: level) }
        try await serve(settings.nodeConfiguration(logger), logger)
    }
}
