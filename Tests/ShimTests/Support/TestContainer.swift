// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import Linux
import OCI
import Runtime
import ShimProtocol
import SystemPackage
import TestSupport

/// What the engine would have prepared: a bundle, a layer with busybox, a state directory. Gone when the value is.
final class TestContainer {
    static let busybox = "/bin/busybox"

    let path: FilePath
    let id = "test-\(UInt32.random(in: 0 ... .max))"
    var spec: RuntimeSpec
    var configuration: ShimConfiguration

    var layer: FilePath { path.appending("layers/a") }
    var state: FilePath { FilePath(configuration.stateDirectory) }
    var logFile: FilePath { path.appending("log/container.log") }
    var socket: FilePath { state.appending("shim.sock") }
    /// With a parent of its own, which is removed with it.
    var cgroup: String { "ctr-swift-shim-\(id)/container" }

    init(
        _ arguments: [String], tty: Bool = false, openStdin: Bool = false, expectsAttach: Bool = false, logged: Bool = false
    ) throws {
        path = FilePath("/tmp/ctr-swift-shim-\(UInt64.random(in: 0 ... .max))")
        spec = DefaultSpec.make(arguments: arguments, withSeccomp: false)
        configuration = ShimConfiguration(
            id: id, bundle: path.appending("bundle").string, stateDirectory: path.appending("state").string,
            rootfs: ShimConfiguration.Rootfs(
                store: path.appending("layers").string, lowerdirs: ["a"], upper: path.appending("upper").string,
                work: path.appending("work").string, volatile: true),
            tty: tty, terminalSize: tty ? ShimConfiguration.Size(rows: 24, columns: 80) : nil, openStdin: openStdin,
            expectsAttach: expectsAttach, logDirectory: logged ? path.appending("log").string : nil, seccompProgram: nil, socketGroup: 0)
        // The tests count records.
        configuration.logLimits = LogLimits(maxSizeInBytes: 1 << 30)
        spec.process?.terminal = tty
        spec.linux?.cgroupsPath = "/\(cgroup)"
        for name in ["", "bundle", "state", "state/rootfs", "upper", "work", "layers", "layers/a", "layers/a/bin", "layers/a/tmp"] {
            try makeDirectory(path.pushing(FilePath(name)), mode: 0o755)
        }
        try Self.copy(Self.busybox, to: layer.appending("bin/busybox"))
        for applet in [
            "cat", "dd", "echo", "head", "kill", "ls", "mkfifo", "printf", "ps", "seq", "sh", "sha256sum", "sleep", "stty", "tail", "true",
            "tty",
            "wc", "yes",
        ] { symlink("busybox", layer.appending("bin").appending(applet).string) }
    }

    convenience init(
        shell script: String, tty: Bool = false, openStdin: Bool = false, expectsAttach: Bool = false, logged: Bool = false
    ) throws {
        try self.init(["/bin/sh", "-c", script], tty: tty, openStdin: openStdin, expectsAttach: expectsAttach, logged: logged)
    }

    deinit {
        try? removeTree(path)
        for hierarchy in (try? CgroupLayout.detect().hierarchies) ?? [] { rmdir("\(hierarchy.mountPoint)/ctr-swift-shim-\(id)") }
    }

    static func copy(_ source: String, to target: FilePath) throws {
        let pid = try spawn("/bin/cp", arguments: ["cp", source, target.string], environment: [], descriptors: [])
        var status: CInt = 0
        while waitpid(pid, &status, 0) == -1, errno == EINTR {}
        guard status == 0 else { throw KernelError(call: "cp", object: target.string, errno: .ioError) }
    }

    /// Writes the two files and starts a shim, as the engine does.
    func start() throws -> TestShim {
        try write()
        return try TestShim(self)
    }

    func write() throws {
        try replaceFile(path.appending("bundle/config.json"), with: JSON.encode(spec))
        try replaceFile(state.appending("shim.json"), with: JSON.encode(configuration))
    }

    /// Each line of the log, decoded.
    func log() throws -> [JSONObject] {
        try readFile(logFile, limit: 1 << 30).split(separator: UInt8(ascii: "\n")).map { line in
            guard case .object(let record) = try JSON.parse(Array(line)) else { throw UnexpectedLog() }
            return record
        }
    }

    func cgroupDirectories() throws -> [String] {
        try CgroupLayout.detect().hierarchies.map { "\($0.mountPoint)/\(cgroup)" }.filter { access($0, F_OK) == 0 }
    }
}

struct UnexpectedLog: Error {}
