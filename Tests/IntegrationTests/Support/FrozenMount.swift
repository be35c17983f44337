// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import Linux
import Synchronization
import TestSupport

/// A FUSE filesystem with one empty directory, `x`, that the kernel asks for each time it is named, and whose server answers until it is told to freeze, and then takes requests and answers none
/// of them. Whoever asks it for something then waits in the kernel, and no signal ends that, SIGKILL included; `release()` does.
final class FrozenMount: Sendable {
    let path: String
    private let device: CInt
    private let state = Mutex((frozen: false, unanswered: 0))
    private let isReleased = Mutex(false)

    init(at path: String) throws {
        self.path = path
        device = open("/dev/fuse", O_RDWR | O_CLOEXEC | O_NONBLOCK)
        guard device >= 0 else { throw Failure("/dev/fuse: errno \(errno)") }
        let options = "fd=\(device),rootmode=40000,user_id=0,group_id=0"
        guard mkdir(path, 0o755) == 0, mount("frozen", path, "fuse", 0, options) == 0 else {
            let code = errno
            close(device)
            throw Failure("mount(2) of a FUSE filesystem: errno \(code)")
        }
        try startThread(name: "frozen-mount") { [self] in serve() }
    }

    func freeze() { state.withLock { $0.frozen = true } }

    /// How many wait for an answer that does not come.
    var waiting: Int { state.withLock { $0.unanswered } }

    /// All that wait get an error.
    func release() {
        let first = isReleased.withLock { released in
            defer { released = true }
            return !released
        }
        guard first else { return }
        umount2(path, CInt(MNT_DETACH))
        close(device)
        rmdir(path)
    }

    // MARK: The protocol: fuse(4), <linux/fuse.h>

    private func serve() {
        var request = [UInt8](repeating: 0, count: 1 << 17)
        while !isReleased.withLock({ $0 }) {
            let count = read(device, &request, request.count)
            if count < 40 {
                guard count == -1, errno == EAGAIN || errno == EINTR || errno == ENOENT else { return }
                usleep(1000)
                continue
            }
            let opcode: UInt32 = Self.load(request, 4)
            let unique: UInt64 = Self.load(request, 8)
            let isFrozen = state.withLock { state in
                if state.frozen { state.unanswered += 1 }
                return state.frozen
            }
            if !isFrozen { answer(opcode, unique, node: Self.load(request, 16), isX: count == 42 && request[40] == UInt8(ascii: "x")) }
        }
    }

    private func answer(_ opcode: UInt32, _ unique: UInt64, node: UInt64, isX: Bool) {
        switch opcode {
        case 26:
            let zeros = { (count: Int) in [UInt8](repeating: 0, count: count) }
            reply(unique, 0, Self.bytes([7, 31] as [UInt32]) + zeros(12) + Self.bytes([UInt32(4096)]) + zeros(40))
        case 3: reply(unique, 0, Self.bytes([0, 0] as [UInt64]) + Self.directory(node))
        // Valid for no time.
        case 1 where isX: reply(unique, 0, Self.bytes([2, 0, 0, 0, 0] as [UInt64]) + Self.directory(2))
        case 1: reply(unique, -ENOENT, [])
        case 2, 36, 42: break  // FORGET, INTERRUPT and BATCH_FORGET have no answer.
        default: reply(unique, -ENOSYS, [])
        }
    }

    /// Its attributes.
    private static func directory(_ node: UInt64) -> [UInt8] {
        bytes([node, 0, 0, 0, 0, 0]) + bytes([0, 0, 0, 0o40755, 2, 0, 0, 0, 4096, 0] as [UInt32])
    }

    private func reply(_ unique: UInt64, _ error: Int32, _ body: [UInt8]) {
        let message = Self.bytes([UInt32(16 + body.count), UInt32(bitPattern: error)]) + Self.bytes([unique]) + body
        _ = message.withUnsafeBytes { write(device, $0.baseAddress, $0.count) }
    }

    private static func load<Number: FixedWidthInteger>(_ bytes: [UInt8], _ offset: Int) -> Number {
        bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: Number.self) }
    }

    private static func bytes<Number: FixedWidthInteger>(_ numbers: [Number]) -> [UInt8] {
        numbers.flatMap { number in withUnsafeBytes(of: number) { Array($0) } }
    }
}
