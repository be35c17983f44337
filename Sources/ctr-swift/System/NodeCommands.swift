// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import ArgumentParser
internal import Client

struct Events: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events", abstract: "Show what happens from now on, a line each.",
        discussion: "It ends when it is interrupted, or, with exit code 1, when the daemon ends.")

    @OptionGroup var output: EventOptions
    @OptionGroup var connection: Connection

    func run() throws {
        let template = try output.format.map { text throws(UsageError) in try Template(text) }
        try connection.client.stream(.get, ["v1", "events"], body: nil as String?, of: Event.self) { event throws(ClientError) in
            do {
                if let template { return show(try template.render(event) + "\n") }
                if output.json { return try show(jsonLine: event) }
            } catch {
                throw ClientError(showing: error)
            }
            let attributes = event.attributes.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
            show(terminalSafe("\(event.time) \(event.type) \(event.action) \(event.id)\(attributes)") + "\n")
        }
        throw Failure("the daemon has ended, and its events with it")
    }

    struct EventOptions: ParsableArguments {
        @Flag(name: .long, help: "Show JSON.") var json = false
        @Option(name: .long, help: ArgumentHelp("Show each by a template: '{{.action}} {{.id}}', or json.", valueName: "template"))
        var format: String?

        func validate() throws { try validateForm(json: json, format) }
    }
}

struct Info: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "info", abstract: "Show where things are, what this kernel offers, and the limits in force.")

    @OptionGroup var output: OutputOptions
    @OptionGroup var connection: Connection

    func run() throws {
        let info = try connection.client.request(.get, ["v1", "info"], body: nil as String?, as: InfoResponse.self)
        if try output.show(one: info) { return }
        show(
            pairs([
                ("daemon", "\(info.version.version), API \(info.version.api)"),
                ("kernel", "\(info.version.kernel), \(info.version.architecture)"),
                ("root", "\(info.root) (\(info.filesystem))"),
                ("state", info.state),
                ("socket", info.socket),
                ("cgroups", "\(info.cgroups), below /\(info.cgroupParent)"),
                ("seccomp", info.seccomp ? "yes" : "no"),
                ("overlay mounts by", info.overlayMount),
                ("layers at most", "\(info.maxLayers)"),
                ("free", space(info.freeBytes, info.freeInodes)),
                ("kept free", space(info.reserveBytes, info.reserveInodes)),
                ("damaged layers", (info.damagedLayers ?? []).isEmpty ? "none" : (info.damagedLayers ?? []).joined(separator: ", ")),
                ("images", "\(info.images)"),
                ("containers", "\(info.containers), \(info.running) running"),
            ]))
    }
}

struct Version: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Show the versions of client and daemon.",
        discussion: "Where the daemon can't be reached the client's is shown, and the exit code is 1.")

    @OptionGroup var output: OutputOptions
    @OptionGroup var connection: Connection

    private struct Versions: Encodable {
        var client: String
        var daemon: VersionResponse?
    }

    func run() throws {
        let daemon = Result { () throws(ClientError) in
            try connection.client.request(.get, ["v1", "version"], body: nil as String?, as: VersionResponse.self)
        }
        if try !output.show(one: Versions(client: clientVersion, daemon: try? daemon.get())) {
            var rows = [("client", clientVersion)]
            if let daemon = try? daemon.get() {
                rows.append(("daemon", "\(daemon.version), API \(daemon.api), Swift \(daemon.swift)"))
                rows.append(("kernel", "\(daemon.kernel), \(daemon.os)/\(daemon.architecture)"))
            }
            show(pairs(rows))
        }
        _ = try daemon.get()
    }
}
