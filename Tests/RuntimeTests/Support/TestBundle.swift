// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import Linux
import OCI
import Runtime
import SystemPackage
import TestSupport

/// A bundle with busybox and the probe in a directory of its own, gone when the value is.
///
/// The container is made by the `ctr-swift-oci` beside the test binary: tests have threads, and a process with threads can't clone itself.
final class TestBundle {
    static let busybox = "/bin/busybox"

    let path: FilePath
    let id = "test-\(UInt32.random(in: 0 ... .max))"
    var spec: RuntimeSpec
    /// Further options of `run`.
    var options: [String] = []

    var rootfs: FilePath { path.appending("rootfs") }
    var state: FilePath { path.appending("state") }

    init(_ arguments: [String] = ["/bin/true"]) throws {
        path = FilePath("/tmp/ctr-swift-bundle-\(UInt64.random(in: 0 ... .max))")
        spec = DefaultSpec.make(arguments: arguments, withSeccomp: false)
        try makeDirectory(path, mode: 0o755)
        try makeDirectory(path.appending("rootfs"), mode: 0o755)
        for name in ["bin", "etc", "tmp", "root"] { try makeDirectory(rootfs.appending(name), mode: name == "tmp" ? 0o1777 : 0o755) }
        _ = chmod(rootfs.appending("tmp").string, 0o1777)
        try Self.link(try Probe.busyboxCopy(), to: rootfs.appending("bin/busybox"))
        for applet in [
            "sh", "true", "false", "cat", "ls", "id", "sleep", "mount", "stat", "echo", "grep", "touch", "ip", "kill", "tty", "readlink",
        ] {
            _ = symlink("busybox", rootfs.appending("bin").appending(applet).string)
        }
        try Self.link(try Probe.path(), to: rootfs.appending("bin/probe"))
    }

    convenience init(shell script: String) throws { try self.init(["/bin/sh", "-c", script]) }

    deinit { _ = try? command(["/bin/rm", "-rf", path.string]) }

    /// A copy by link where that is possible.
    private static func link(_ source: String, to target: FilePath) throws {
        if Glibc.link(source, target.string) == 0 { return }
        try command(["/bin/cp", source, target.string])
    }

    /// Writes config.json and gives the command line for a verb.
    func arguments(_ verb: String, _ more: [String] = []) throws -> [String] {
        try replaceFile(path.appending("config.json"), with: JSON.encode(spec), mode: 0o644)
        return [Self.runtime, verb, "--root", state.string] + more
    }

    /// `run` to its end.
    @discardableResult
    func run() throws -> Outcome { try start().finish() }

    func start(input: [UInt8]? = nil) throws -> ChildProcess {
        try ChildProcess(arguments("run", ["--bundle", path.string] + options + [id]), input: input)
    }

    func verb(_ name: String, _ more: [String] = []) throws -> Outcome { try command(arguments(name, more + [id])) }

    /// The program may speak before `run` has written its record.
    func waitForRecord() throws { try waitUntil { try verb("state").code == 0 } }

    /// The state as `state` prints it.
    func status() throws -> String {
        let result = try verb("state")
        guard case .object(let state) = try JSON.parse(Array(result.output.utf8)), case .string(let status)? = state["status"] else {
            return ""
        }
        return status
    }

    /// The number of the first process, as the host has it.
    func pid() throws -> Int32 {
        let result = try verb("state")
        struct State: Decodable { var pid: Int32 }
        return try JSON.decode(State.self, from: Array(result.output.utf8)).pid
    }

    /// A new user namespace in which 0 to 65535 are the host's ids from `first` on.
    func map(from first: UInt32) {
        let lines = [RuntimeSpec.IDMapping(containerID: 0, hostID: first, size: 65_536)]
        spec.linux?.uidMappings = lines
        spec.linux?.gidMappings = lines
        spec.linux?.namespaces?.append(.init(type: "user"))
    }

    func addApplets(_ names: [String]) throws {
        for name in names { _ = symlink("busybox", rootfs.appending("bin").appending(name).string) }
    }

    /// Beside this test's own binary.
    static let runtime: String = {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        let own = FilePath(String(decoding: buffer[..<max(count, 0)].map { UInt8(bitPattern: $0) }, as: UTF8.self))
        var directory = own.removingLastComponent()
        // `swift test` runs a helper of the toolchain that loads the tests: then the build directory is found by this file's place.
        if access(directory.appending("ctr-swift-oci").string, X_OK) != 0 {
            directory = FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent().removingLastComponent()
                .appending(".build/release")
        }
        return directory.appending("ctr-swift-oci").string
    }()
}

/// The static test program, compiled once a run; where there is no compiler CTR_SWIFT_PROBE names one that is.
enum Probe {
    private static let compiled: Result<String, ProbeError> = {
        if let given = getenv("CTR_SWIFT_PROBE") { return .success(String(cString: given)) }
        let source = FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent().appending(
            "Payload/probe.c")
        let target = "/tmp/ctr-swift-probe-\(getpid())"
        atexit { _ = unlink("/tmp/ctr-swift-probe-\(getpid())") }
        for compiler in ["/usr/bin/cc", "/usr/bin/gcc", "/usr/bin/clang"] where access(compiler, X_OK) == 0 {
            guard let result = try? command([compiler, "-static", "-O1", "-o", target, source.string]) else { continue }
            return result.code == 0 ? .success(target) : .failure(ProbeError(description: result.errors))
        }
        return .failure(ProbeError(description: "no C compiler"))
    }()

    /// The host's own is not linked into roots that containers may write to.
    private static let busybox: Result<String, ProbeError> = {
        let target = "/tmp/ctr-swift-busybox-\(getpid())"
        atexit {
            _ = unlink("/tmp/ctr-swift-busybox-\(getpid())")
            // Empty by then, unless someone else's containers are in it: then it stays.
            for hierarchy in (try? CgroupLayout.detect().hierarchies) ?? [] { _ = rmdir("\(hierarchy.mountPoint)/ctr-swift-oci") }
        }
        guard let result = try? command(["/bin/cp", TestBundle.busybox, target]), result.code == 0 else {
            return .failure(ProbeError(description: "no busybox"))
        }
        return .success(target)
    }()

    static func busyboxCopy() throws -> String { try busybox.get() }

    static func path() throws -> String { try compiled.get() }
}

struct ProbeError: Error, CustomStringConvertible { var description: String }
