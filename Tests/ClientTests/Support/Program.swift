// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage
import TestSupport
import Testing

/// The real command line, at a scripted daemon.
enum Program {
    static let path =
        (ProcessInfo.processInfo.environment["CTR_SWIFT_BIN"] ?? FileManager.default.currentDirectoryPath + "/bin") + "/ctr-swift"

    struct Outcome {
        var status: Int32
        var output: String
        var errors: String
        /// What the daemon was asked, request by request.
        var requests: [String] = []

        /// The body of a request.
        func body(_ index: Int) -> [UInt8] {
            let text = requests[index]
            return text.firstRange(of: "\r\n\r\n").map { Array(text[$0.upperBound...].utf8) } ?? []
        }

        /// The first line of each request, without the version.
        var asked: [String] { requests.map { String($0.prefix { $0 != "\r\n" }).replacing(" HTTP/1.1", with: "") } }
    }

    /// - Parameter connections: the daemon's script; where it is empty there is no daemon.
    static func run(
        _ arguments: String..., daemon connections: [ScriptedServer.Connection] = [], environment: [String: String] = [:],
        input: String? = nil
    ) throws -> Outcome {
        try run(arguments, daemon: connections, environment: environment, input: input)
    }

    static func run(
        _ arguments: [String], daemon connections: [ScriptedServer.Connection] = [], environment: [String: String] = [:],
        input: String? = nil
    ) throws -> Outcome {
        try start([path] + arguments, connections, environment, input)
    }

    /// A line of shell in which `$0` is the program.
    static func shell(_ line: String, daemon connections: [ScriptedServer.Connection] = []) throws -> Outcome {
        try start(["/bin/bash", "-c", line, path], connections, [:], nil)
    }

    private static func start(
        _ arguments: [String], _ connections: [ScriptedServer.Connection], _ environment: [String: String], _ input: String?
    ) throws -> Outcome {
        let server = connections.isEmpty ? nil : try ScriptedServer(connections)
        defer { server?.remove() }
        let outcome = try command(
            arguments,
            environment: [
                "PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "DOCKER_CONFIG": "",
                "CTR_SWIFT_SOCKET": server?.path.string ?? "/tmp/ctr-swift-nobody.sock",
            ].merging(environment) { $1 }, input: input.map { Array($0.utf8) })
        return Outcome(status: outcome.code, output: outcome.output, errors: outcome.errors, requests: server?.received() ?? [])
    }
}

extension Trait where Self == ConditionTrait {
    static var withProgram: Self {
        .enabled("needs bin/ctr-swift: `make build`, or CTR_SWIFT_BIN") { FileManager.default.isExecutableFile(atPath: Program.path) }
    }
}

/// A daemon's refusal.
func refusal(_ status: String, _ code: String, detail: String = "refused", remedy: String? = nil, exitCode: Int? = nil) -> String {
    let remedy = remedy.map { #","remedy":"\#($0)""# } ?? ""
    let exitCode = exitCode.map { #","exitCode":\#($0)"# } ?? ""
    return answer(
        #"{"type":"u","status":\#(status.prefix(3)),"title":"t","detail":"\#(detail)","code":"\#(code)"\#(remedy)\#(exitCode)}"#,
        status: status, type: "application/problem+json")
}
