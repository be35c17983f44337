// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import ArgumentParser
internal import Client
internal import Glibc
internal import Linux
internal import ShimProtocol
internal import SystemPackage

/// A `run` that has been understood.
struct RunCall {
    let flags: RunFlags
    let creation: ContainerCreation
    /// What is told of one that is not stayed with.
    let json: Bool

    func run() throws {
        var request = try flags.request(.own)
        if flags.tty, !flags.detached { request.terminalSize = .own }
        let made = try creation.create(request, start: true)
        if flags.detached { return json ? try show(jsonLine: made) : show(made.id + "\n") }
        guard let socket = made.attachSocket else { throw Failure("container \(shortID(made.id)) has no socket to attach to") }
        let exit = try AttachSession(socket: FilePath(socket), stdin: flags.interactive, tty: flags.tty).run()
        // With --rm the daemon has forgotten it when this answers, and the next command may use its name.
        let record = try? creation.client.request(
            .post, ["v1", "containers", made.id, "wait"], query: [("condition", flags.remove ? "removed" : "stopped")],
            body: nil as String?, as: WaitResponse.self)
        guard let code = exit.map({ Int32($0.exitCode) }) ?? (record?.exit).map({ Int32(clamping: $0.exitCode) }) else {
            throw Failure(
                "container \(shortID(made.id)) was lost from sight", remedy: "`ctr-swift inspect \(made.name)` tells what is known")
        }
        throw ExitCode(code)
    }
}

extension RunCall {
    /// - Parameter words: those behind `run`.
    /// - Returns: nil where the parser is needed, be it to say what is wrong.
    init?(plain words: ArraySlice<String>) {
        guard let flags = RunFlags(plain: words) else { return nil }
        self.init(flags: flags, creation: ContainerCreation(client: Connection.client()), json: false)
    }
}

/// Makes containers, and pulls first where the image is missing and may be pulled.
struct ContainerCreation {
    let client: APIClient
    var pull = "missing"
    var cidfile: String?

    func create(_ request: CreateContainerRequest, start: Bool) throws -> CreateContainerResponse {
        let file = try cidfile.map(IDFile.init)
        let made: CreateContainerResponse
        do { made = try pullAndCreate(request, start: start) } catch {
            file?.remove()
            throw error
        }
        for warning in made.warnings { warn(warning) }
        do throws(KernelError) { try file?.write(made.id) } catch {
            file?.remove()
            warn("--cidfile: \(error): the container is \(made.id)")
        }
        return made
    }

    private func pullAndCreate(_ request: CreateContainerRequest, start: Bool) throws -> CreateContainerResponse {
        if pull == "always" { try Puller(client).pullBeforeRun(request) }
        do {
            return try createOnce(request, start: start)
        } catch {
            guard pull == "missing", error.problemCode == "image-not-found" else { throw error }
            try Puller(client).pullBeforeRun(request)
            return try createOnce(request, start: start)
        }
    }

    private func createOnce(_ request: CreateContainerRequest, start: Bool) throws(ClientError) -> CreateContainerResponse {
        try client.request(
            .post, ["v1", "containers"], query: [("start", start ? "true" : "false")], body: request, as: CreateContainerResponse.self)
    }
}

/// The file of `--cidfile`: it is there before anything is asked for, so that no container is made whose id can't be written.
private final class IDFile {
    private let path: FilePath
    private let file: OwnedFD

    init(_ path: String) throws {
        self.path = FilePath(path)
        do throws(KernelError) { file = try openFile(self.path, O_WRONLY | O_CREAT | O_EXCL, mode: 0o644) } catch {
            guard error.errno == .fileExists else { throw Failure("--cidfile: \(error)", remedy: "name a file that can be made") }
            throw UsageError("--cidfile", path, "it exists", remedy: "remove it: the container that it names may still be there")
        }
    }

    func write(_ id: String) throws(KernelError) {
        try id.utf8Span.span.withUnsafeBytes { bytes throws(KernelError) in try writeAll(file, bytes, object: path.string) }
    }

    /// No container is named in it.
    func remove() { try? unlinkFile(path) }
}
