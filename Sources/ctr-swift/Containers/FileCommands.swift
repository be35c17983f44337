// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import ArgumentParser
internal import Client
internal import Glibc
internal import Linux
internal import SystemPackage

struct Diff: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff", abstract: "List what a container has changed of its image's files.",
        discussion: "A: added, C: changed, D: deleted; a directory is changed where something in it is.")

    @OptionGroup var output: JSONLines
    @OptionGroup var connection: Connection
    @Argument(help: "Name or id.", completion: .containers) var container: String

    func run() throws {
        try connection.client.stream(
            .get, ["v1", "containers", container, "changes"], body: nil as String?, of: FileChange.self
        ) { change throws(ClientError) in
            let letter =
                switch change.kind {
                case .added: "A"
                case .changed: "C"
                case .deleted: "D"
                }
            do { try output.show("\(letter) \(terminalSafe(change.path))", change) } catch { throw ClientError(showing: error) }
        }
    }
}

struct Export: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write a container's root as a tar.",
        discussion: "As one tree, without what is mounted in it: volumes, /proc, /dev.")

    @Option(
        name: [.customShort("o", allowingJoined: true), .long],
        help: ArgumentHelp("To a file, which is there when it is whole; default: stdout.", valueName: "file"), completion: .file())
    var output: String?
    @Flag(name: .long, help: "With --output: show JSON when the file is there.") var json = false
    @OptionGroup var connection: Connection
    @Argument(help: "Name or id.", completion: .containers) var container: String

    private struct Exported: Encodable {
        var container: String
        var file: String
        var sizeInBytes: Int64
    }

    func validate() throws {
        guard output != nil || !json else {
            throw ValidationError(UsageError("--json needs --output", remedy: "without it stdout is the tar's"))
        }
    }

    func run() throws {
        guard output != nil || !isTerminal(1) else {
            throw UsageError("export: stdout is a terminal", remedy: "use -o FILE, or redirect it")
        }
        let path = ["v1", "containers", container, "export"]
        guard let output else { return try connection.client.download(path) { write(Array($0), to: 1) } }
        do {
            let size = try save(path, as: output)
            if json { try show(jsonLine: Exported(container: container, file: output, sizeInBytes: size)) }
        } catch let error as KernelError {
            throw Failure("\(error)")
        }
    }

    /// Written aside, so that what has the name is whole; but never in the place of a device, a pipe or a link.
    /// - Returns: how many bytes it has.
    private func save(_ path: [String], as output: String) throws -> Int64 {
        let kind = try HostFiles.kind(output, follow: false)
        let isReplaced = kind == nil || kind == .regular
        var size: Int64 = 0
        // A name that nobody else has: the directory may be everybody's.
        let place = FilePath(isReplaced ? "\(output).\(getpid()).\(UInt32.random(in: 0...UInt32.max))" : output)
        let file = try openFile(place, O_WRONLY | O_CREAT | (isReplaced ? O_EXCL | O_NOFOLLOW : O_TRUNC), mode: 0o600)
        do {
            try connection.client.download(path) { bytes throws(ClientError) in
                size += Int64(bytes.count)
                do throws(KernelError) {
                    try bytes.span.withUnsafeBytes { bytes throws(KernelError) in try writeAll(file, bytes, object: output) }
                } catch {
                    throw .copy("\(error)")
                }
            }
            try file.close(of: output)
            if isReplaced { try renameFile(place, to: FilePath(output)) }
            return size
        } catch {
            if isReplaced { try? unlinkFile(place) }
            throw error
        }
    }
}
