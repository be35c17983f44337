// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import ArgumentParser
internal import Client
internal import Glibc
internal import Linux
internal import OCI
internal import SystemPackage

struct Login: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "login", abstract: "Check credentials for a registry, and keep them.",
        discussion: """
            They are kept as Docker keeps them, in $DOCKER_CONFIG/config.json or ~/.docker/config.json, readable for you \
            alone but not encrypted. Credential helpers are not run.
            """)

    @Option(name: [.customShort("u", allowingJoined: true), .long], help: ArgumentHelp("Default: asked for.", valueName: "name"))
    var username: String?
    @Flag(name: .long, help: "Read the password from stdin; default: asked for.") var passwordStdin = false
    @Flag(name: .long, help: "Show JSON.") var json = false
    @OptionGroup var connection: Connection
    @Argument(help: "host[:port].") var registry = ImageReference.defaultRegistry

    func run() throws {
        let file = try credentialsFile()
        let registry = CredentialsFile.registry(registry)
        if passwordStdin, username == nil { throw UsageError("--password-stdin needs --username") }
        let name = try username ?? Prompt.text("Username for \(registry): ")
        guard !name.isEmpty, !name.contains(":") else { throw UsageError("--username", name, "empty, or with a colon") }
        let password = passwordStdin ? try passwordFromStdin() : try Prompt.secret("Password for \(name) at \(registry): ")
        guard !password.isEmpty else { throw UsageError("the password is empty") }
        let credentials = RegistryCredentials(username: name, password: password)
        try connection.client.request(
            .post, ["v1", "registries", "check"], body: RegistryCheckRequest(registry: registry, credentials: credentials))
        if let note = try file.store(credentials, for: registry) { warn(note) }
        if json {
            try show(jsonLine: ["registry": registry, "file": file.path.string])
        } else {
            show("login to \(terminalSafe(registry)) succeeded\n")
        }
    }

    /// The one line end that `echo` and editors add is none of the password.
    private func passwordFromStdin() throws -> String {
        var bytes = try readAll(try openFile("/proc/self/fd/0", O_RDONLY), object: "stdin", limit: 1 << 16)
        if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw UsageError("the password is not text in UTF-8") }
        return text
    }
}

struct Logout: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "logout", abstract: "Forget the credentials for a registry.")

    @Flag(name: .long, help: "Show JSON.") var json = false
    @Argument(help: "host[:port].") var registry = ImageReference.defaultRegistry

    func run() throws {
        let registry = CredentialsFile.registry(registry)
        let file = try credentialsFile()
        let removed = try file.remove(registry)
        if json { return try show(jsonLine: Forgotten(registry: registry, removed: removed)) }
        show(removed ? "credentials for \(terminalSafe(registry)) removed\n" : "no credentials for \(terminalSafe(registry))\n")
        if case .elsewhere(let words) = try file.entry(for: registry) { warn("\(words) may still have some") }
    }

    private struct Forgotten: Encodable {
        var registry: String
        var removed: Bool
    }
}

private func credentialsFile() throws -> CredentialsFile {
    guard let file = CredentialsFile(variable: environment) else {
        throw Failure("there is no place for credentials: HOME is not set", remedy: "set HOME or DOCKER_CONFIG")
    }
    return file
}

/// Questions at the terminal, also where stdin and stdout are something else.
private enum Prompt {
    static func text(_ question: String) throws -> String { try ask(question, echo: true) }
    static func secret(_ question: String) throws -> String { try ask(question, echo: false) }

    private static func terminal() throws(UsageError) -> OwnedFD {
        do throws(KernelError) { return try openFile("/dev/tty", O_RDWR) } catch {
            throw UsageError("there is no terminal to ask at", remedy: "use --username and --password-stdin")
        }
    }

    private static func ask(_ question: String, echo: Bool) throws -> String {
        let terminal = try terminal()
        let before = try TerminalMode(of: terminal.raw)
        // First of all: what is typed ahead of the question is not shown either.
        if !echo { try before.raw.apply(to: terminal.raw) }
        write(Array(terminalSafe(question).utf8), to: terminal.raw)
        defer {
            if !echo {
                try? before.apply(to: terminal.raw)
                write([UInt8(ascii: "\n")], to: terminal.raw)
            }
        }
        var line: [UInt8] = []
        while line.count < 4096 {
            var byte: UInt8 = 0
            guard read(terminal.raw, &byte, 1) == 1 else { break }
            switch byte {
            case UInt8(ascii: "\n"), UInt8(ascii: "\r"), 4: return try text(line)
            // In raw mode the keys are ours: interrupt, erase, kill.
            case 3 where !echo: throw ExitCode(128 + SIGINT)
            case 8 where !echo, 127 where !echo: while let last = line.popLast(), last & 0xc0 == 0x80 {}
            case 21 where !echo: line = []
            default: line.append(byte)
            }
        }
        return try text(line)
    }

    private static func text(_ bytes: [UInt8]) throws(UsageError) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw UsageError("what was typed is not text in UTF-8") }
        return text
    }
}
