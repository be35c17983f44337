// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import ArgumentParser
internal import Client
internal import Linux
internal import SystemPackage

struct Load: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load", abstract: "Load images from an OCI layout (directory or tar) or a `docker save` tar.",
        discussion: "Progress goes to stderr: bars on a terminal, lines elsewhere.")

    @Option(
        name: [.customShort("i", allowingJoined: true), .long],
        help: ArgumentHelp("The archive, or the layout's directory; default: stdin.", valueName: "path"), completion: .file())
    var input: String?
    @Flag(name: [.short, .long], help: "Show no progress.") var quiet = false
    @Flag(name: .long, help: "Show the events as they come, a line of JSON each.") var json = false
    @OptionGroup var connection: Connection

    func run() throws {
        guard input != nil || !isTerminal(0) else {
            throw UsageError("load: stdin is a terminal", remedy: "name an archive with --input, or pipe one in")
        }
        var source = try ArchiveUpload(input.map { FilePath($0) })
        var progress = PullProgress(quiet || json ? .quiet : .here)
        try connection.client.upload(
            ["v1", "images", "load"], contentType: "application/x-tar", length: nil, source: &source, of: PullEvent.self
        ) { event throws(ClientError) in
            try tell(event, &progress, json: json)
        }
        guard !progress.images.isEmpty else { throw Failure("the daemon ended the load without a result", remedy: "its log may say why") }
        if json { return }
        for image in progress.images { show("loaded: \(terminalSafe(image.references.first ?? image.id))\n") }
    }
}
