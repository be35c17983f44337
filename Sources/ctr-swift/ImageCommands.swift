// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import ArgumentParser
internal import Client
internal import Glibc
internal import JSON
internal import Linux
internal import OCI
internal import SystemPackage

struct Images: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List images.")

    @OptionGroup var connection: Connection
    @OptionGroup var output: OutputOptions
    @Flag(name: .long, help: "With the digests by which they can be run.") var digests = false
    @Flag(name: [.short, .long], help: "Ids alone.") var quiet = false

    func run() throws {
        let images = try connection.client.request(.get, ["v1", "images"], body: nil as String?, as: [ImageSummary].self)
        if quiet { return show(images.map { $0.id + "\n" }.joined()) }
        if try output.show(images) { return }
        let header = ["REFERENCE", "ID", "PLATFORM", "LAYERS", "SIZE"] + (digests ? ["DIGEST"] : [])
        show(
            table(
                header,
                images.flatMap { image in
                    (image.references.isEmpty ? [image.digests.first ?? "-"] : image.references).map { reference in
                        [
                            reference, String(image.id.dropFirst(7).prefix(12)), image.platform, "\(image.layerCount)",
                            byteCount(image.sizeInBytes),
                        ]
                            + (digests
                                ? [image.digests.first.map { String($0.drop { $0 != "@" }.dropFirst()) } ?? image.manifestDigest] : [])
                    }
                }))
    }
}

struct Pull: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Pull an image.")

    @OptionGroup var connection: Connection
    @Option(name: .long, help: "os/architecture[/variant].") var platform: String?
    @Flag(name: [.short, .long], help: "Only the digest.") var quiet = false
    @Flag(name: .long, help: "The events as they come, a JSON line each.") var json = false
    @Argument var image: String

    func run() throws {
        let digest = try pullImage(connection.client, image, platform: platform, quiet: quiet || json, json: json)
        if quiet { show(digest + "\n") }
    }
}

struct RemoveImage: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "rmi", abstract: "Remove images.")

    @OptionGroup var connection: Connection
    @Flag(name: [.short, .long], help: "Also where a container uses it.") var force = false
    @Flag(name: .long) var json = false
    @Argument var images: [String]

    func run() throws {
        for image in images {
            let answer = try connection.client.request(
                .delete, ["v1", "images"], query: [("reference", image), ("force", force ? "true" : nil)], body: nil as String?,
                as: RemoveImageResponse.self)
            if json {
                show(String(decoding: try JSON.encode(answer), as: UTF8.self) + "\n")
                continue
            }
            for name in answer.untagged { show("untagged: \(terminalSafe(name))\n") }
            for name in answer.deleted { show("deleted: \(terminalSafe(name))\n") }
            if answer.freedBytes > 0 { show("freed: \(byteCount(answer.freedBytes))\n") }
        }
    }
}

struct Image: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Work with images.", subcommands: [ListImages.self, InspectImage.self, Load.self, RemoveImages.self])

    struct ListImages: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "ls", abstract: "List images.")
        @OptionGroup var command: Images
        func run() throws { try command.run() }
    }

    struct RemoveImages: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "rm", abstract: "Remove images.")
        @OptionGroup var command: RemoveImage
        func run() throws { try command.run() }
    }
}

struct InspectImage: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "inspect", abstract: "Show everything known of images, as JSON.")

    @OptionGroup var connection: Connection
    @OptionGroup var output: OutputOptions
    @Argument var images: [String]

    func run() throws {
        let client = connection.client
        let details = try images.map {
            try client.request(.get, ["v1", "images", "inspect"], query: [("reference", $0)], body: nil as String?, as: ImageDetail.self)
        }
        var output = output
        output.json = true
        _ = try output.show(details)
    }
}

struct Load: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Load images from an OCI layout (directory or tar) or a `docker save` tar.")

    @OptionGroup var connection: Connection
    @Option(name: [.short, .long], help: "The archive or the layout's directory; stdin where none is named.") var input: String?

    func run() throws {
        var source = try ArchiveUpload(input.map { FilePath($0) })
        var loaded: [ImageSummary] = []
        try connection.client.upload(
            ["v1", "images", "load"], contentType: "application/x-tar", length: nil, source: &source, of: PullEvent.self
        ) {
            event throws(ClientError) in
            if let problem = event.problem { throw .problem(problem) }
            if event.event == .done, let image = event.image { loaded.append(image) }
        }
        for image in loaded { show("loaded: \(terminalSafe(image.references.first ?? image.id))\n") }
    }
}

struct Login: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Check credentials for a registry and keep them in ~/.docker/config.json.")

    @OptionGroup var connection: Connection
    @Option(name: [.short, .long]) var username: String
    @Flag(name: .long, help: "Read the password from stdin.") var passwordStdin = false
    @Argument var registry: String

    func run() throws {
        guard passwordStdin else {
            throw Refusal(message: "a password on the command line is seen by everyone", remedy: "use --password-stdin")
        }
        var bytes = try readAll(try openFile("/proc/self/fd/0", O_RDONLY), object: "stdin", limit: 1 << 16)
        while bytes.last == UInt8(ascii: "\n") || bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
        let credentials = RegistryCredentials(username: username, password: String(decoding: bytes, as: UTF8.self))
        try connection.client.request(
            .post, ["v1", "registries", "check"], body: RegistryCheckRequest(registry: registry, credentials: credentials))
        try CredentialsFile().store(credentials, for: registry)
        show("login succeeded\n")
    }
}

/// Pulls with progress on stderr. - Returns: the resolved digest.
func pullImage(_ client: APIClient, _ image: String, platform: String?, quiet: Bool, json: Bool = false) throws -> String {
    var request = PullRequest(reference: image, platform: platform)
    if let reference = try? ImageReference(parsing: image) {
        request.credentials = try CredentialsFile().credentials(for: reference.registry)
    }
    var progress = PullProgress(quiet: quiet)
    try client.stream(.post, ["v1", "images", "pull"], body: request, of: PullEvent.self) { event throws(ClientError) in
        if json { show(((try? JSON.encode(event)).map { String(decoding: $0, as: UTF8.self) } ?? "") + "\n") }
        if let problem = event.problem {
            progress.finish()
            throw .problem(problem)
        }
        progress.take(event)
    }
    progress.finish()
    return progress.digest
}
