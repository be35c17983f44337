// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import ArgumentParser
internal import Glibc
internal import Linux
internal import SystemPackage

/// What `run` and `create` have in common; the names are Docker's.
struct RunOptions: ParsableArguments {
    @Option(name: .long, help: "A name for the container.") var name: String?
    @Option(name: [.short, .long], help: "NAME=value, or NAME to take it from here.") var env: [String] = []
    @Option(name: .long, help: "A file of NAME=value lines.") var envFile: [String] = []
    @Option(name: [.short, .long], help: "Working directory; made where it is missing.") var workdir: String?
    @Option(name: [.short, .long], help: "User[:group], by name or number.") var user: String?
    @Option(name: .long, help: "Replaces the image's entrypoint; empty clears it.") var entrypoint: String?
    @Option(name: .long) var hostname: String?
    @Option(name: [.short, .long], help: "KEY=value.") var label: [String] = []
    @Flag(name: .long, help: "Mount the root read-only.") var readOnly = false
    @Option(name: .long, help: "none (loopback alone, the default for now) or host.") var network: String = "none"
    @Flag(name: .long, help: "Run an init as PID 1 that reaps and passes signals on.") var `init` = false
    @Flag(name: .long, help: "Remove the container when it has ended.") var rm = false
    @Option(name: .long, help: "os/architecture[/variant].") var platform: String?
    @Option(name: .long, help: "missing, always or never.") var pull: String = "missing"
    @Option(name: [.short, .long], help: "/host:/container[:ro].") var volume: [String] = []
    @Option(name: .long, help: "/path[:size=64m,mode=1777].") var tmpfs: [String] = []
    @Option(name: [.short, .long], help: "Memory limit: 64m, 1g.") var memory: String?
    @Option(name: .long, help: "CPUs: 0.5, 2.") var cpus: String?
    @Option(name: .long, help: "How many processes.") var pidsLimit: Int64?
    @Option(name: .long, help: "The signal that `stop` sends.") var stopSignal: String?
    @Option(name: .long, help: "Seconds that `stop` waits.") var stopTimeout: Int?
    @Option(name: .long, help: "synced, volatile or tmpfs: how the writable layer meets a crash of the machine.") var upper: String?
    @Option(name: .long, help: "file or none; none is the default of a run in the foreground with --rm.") var log: String?
    @Flag(name: [.short, .long], help: "Keep stdin open.") var interactive = false
    @Flag(name: [.short, .long], help: "Give it a terminal.") var tty = false
    @Argument(help: "The image: a reference, best by digest.") var image: String
    @Argument(parsing: .captureForPassthrough, help: "The command and its words.") var arguments: [String] = []

    func request() throws -> CreateContainerRequest {
        var request = CreateContainerRequest(image: image)
        request.name = name
        request.platform = platform
        request.entrypoint = entrypoint.map { $0.isEmpty ? [] : [$0] }
        request.arguments = arguments
        request.environment = try environment()
        request.workingDirectory = workdir
        request.user = user
        request.hostname = hostname
        for label in label {
            let parts = label.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            request.labels[String(parts[0])] = parts.count > 1 ? String(parts[1]) : ""
        }
        request.tty = tty
        request.openStdin = interactive
        request.autoRemove = rm
        request.readOnlyRoot = readOnly
        guard let mode = NetworkMode(rawValue: network) else {
            throw Refusal(message: "--network \(network) is not there yet", remedy: "use none or host")
        }
        request.network = mode
        request.initProcess = `init`
        request.mounts = try volume.map(Self.bind) + tmpfs.map(Self.tmpfsMount)
        request.resources = ResourceRequest(
            memoryInBytes: try memory.map(Self.bytes), nanoCPUs: try cpus.map(Self.nanoCPUs), pidsLimit: pidsLimit)
        request.stopSignal = stopSignal
        request.stopTimeoutSeconds = stopTimeout
        request.upper = try upper.map { text in
            guard let mode = UpperMode(rawValue: text) else {
                throw Refusal(message: "--upper \(text)", remedy: "use synced, volatile or tmpfs")
            }
            return mode
        }
        return request
    }

    private func environment() throws -> [String] {
        var entries: [String] = []
        for file in envFile {
            let bytes = try readFile(FilePath(file))
            for line in bytes.split(separator: UInt8(ascii: "\n")) where line.first != UInt8(ascii: "#") && !line.isEmpty {
                try Self.add(String(decoding: line, as: UTF8.self), to: &entries)
            }
        }
        for entry in env { try Self.add(entry, to: &entries) }
        return entries
    }

    private static func add(_ entry: String, to entries: inout [String]) throws {
        if entry.contains("=") { return entries.append(entry) }
        if let value = getenv(entry) { entries.append("\(entry)=\(String(cString: value))") }
    }

    static func bind(_ text: String) throws -> MountRequest {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard (2...3).contains(parts.count) else { throw Refusal(message: "-v \(text)", remedy: "use -v /host:/container[:ro]") }
        var options = parts.count == 3 ? parts[2].split(separator: ",").map(String.init) : []
        let readOnly = options.contains("ro")
        options.removeAll { $0 == "ro" || $0 == "rw" || $0 == "z" || $0 == "Z" }
        return MountRequest(type: .bind, source: parts[0], target: parts[1], readOnly: readOnly, options: options)
    }

    static func tmpfsMount(_ text: String) throws -> MountRequest {
        let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
        guard let target = parts.first else { throw Refusal(message: "--tmpfs needs a path", remedy: nil) }
        return MountRequest(type: .tmpfs, target: target, options: parts.count > 1 ? parts[1].split(separator: ",").map(String.init) : [])
    }

    /// "64m" is 64 MiB.
    static func bytes(_ text: String) throws -> Int64 {
        let lower = text.lowercased()
        let units: [(String, Int64)] = [
            ("kb", 1 << 10), ("mb", 1 << 20), ("gb", 1 << 30), ("k", 1 << 10), ("m", 1 << 20), ("g", 1 << 30), ("b", 1),
        ]
        let unit = units.first { lower.hasSuffix($0.0) }
        let digits = lower.dropLast(unit?.0.count ?? 0)
        guard let number = Int64(digits), number >= 0, case let (value, overflow) = number.multipliedReportingOverflow(by: unit?.1 ?? 1),
            !overflow
        else {
            throw Refusal(message: "\"\(text)\" is not a size", remedy: "use a number and b, k, m or g")
        }
        return value
    }

    static func nanoCPUs(_ text: String) throws -> Int64 {
        guard let number = Double(text), number >= 0, number < 100_000 else {
            throw Refusal(message: "--cpus \(text)", remedy: "use a number such as 1.5")
        }
        return Int64((number * 1e9).rounded())
    }
}
