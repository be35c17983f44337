// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import ArgumentParser
internal import Client
internal import Linux
internal import OCI

struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fsck", abstract: "Compare what is stored with what was recorded when it was stored.",
        discussion: """
            Quick: that each name of each layer is there with its type, size, mode, owner and time. With --full also contents, by checksum: \
            everything is read. Containers run and pulls go on meanwhile. It ends with 0 where nothing was found, and with 4 where something was.
            """)

    /// fsck(8): errors left uncorrected.
    private static let foundSomething: Int32 = 4

    @Flag(name: .long, help: "Also read every file and blob.") var full = false
    @Flag(name: .long, help: "Show JSON, a line for each step and finding.") var json = false
    @OptionGroup var connection: Connection
    @Argument(help: ArgumentHelp("Layers (ids as `snapshot ls` shows them) and images; none: all.", valueName: "layer or image"))
    var targets: [String] = []

    private var showsProgress: Bool { !json && isTerminal(2) && environment("TERM") != "dumb" }

    private func progress(_ event: CheckEvent) {
        let place = event.current.map { "\($0)/\(event.total ?? $0) " } ?? ""
        write(Array("\r\u{1B}[K\(place)\(terminalSafe(String((event.object ?? "").prefix(60))))".utf8), to: 2)
    }

    func run() throws {
        var findings: [CheckFinding] = []
        var summary: CheckSummary?
        let request = CheckRequest(full: full, targets: targets.isEmpty ? nil : targets)
        try connection.client.stream(.post, ["v1", "fsck"], body: request, of: CheckEvent.self) { event throws(ClientError) in
            if json { do { try show(jsonLine: event) } catch { throw ClientError(showing: error) } }
            if let problem = event.problem { throw .problem(problem) }
            if let finding = event.finding { findings.append(finding) }
            if let done = event.summary { summary = done }
            if showsProgress, event.event == .checking { progress(event) }
        }
        if showsProgress { write(Array("\r\u{1B}[K".utf8), to: 2) }
        guard let summary else { throw Failure("the daemon ended the check without a result", remedy: "its log may say why") }
        if !json { tell(findings, summary) }
        if summary.findings > 0 { throw ExitCode(Self.foundSomething) }
    }

    private static func object(_ finding: CheckFinding) -> String {
        if finding.kind == .orphan { return finding.object }
        return shortID(finding.object.hasPrefix("fixup:") ? String(finding.object.dropFirst(6)) : finding.object)
    }

    private func tell(_ findings: [CheckFinding], _ summary: CheckSummary) {
        if !findings.isEmpty {
            show(
                table(
                    ["KIND", "OBJECT", "PATH", "EXPECTED", "FOUND", "REMEDY"],
                    findings.map { finding in
                        [
                            finding.kind.rawValue, Self.object(finding), finding.path ?? "-",
                            finding.expected, finding.found, finding.remedy ?? "-",
                        ]
                    }) + "\n")
        }
        if full {
            for layer in summary.unlisted {
                warn(
                    "layer \(layer) was stored by an older version, without checksums: not checkable in full before it is repaired or pulled anew"
                )
            }
        }
        let read = full ? ", \(byteCount(summary.readBytes)) read" : ""
        show(
            "\(counted(summary.layers, "layer")) (\(counted(Int(summary.names), "name"))\(read)), \(counted(summary.images, "image")), "
                + "\(counted(summary.blobs, "blob")): \(counted(summary.findings, "finding"))\n")
    }
}

struct Repair: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "repair", abstract: "Make a layer's files anew, under what runs.",
        discussion: """
            From its kept blob, else from the registry that its image's reference names; a fix-up from the layers below. Containers that run on \
            the layer go on with the old files until they end.
            """)

    @Flag(name: .long, help: "Show JSON, a line for each step.") var json = false
    @OptionGroup var connection: Connection
    @Argument(help: ArgumentHelp("As `fsck` and `snapshot ls` show it, or its diff ID.", valueName: "layer")) var layer: String

    func run() throws {
        let request = RepairRequest(layer: layer, credentials: try credentials())
        var result: RepairResult?
        try connection.client.stream(.post, ["v1", "repair"], body: request, of: RepairEvent.self) { event throws(ClientError) in
            if json { do { try show(jsonLine: event) } catch { throw ClientError(showing: error) } }
            if let problem = event.problem { throw .problem(problem) }
            if let done = event.result { result = done }
            if !json, event.event == .trying { write(Array("from \(terminalSafe(event.source ?? ""))\n".utf8), to: 2) }
        }
        guard let result else { throw Failure("the daemon ended the repair without a result", remedy: "its log may say why") }
        if json { return }
        show(terminalSafe(result.layer) + "\n")
        if !result.containers.isEmpty {
            warn(
                "\(counted(result.containers.count, "container")) \(result.containers.count == 1 ? "goes" : "go") on with the old files: "
                    + "restart \(result.containers.map { shortID($0) }.joined(separator: ", "))")
        }
    }

    /// The user's, for the registries that the stored images came from: the daemon keeps none.
    private func credentials() throws -> [String: RegistryCredentials]? {
        guard let file = CredentialsFile(variable: environment) else { return nil }
        let images = try connection.client.request(.get, ["v1", "images"], body: nil as String?, as: [ImageSummary].self)
        var found: [String: RegistryCredentials] = [:]
        for name in images.flatMap({ $0.references + $0.digests }) {
            guard let registry = (try? ImageReference(parsing: name))?.registry, found[registry] == nil else { continue }
            if case .credentials(let credentials) = try file.entry(for: registry) { found[registry] = credentials }
        }
        return found.isEmpty ? nil : found
    }
}
