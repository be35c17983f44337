// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import Linux
import ShimProtocol
import SystemPackage
import TestSupport

/// A running shim with the engine's end of its pair. Killed, with its container, when the value goes.
final class TestShim {
    let container: TestContainer
    let pid: pid_t
    private let engine: ShimConnection
    private var hasEnded = false

    init(_ container: TestContainer) throws {
        self.container = container
        let waiting = try WaitingShim(container)
        try waiting.begin()
        pid = waiting.pid
        engine = waiting.takeEngine()
    }

    deinit {
        if hasEnded { return }
        if let client = try? connect() {
            _ = try? client.ask(.signal(SIGKILL))
            _ = try? client.message()
        }
        // It removes the cgroup after it has told the end; a client that never came is not waited for here.
        for _ in 0..<2000 where (try? container.cgroupDirectories()) != [] { usleep(1000) }
        kill(pid, SIGKILL)
        waitpid(pid, nil, 0)
    }

    /// What the engine hears next.
    func message() throws -> ShimMessage? { try engine.receiveMessage() }

    @discardableResult
    func started() throws -> ShimStarted {
        let message = try message()
        guard case .started(let started) = message else { throw Unexpected(message) }
        return started
    }

    func exited() throws -> ShimExit {
        let message = try message()
        guard case .exited(let exit) = message else { throw Unexpected(message) }
        return exit
    }

    func connect() throws -> TestClient {
        let connection = try ShimConnection.connect(to: container.socket)
        limitWaits(connection.descriptor)
        return TestClient(connection)
    }

    /// Whether it has ended by now.
    func hasGone() -> Bool { hasEnded || end(milliseconds: 1) != nil }

    /// Waits for the shim's own end, at most `seconds`.
    /// - Returns: its status; nil where it is still there.
    func end(within seconds: Int = 60) -> CInt? { end(milliseconds: seconds * 1000) }

    private func end(milliseconds: Int) -> CInt? {
        for _ in 0..<milliseconds {
            var status: CInt = 0
            if waitpid(pid, &status, WNOHANG) == pid {
                hasEnded = true
                return status >> 8 & 0xFF | (status & 0x7F) << 8
            }
            usleep(1000)
        }
        return nil
    }

    var descriptorCount: Int {
        guard let directory = opendir("/proc/\(pid)/fd") else { return 0 }
        defer { closedir(directory) }
        var count = -2
        while readdir(directory) != nil { count += 1 }
        return count
    }

    func status(_ name: String) throws -> Int {
        let text = String(decoding: try readFile(FilePath("/proc/\(pid)/status")), as: UTF8.self)
        let line = text.split(separator: "\n").first { $0.hasPrefix(name + ":") }
        return line.flatMap { Int($0.split(whereSeparator: { $0 == "\t" || $0 == " " })[1]) } ?? -1
    }

    /// Beside this test's own binary.
    static let binary: FilePath = {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        let own = FilePath(String(decoding: buffer[..<max(count, 0)].map { UInt8(bitPattern: $0) }, as: UTF8.self))
        let beside = own.removingLastComponent().appending("ctr-swift-shim")
        if access(beside.string, X_OK) == 0 { return beside }
        // `swift test` runs a helper of the toolchain that loads the tests: then the build directory is found by this file's place.
        var directory = FilePath(#filePath)
        for _ in 0..<4 { directory.removeLastComponent() }
        return directory.appending(".build/release/ctr-swift-shim")
    }()
}

/// One that has been spawned, and waits for the word to begin. Its end is the test's to see.
struct WaitingShim: ~Copyable {
    let pid: pid_t
    let engine: ShimConnection
    private let state: FilePath

    init(_ container: TestContainer) throws {
        state = container.state
        let pair = try ShimConnection.pair()
        let null = try openFile("/dev/null", O_RDWR)
        pid = try spawn(
            TestShim.binary, arguments: ["ctr-swift-shim", "--config", state.appending("shim.json").string], environment: [],
            descriptors: [(null.raw, 0), (null.raw, 1), (null.raw, 2), (pair.shim.raw, 3)])
        engine = pair.engineOnly()
        limitWaits(engine.descriptor)
    }

    func begin() throws {
        let log = try openFile(state.appending("shim.log"), O_WRONLY | O_CREAT | O_APPEND, mode: 0o600)
        let lock = try openFile(state.appending("shim.json"), O_RDONLY)
        try engine.send(.begin, with: [log.raw, lock.raw])
    }

    consuming func takeEngine() -> ShimConnection { engine }
}

struct Unexpected: Error, CustomStringConvertible {
    let description: String
    init(_ message: ShimMessage?) { description = message.map { "\($0)" } ?? "the end of the connection" }
}
