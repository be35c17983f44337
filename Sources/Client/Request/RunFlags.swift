// SPDX-License-Identifier: Apache-2.0

package import APITypes
internal import Glibc
package import Linux
internal import SystemPackage

/// What `run` and `create` were told, as it was typed; `request` makes of it what the daemon is asked.
package struct RunFlags: Sendable {
    package var image: String
    package var arguments: [String] = []
    package var name: String?
    package var labels: [String] = []
    package var environment: [String] = []
    package var environmentFiles: [String] = []
    package var workingDirectory: String?
    package var user: String?
    package var entrypoint: String?
    package var hostname: String?
    package var network = "none"
    package var platform: String?
    package var interactive = false
    package var tty = false
    package var initProcess = false
    package var remove = false
    package var restart: String?
    /// The client goes at once, and nobody reads the output.
    package var detached = false
    package var readOnly = false
    package var volumes: [String] = []
    package var tmpfs: [String] = []
    /// `--mount`.
    package var mounts: [String] = []
    package var upper: String?
    package var upperSize: String?
    package var upperInodes: Int64?
    package var log: String?
    package var logOptions: [String] = []
    package var limits = LimitFlags()
    package var ulimits: [String] = []
    package var outOfMemoryScore: Int?
    package var sharedMemorySize: String?
    package var isolation = IsolationFlags()
    package var stopSignal: String?
    package var stopTimeout: Int?
    package var health = HealthFlags()

    package init(image: String) { self.image = image }

    /// What flags refer to without carrying it.
    package struct Surroundings {
        package var variable: (String) -> [UInt8]?
        package var workingDirectory: String
        package var readFile: (String) -> Result<[UInt8], KernelError>

        package init(
            variable: @escaping (String) -> [UInt8]?, workingDirectory: String,
            readFile: @escaping (String) -> Result<[UInt8], KernelError>
        ) {
            self.variable = variable
            self.workingDirectory = workingDirectory
            self.readFile = readFile
        }

        /// Those of this process.
        package static var own: Surroundings {
            var directory = [CChar](repeating: 0, count: 4097)
            let isKnown = getcwd(&directory, directory.count) != nil
            return Surroundings(
                variable: { name in
                    guard let value = getenv(name) else { return nil }
                    return Array(UnsafeRawBufferPointer(start: value, count: strlen(value)))
                },
                workingDirectory: isKnown
                    ? String(decoding: directory.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self) : "/",
                readFile: { path in
                    Result { () throws(KernelError) in try Linux.readFile(FilePath(path), limit: 8 << 20) }
                })
        }
    }

    /// - Throws: `UsageError` for the first flag that can't be honoured.
    package func request(_ surroundings: Surroundings) throws(UsageError) -> CreateContainerRequest {
        guard !image.isEmpty else { throw UsageError("the image's name is empty") }
        var request = CreateContainerRequest(image: image)
        request.name = name
        request.platform = platform
        request.entrypoint = entrypoint.map { $0.isEmpty ? [] : [$0] }
        request.arguments = arguments
        request.environment = try EnvironmentVariables.entries(flags: environment, files: environmentFiles, surroundings)
        request.workingDirectory = workingDirectory
        request.user = user
        request.hostname = hostname
        for label in labels { try add(label: label, to: &request.labels) }
        request.tty = tty
        request.openStdin = interactive
        request.attach = !detached
        request.autoRemove = remove
        request.restart = try restartPolicy()
        request.readOnlyRoot = readOnly
        request.network = try networkMode()
        request.initProcess = initProcess
        for text in volumes {
            request.mounts.append(try MountFlag.bind(text, workingDirectory: surroundings.workingDirectory))
        }
        for text in tmpfs { request.mounts.append(try MountFlag.tmpfs(text)) }
        for text in mounts {
            request.mounts.append(try MountFlag.mount(text, workingDirectory: surroundings.workingDirectory))
        }
        request.resources = try limits.request()
        for text in ulimits { request.ulimits.append(try LimitFlags.ulimit(text)) }
        request.outOfMemoryScore = outOfMemoryScore
        if let sharedMemorySize { request.sharedMemoryInBytes = try Quantity.bytes(sharedMemorySize, option: "--shm-size") }
        request.isolation = try isolation.request(surroundings)
        request.stopSignal = stopSignal
        request.stopTimeoutSeconds = stopTimeout
        request.health = try health.request()
        request.log = try logMode()
        request.logOptions = try LogFlag.options(logOptions)
        if let upperSize { request.upperSizeInBytes = try Quantity.bytes(upperSize, option: "--upper-size") }
        request.upperInodes = upperInodes
        request.upper = try upper.map { text throws(UsageError) in try choice(text, "--upper", UpperMode.self) }
        return request
    }

    private func add(label: String, to labels: inout [String: String]) throws(UsageError) {
        let parts = label.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let key = parts.first, !key.isEmpty else { throw UsageError("--label", label, "no key", remedy: "use KEY=value") }
        labels[key] = parts.count > 1 ? parts[1] : ""
    }

    /// `no`, `always`, `unless-stopped`, `on-failure` or `on-failure:5`.
    private func restartPolicy() throws(UsageError) -> RestartPolicy? {
        guard let restart else { return nil }
        let parts = restart.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let condition = parts.first.flatMap(RestartPolicy.Condition.init) else {
            throw UsageError("--restart", restart, "no such policy", remedy: "use no, on-failure[:retries], always or unless-stopped")
        }
        guard !remove || condition == .no else { throw UsageError("--rm and --restart can't both be had") }
        guard parts.count == 2 else { return RestartPolicy(condition) }
        guard condition == .onFailure, let retries = Int(parts[1]), (0...Int(Int32.max)).contains(retries) else {
            throw UsageError("--restart", restart, "not a number of retries", remedy: "use on-failure:5")
        }
        return RestartPolicy(condition, maximumRetries: retries)
    }

    private func networkMode() throws(UsageError) -> NetworkMode {
        guard let mode = NetworkMode(rawValue: network) else {
            throw UsageError(
                "--network", network, "container networks are not there yet", remedy: "use none (loopback alone), host or container:NAME")
        }
        return mode
    }

    /// Nobody can ask for the log of a container that is gone when it has ended: in the foreground with --rm none is kept.
    private func logMode() throws(UsageError) -> LogMode {
        guard let log else { return !detached && remove && logOptions.isEmpty ? .none : .file }
        return try choice(log, "--log", LogMode.self)
    }

    private func choice<Choice: CaseIterable & RawRepresentable<String>>(
        _ text: String, _ option: String, _: Choice.Type
    ) throws(UsageError) -> Choice {
        guard let value = Choice(rawValue: text) else {
            throw UsageError(option, text, "no such choice", remedy: "use " + Choice.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return value
    }
}
