// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import ArgumentParser
internal import Client
internal import FileTransfer
internal import Glibc
internal import Linux
internal import SystemPackage

struct Copy: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cp", abstract: "Copy files between a container and the host.",
        usage: """
            ctr-swift cp [<options>] <container>:<path> <path>|-
            ctr-swift cp [<options>] <path>|- <container>:<path>
            """,
        discussion: "A directory with /. at its end: what is in it. -: a tar on stdin, or to stdout. The container may run or not.")

    @Flag(name: [.short, .long], help: "Keep owners, and setuid bits; else they become yours, and in a container root's.")
    var archive = false
    @Flag(name: [.customShort("L"), .long], help: "Follow a link at the source's end.") var followLink = false
    @Flag(name: .long, help: "Show JSON when it is done.") var json = false
    @OptionGroup var connection: Connection
    @Argument(help: "CONTAINER:/path, a path of the host, or -.") var source: String
    @Argument(help: "The same; one of the two is a container's.") var destination: String

    private struct Copied: Encodable {
        var source: String
        var destination: String
        /// Device nodes that were not made on the host.
        var skipped: Int
    }

    func run() throws {
        let skipped = try copy()
        if json { try show(jsonLine: Copied(source: source, destination: destination, skipped: skipped)) }
    }

    /// - Returns: how many device nodes were not made.
    private func copy() throws -> Int {
        switch (try CopyPlace(source), try CopyPlace(destination)) {
        case (.container(let name, let path), .host(let target)): return try copyOut(name, path, to: target)
        case (.container(let name, let path), .stream): try copyOut(name, path)
        case (.host(let path), .container(let name, let target)): try copyIn(path, to: name, target)
        case (.stream, .container(let name, let target)):
            guard !isTerminal(0) else { throw UsageError("cp: stdin is a terminal", remedy: "pipe a tar in") }
            var upload = StreamUpload()
            try put(&upload, name, target)
        case (.container, .container):
            throw UsageError("both are containers", remedy: "copy to the host first, or through a pipe: `cp A:/x - | cp - B:/`")
        default: throw UsageError("neither is a container", remedy: "write one as CONTAINER:/path")
        }
        return 0
    }

    private func follows(_ path: String) -> Bool { followLink || path.hasSuffix("/") || CopyPlan.wantsContents(path) }

    private func query(_ path: String) -> [(name: String, value: String?)] {
        [("path", path), ("follow", follows(path) ? "true" : nil)]
    }

    // MARK: Out

    private func copyOut(_ name: String, _ path: String) throws {
        guard !isTerminal(1) else { throw UsageError("cp: stdout is a terminal", remedy: "redirect it, or name a file") }
        guard !json else { throw UsageError("cp: --json and a tar, both on stdout", remedy: "name a file, or leave --json out") }
        try connection.client.download(["v1", "containers", name, "archive"], query: query(path)) { write(Array($0), to: 1) }
    }

    private func copyOut(_ name: String, _ path: String, to target: String) throws -> Int {
        let client = connection.client
        let found = try client.request(
            .get, ["v1", "containers", name, "files"], query: query(path), body: nil as String?, as: PathStatus.self)
        let source = CopyPlan.Source(
            name: found.name, isDirectory: found.kind == .directory, wantsContents: CopyPlan.wantsContents(path) || found.name == ".")
        let plan = try CopyPlan(source, to: target, kind(target))
        var extractor = try host(target) { () throws(KernelError) in
            try HostFiles.extractor(into: plan.directory, as: plan.name, replacingTop: found.name != ".", keepingOwners: archive)
        }
        try client.downloadTar(["v1", "containers", name, "archive"], query: query(path)) { reader throws(ClientError) in
            do throws(TransferError) { try extractor.extract(&reader) } catch { throw .copy("\(error)") }
        }
        if extractor.skipped > 0 { warn("\(extractor.skipped) device nodes were not made on the host") }
        return extractor.skipped
    }

    private func kind(_ path: String) throws -> CopyPlan.Destination {
        let kind = try host(path) { () throws(KernelError) in try HostFiles.kind(path, follow: true) }
        return kind.map { $0 == .directory ? .directory : .other } ?? .nothing
    }

    private func host<Value: ~Copyable>(_ path: String, _ body: () throws(KernelError) -> Value) throws -> Value {
        do throws(KernelError) { return try body() } catch { throw Failure("\(error)") }
    }

    // MARK: In

    private func copyIn(_ path: String, to name: String, _ target: String) throws {
        let kind = try host(path) { () throws(KernelError) in try HostFiles.kind(path, follow: follows(path)) }
        guard let kind else { throw Failure("there is no \"\(path)\"") }
        let wantsContents = CopyPlan.wantsContents(path)
        let own = CopyPlan.split(path).name
        let source = CopyPlan.Source(name: own ?? ".", isDirectory: kind == .directory, wantsContents: wantsContents || own == "..")
        let plan = try CopyPlan(source, to: target, destination(name, target))
        var upload = try host(path) { () throws(KernelError) in try TreeUpload(path, follow: follows(path), as: plan.name ?? ".") }
        try put(&upload, name, plan.directory)
    }

    private func destination(_ name: String, _ path: String) throws -> CopyPlan.Destination {
        do {
            let found = try connection.client.request(
                .get, ["v1", "containers", name, "files"], query: [("path", path), ("follow", "true")], body: nil as String?,
                as: PathStatus.self)
            return found.kind == .directory ? .directory : .other
        } catch {
            guard error.problemCode == "path-not-found" else { throw error }
            return .nothing
        }
    }

    private func put(_ upload: inout some UploadSource, _ name: String, _ directory: String) throws {
        try connection.client.put(
            ["v1", "containers", name, "archive"], query: [("path", directory), ("keepOwners", archive ? "true" : nil)],
            contentType: "application/x-tar", source: &upload)
    }
}
