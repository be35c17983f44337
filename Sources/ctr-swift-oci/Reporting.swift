// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import JSON
import Linux
import OCI
import Runtime
import SystemPackage

/// Runs a command; its failure is told once, on stderr and in the log, and becomes the exit code.
func reporting<Result>(_ global: GlobalOptions, _ body: () throws -> Result) throws -> Result {
    do {
        guard ["text", "json"].contains(global.logFormat) else {
            throw CommandError("--log-format \"\(global.logFormat)\": use text or json")
        }
        if global.debug, let log = global.log {
            append(
                "begin: \(CommandLine.arguments.dropFirst().joined(separator: " "))", level: "debug", to: log,
                json: global.logFormat == "json")
        }
        return try body()
    } catch let exit as ExitCode {
        throw exit
    } catch {
        let message = "\(error)"
        var line = "ctr-swift-oci: \(message)\n"
        _ = line.withUTF8 { write(2, $0.baseAddress, $0.count) }
        if let log = global.log { append(message, level: "error", to: log, json: global.logFormat == "json") }
        throw ExitCode((error as? LaunchError)?.exitCode ?? 1)
    }
}

/// Tells of what went wrong without a consequence for the command.
func warn(_ message: String, _ global: GlobalOptions) {
    var line = "ctr-swift-oci: warning: \(message)\n"
    _ = line.withUTF8 { write(2, $0.baseAddress, $0.count) }
    if let log = global.log { append(message, level: "warning", to: log, json: global.logFormat == "json") }
}

private struct LogLine: Encodable {
    var level: String
    var msg: String
    var time: String
}

/// The engine's log is a help, not a duty: that it can't be written has been told on stderr already.
func append(_ message: String, level: String, to path: String, json: Bool) {
    let line = LogLine(level: level, msg: message, time: Timestamp.now())
    let quoted = (try? JSON.encode(message)).map { String(decoding: $0, as: UTF8.self) } ?? message
    // As logrus writes text, which engines read: one line, the message quoted.
    let text =
        json
        ? (try? JSON.encode(line)).map { String(decoding: $0, as: UTF8.self) } : "time=\"\(line.time)\" level=\(level) msg=\(quoted)"
    guard let text else { return }
    try? writeLine(text + "\n", to: path)
}

private func writeLine(_ text: String, to path: String) throws(KernelError) {
    let file = try openFile(FilePath(path), O_WRONLY | O_APPEND | O_CREAT, mode: 0o644)
    try text.utf8Span.span.withUnsafeBytes { bytes throws(KernelError) in try writeAll(file, bytes, object: path) }
}
