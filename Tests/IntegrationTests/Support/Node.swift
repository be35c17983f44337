// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// A daemon on a temporary root, with a socket and a cgroup parent of its own. `leave()` checks that nothing stays behind.
final class Node {
    let directory: URL
    private(set) var daemon: ChildProcess
    let cgroupParent: String
    private let arguments: [String]
    private var earlierLogs = ""
    let root: String

    static let bin = ProcessInfo.processInfo.environment["CTR_SWIFT_BIN"] ?? FileManager.default.currentDirectoryPath + "/bin"
    static let fixtures =
        ProcessInfo.processInfo.environment["CTR_SWIFT_FIXTURES"] ?? FileManager.default.currentDirectoryPath + "/.build/fixtures"

    var socket: String { directory.path + "/run/ctr-swift.sock" }

    /// - Parameters:
    ///   - configuration: TOML for `--config`.
    ///   - root: instead of one in the node's own directory.
    ///   - environment: what the first daemon has in it besides the test's.
    ///   - inherits: whether the daemon gets the test's environment; else it has none at all.
    ///   - wrapper: a command that runs the daemon as its arguments.
    ///   - dies: it is expected to end before it answers.
    init(
        configuration: String? = nil, root: String? = nil, environment: [String: String] = [:], inherits: Bool = true,
        through wrapper: [String] = [], dies: Bool = false
    ) throws {
        let name = "ctr-swift-test-\(UInt32.random(in: 0...UInt32.max))"
        directory = URL(filePath: "/tmp").appending(path: name)
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o711])
        cgroupParent = name
        self.root = root ?? directory.path + "/root"
        var arguments =
            (inherits ? [] : ["env", "-i"]) + wrapper + [
                Self.bin + "/ctr-swiftd", "--root", self.root, "--state", directory.path + "/run", "--cgroup-parent", name,
            ]
        arguments += ["--socket", directory.path + "/run/ctr-swift.sock"]
        if let configuration {
            let file = directory.appending(path: "config.toml")
            try configuration.write(to: file, atomically: true, encoding: .utf8)
            arguments += ["--config", file.path]
        }
        self.arguments = arguments
        daemon = try ChildProcess(arguments, environment: environment)
        if !dies { try waitUntilItAnswers() }
    }

    func start() throws {
        earlierLogs += daemon.errors
        daemon = try ChildProcess(arguments)
        try waitUntilItAnswers()
    }

    private func waitUntilItAnswers() throws {
        for _ in 0..<6000 {
            if try ctr("version").code == 0 { return }
            if !daemon.isRunning { break }
            usleep(10_000)
        }
        throw Failure("the daemon did not start: \(daemonLog)")
    }

    var daemonLog: String { earlierLogs + daemon.errors }

    /// SIGKILL: no goodbye.
    func killDaemon() throws {
        daemon.signal(SIGKILL)
        _ = try daemon.finish()
    }

    @discardableResult
    func stopDaemon() throws -> Outcome {
        daemon.signal(SIGTERM)
        return try daemon.finish()
    }

    /// The command line against this node.
    @discardableResult
    func ctr(_ arguments: String..., input: [UInt8]? = nil) throws -> Outcome { try ctr(arguments, input: input) }

    @discardableResult
    func ctr(_ arguments: [String], input: [UInt8]? = nil) throws -> Outcome {
        try started(arguments, input: input).finish()
    }

    /// The command line, not waited for.
    func started(_ arguments: String...) throws -> ChildProcess { try started(arguments) }

    func started(_ arguments: [String], input: [UInt8]? = nil) throws -> ChildProcess {
        try ChildProcess(
            [Self.bin + "/ctr-swift"] + arguments, environment: ["CTR_SWIFT_SOCKET": socket, "HOME": directory.path], input: input)
    }

    /// The command line, which has to succeed.
    @discardableResult
    func good(_ arguments: String..., input: [UInt8]? = nil, location: SourceLocation = #_sourceLocation) throws -> String {
        let outcome = try ctr(arguments, input: input)
        try #require(
            outcome.code == 0, "\(arguments.joined(separator: " ")): exit \(outcome.code): \(outcome.errors)", sourceLocation: location)
        return outcome.output
    }

    /// Until the container has said so: a signal that comes before a PID 1 has set its trap is lost.
    func wait(forLog text: String, times: Int = 1, of container: String) throws {
        for _ in 0..<3000 {
            if try good("logs", container).components(separatedBy: text).count > times { return }
            usleep(20_000)
        }
        throw Failure("\(container) did not say \(text)")
    }

    func json(_ arguments: String...) throws -> Any { try json(arguments) }

    func json(_ arguments: [String]) throws -> Any {
        try JSONSerialization.jsonObject(with: Data(try ctr(arguments + ["--json"]).output.utf8), options: [.fragmentsAllowed])
    }

    /// Ends everything, and looks for what should not be there.
    func leave() throws {
        if !daemon.isRunning { try start() }
        for id in try good("ps", "-aq").split(separator: "\n") { try ctr("rm", "-f", String(id)) }
        #expect(try good("ps", "-aq") == "")
        #expect(try stopDaemon().code == 0, "the daemon ended badly: \(daemonLog.suffix(2000))")
        #expect(mounts == [], "mounts are left")
        #expect(cgroups == [], "cgroups are left")
        #expect(try processes() == [], "processes are left")
        #expect((try? FileManager.default.contentsOfDirectory(atPath: root + "/containers")) ?? [] == [], "container directories are left")
        #expect((try? FileManager.default.contentsOfDirectory(atPath: directory.path + "/run/containers")) ?? [] == [], "state is left")
        removeCgroupParents()
        try FileManager.default.removeItem(at: directory)
    }

    var mounts: [String] {
        let table = (try? String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8)) ?? ""
        return table.split(separator: "\n").map(String.init).filter { $0.contains(directory.path) }
    }

    private var cgroupDirectories: [String] {
        let mounts = (try? String(contentsOfFile: "/proc/self/mounts", encoding: .utf8)) ?? ""
        return mounts.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ")
            return fields.count > 2 && fields[2].hasPrefix("cgroup") ? "\(fields[1])/\(cgroupParent)" : nil
        }
    }

    var cgroups: [String] {
        cgroupDirectories.flatMap { directory in
            ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []).map { directory + "/" + $0 }
                .filter { isDirectory($0) }
        }
    }

    private func removeCgroupParents() { for directory in cgroupDirectories { rmdir(directory) } }

    private func isDirectory(_ path: String) -> Bool {
        var directory: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &directory) && directory.boolValue
    }

    /// Command lines that name this node's directory.
    func processes() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { name in
            guard Int(name) != nil, let line = try? String(contentsOfFile: "/proc/\(name)/cmdline", encoding: .utf8) else { return nil }
            return line.contains(directory.path + "/") ? line.replacingOccurrences(of: "\0", with: " ") : nil
        }
    }
}

/// Runs a body against a node that is checked for leftovers afterwards, also when the body throws.
func withNode(
    configuration: String? = nil, inherits: Bool = true, through wrapper: [String] = [], _ body: (Node) throws -> Void
) throws {
    let node = try Node(configuration: configuration, inherits: inherits, through: wrapper)
    let result = Result { try body(node) }
    if case .failure = result { print(node.daemonLog.suffix(4000)) }
    let left = Result { try node.leave() }
    try result.get()
    try left.get()
}
