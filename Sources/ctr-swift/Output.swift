// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Client
internal import Glibc
internal import JSON
internal import Linux
internal import SystemPackage

/// To stdout, all of it. A reader that has gone ends the program as SIGPIPE would, without a word; other errors are told.
func show(_ text: String) { write(Array(text.utf8), to: 1) }

func write(_ bytes: [UInt8], to descriptor: CInt) {
    var rest = bytes[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        if count > 0 {
            rest = rest.dropFirst(count)
            continue
        }
        let errno = lastErrno()
        if errno == .interrupted { continue }
        if errno == .brokenPipe { exit(128 + SIGPIPE) }
        if descriptor == 1 { complain("write(2) \"stdout\": \(errno)", nil) }
        exit(1)
    }
}

/// One line to stderr, and a second one with what can be done. Escaped here, whoever has written them.
func complain(_ message: String, _ remedy: String?) {
    let bytes = Array(("ctr-swift: \(terminalSafe(message))\n" + (remedy.map { "  \(terminalSafe($0))\n" } ?? "")).utf8)
    // Nobody can be told that stderr is gone.
    _ = Glibc.write(2, bytes, bytes.count)
}

func warn(_ message: String) { complain("warning: \(message)", nil) }

/// One document, in several lines for people.
func show(json value: some Encodable) throws { show(terminalSafe(json: try JSON.encode(value, .pretty)) + "\n") }

/// One document in one line, for programs that read line by line.
func show(jsonLine value: some Encodable) throws { show(terminalSafe(json: try JSON.encode(value)) + "\n") }

/// How a list or a record is shown.
struct OutputOptions: ParsableArguments {
    @Flag(name: .long, help: "Show JSON.")
    var json = false

    @Option(
        name: .long,
        help: ArgumentHelp("Show a line for each by a template: '{{.id}} {{.name}}', or json.", valueName: "template"))
    var format: String?

    /// JSON or a template, where one was asked for.
    /// - Returns: false: a table is wanted.
    func show(_ values: [some Encodable]) throws -> Bool {
        if try lines(values) { return true }
        if json { try ctr_swift.show(json: values) }
        return json
    }

    func show(one value: some Encodable) throws -> Bool {
        if try lines([value]) { return true }
        if json { try ctr_swift.show(json: value) }
        return json
    }

    func validate() throws { try validateForm(json: json, format) }

    /// Of a command with `--quiet`: ids alone are a form of their own.
    func validate(quiet: Bool) throws {
        guard !quiet || !json && format == nil else {
            throw ValidationError(
                UsageError("--quiet and \(json ? "--json" : "--format") can't both be had", remedy: "--format '{{.id}}' shows ids, too"))
        }
    }

    private func lines(_ values: [some Encodable]) throws -> Bool {
        guard let format else { return false }
        let template = try Template(format)
        for value in values { ctr_swift.show(try template.render(value) + "\n") }
        return true
    }
}

/// Before anything is asked of the daemon: two forms at once, or a template that is not understood.
func validateForm(json: Bool, _ format: String?) throws {
    guard !json || format == nil else { throw ValidationError(UsageError("--json and --format can't both be had")) }
    do { _ = try format.map { text throws(UsageError) in try Template(text) } } catch { throw ValidationError(error) }
}

extension ClientError {
    /// Why something of a stream could not be shown.
    init(showing error: any Error) { self = (error as? UsageError).map { .usage($0) } ?? .badAnswer("\(error)") }
}

/// What a command did, for each of its operands a line.
struct JSONLines: ParsableArguments {
    @Flag(name: .long, help: "Show a line of JSON for each.")
    var json = false

    /// - Parameter text: a line of its own, where no JSON is wanted.
    func show(_ text: String, _ value: some Encodable) throws {
        if json { try ctr_swift.show(jsonLine: value) } else { ctr_swift.show(text + "\n") }
    }
}
