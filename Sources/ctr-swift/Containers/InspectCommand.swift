// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import ArgumentParser
internal import Client

struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", _superCommandName: CommandLineTool.name, abstract: "Show everything known of containers or images, as JSON."
    )

    @OptionGroup var output: RecordOptions
    @OptionGroup var connection: Connection
    @Argument(help: "Names or ids; what is no container may be an image.", completion: .containers) var names: [String]

    func run() throws {
        let client = connection.client
        var (containers, images) = ([ContainerDetail](), [ImageDetail]())
        try forEach(names) { name in
            if let container = try container(name, client) {
                containers.append(container)
            } else {
                images.append(try imageInstead(name, client))
            }
        } thenShow: {
            // One document, as long as one kind was asked for.
            if !containers.isEmpty || images.isEmpty { try output.show(containers) }
            if !images.isEmpty { try output.show(images) }
        }
    }

    private func container(_ name: String, _ client: APIClient) throws -> ContainerDetail? {
        do {
            return try client.request(.get, ["v1", "containers", name], body: nil as String?, as: ContainerDetail.self)
        } catch {
            guard error.problemCode == "container-not-found" else { throw error }
            return nil
        }
    }

    private func imageInstead(_ name: String, _ client: APIClient) throws -> ImageDetail {
        do {
            return try image(name, client)
        } catch {
            guard case .problem(var problem) = error else { throw error }
            problem.detail = "no container and no image \"\(name)\""
            problem.remedy = "`ctr-swift ps -a` and `ctr-swift images` list them"
            throw ClientError.problem(problem)
        }
    }
}

struct InspectImages: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "inspect", abstract: "Show everything known of images, as JSON.")

    @OptionGroup var output: RecordOptions
    @OptionGroup var connection: Connection
    @Argument(help: "References or ids.", completion: .images) var images: [String]

    func run() throws {
        let client = connection.client
        var details: [ImageDetail] = []
        try forEach(images) {
            details.append(try image($0, client))
        } thenShow: {
            try output.show(details)
        }
    }
}

private func image(_ name: String, _ client: APIClient) throws(ClientError) -> ImageDetail {
    try client.request(.get, ["v1", "images", "inspect"], query: [("reference", name)], body: nil as String?, as: ImageDetail.self)
}

/// JSON is the only form of a whole record; a template takes a part of it.
struct RecordOptions: ParsableArguments {
    @Flag(name: .long, help: "Show JSON: the default.")
    var json = false
    @Option(name: .long, help: ArgumentHelp("Show a line for each by a template: '{{.summary.pid}}', or json.", valueName: "template"))
    var format: String?

    func validate() throws { try validateForm(json: json, format) }

    func show(_ values: [some Encodable]) throws {
        guard let format else { return try ctr_swift.show(json: values) }
        let template = try Template(format)
        for value in values { ctr_swift.show(try template.render(value) + "\n") }
    }
}
