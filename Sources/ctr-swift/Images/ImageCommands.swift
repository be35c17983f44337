// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import ArgumentParser
internal import Client

struct Images: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "images", abstract: "List images.")

    @Flag(name: .long, help: "Also show the digests by which they can be run.") var digests = false
    @Flag(name: [.short, .long], help: "Show only ids.") var quiet = false
    @Flag(name: .long, help: "Don't shorten ids.") var noTrunc = false
    @OptionGroup var output: OutputOptions
    @OptionGroup var connection: Connection

    struct Listed: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "ls", abstract: "List images.", aliases: ["list"])
        @OptionGroup var command: Images
        func run() throws { try command.run() }
    }

    func validate() throws { try output.validate(quiet: quiet) }

    func run() throws {
        let images = try connection.client.request(.get, ["v1", "images"], body: nil as String?, as: [ImageSummary].self)
        if quiet { return show(images.map { $0.id + "\n" }.joined()) }
        if try output.show(images) { return }
        show(
            table(
                ["REFERENCE", "ID", "PLATFORM", "CREATED", "LAYERS", "SIZE"] + (digests ? ["DIGEST"] : []),
                images.flatMap { image in names(image).map { cells(image, $0) } }))
    }

    /// A row each: its tags, else the names by which it was pulled.
    private func names(_ image: ImageSummary) -> [String] {
        if !image.references.isEmpty { return image.references }
        return image.digests.isEmpty ? ["-"] : image.digests.map { noTrunc ? $0 : shortReference($0) }
    }

    private func cells(_ image: ImageSummary, _ name: String) -> [String] {
        let digest = image.digests.first.map { String($0.drop { $0 != "@" }.dropFirst()) } ?? image.manifestDigest
        return [
            name, noTrunc ? image.id : shortID(image.id), image.platform, image.createdAt.map { age($0) } ?? "-", "\(image.layerCount)",
            byteCount(image.sizeInBytes),
        ] + (digests ? [digest] : [])
    }
}

struct Pull: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pull", abstract: "Pull an image; print the name by which these bytes can always be run.",
        discussion: "Progress goes to stderr: bars on a terminal, lines elsewhere.")

    @Option(name: .long, help: ArgumentHelp("Of an image for several; default: this node's.", valueName: "os/arch[/variant]"))
    var platform: String?
    @Flag(name: [.short, .long], help: "Show no progress.") var quiet = false
    @Flag(name: .long, help: "Show the events as they come, a line of JSON each.") var json = false
    @OptionGroup var connection: Connection
    @Argument(help: "host[:port]/path[:tag][@digest]; default: docker.io, tag latest.") var image: String

    func run() throws {
        let name = try Puller(connection.client).pull(image, platform: platform, quiet: quiet, json: json)
        if !json { show(terminalSafe(name) + "\n") }
    }
}

struct RemoveImages: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rmi", abstract: "Remove images, and the layers that nothing else uses.")

    @Flag(name: [.short, .long], help: "Also take the tags off an image that containers use.") var force = false
    @OptionGroup var output: JSONLines
    @OptionGroup var connection: Connection
    @Argument(help: "References or ids.", completion: .images) var images: [String]

    struct Gathered: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rm", abstract: "Remove images, and the layers that nothing else uses.")
        @OptionGroup var command: RemoveImages
        func run() throws { try command.run() }
    }

    func run() throws {
        let client = connection.client
        try forEach(images) { image in
            let answer = try client.request(
                .delete, ["v1", "images"], query: [("reference", image), ("force", force ? "true" : nil)], body: nil as String?,
                as: RemoveImageResponse.self)
            let lines =
                answer.untagged.map { "untagged: \(terminalSafe($0))" } + answer.deleted.map { "deleted: \(terminalSafe($0))" }
                + (answer.freedBytes > 0 ? ["freed: \(byteCount(answer.freedBytes))"] : [])
            try output.show(lines.joined(separator: "\n"), answer)
        }
    }
}
