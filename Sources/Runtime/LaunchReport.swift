// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux
internal import SystemPackage

/// One page that parent and child share until the exec drops the child's mapping: the child notes where it is, when, and what failed.
///
/// Notes cost no system call. That the child has come to an exec (or died) is told by a close-on-exec pipe's end.
///
/// ```
/// 0   step, u32          8   failed, u32        16  lengths of call, object, reason, u32 each      32  child's clock, ns ahead, i64
/// 4   exit code, i32     12  errno, i32         64  begin of each step, ns, u64      1024  the three texts
/// ```
struct LaunchReport: ~Copyable {
    private let page: UnsafeMutableRawPointer
    private static let size = 8192
    private static let textOffset = 1024

    init() throws(KernelError) {
        let address = mmap(nil, Self.size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)
        guard let address, address != MAP_FAILED else {
            throw KernelError(call: "mmap(2)", object: "launch report", errno: lastErrno())
        }
        page = address
    }

    deinit { munmap(page, Self.size) }

    // MARK: Notes

    /// - Parameter inParent: only the time is noted; where the child stands is the child's to say.
    func begin(_ step: LaunchStep, inParent: Bool = false) {
        if !inParent { page.storeBytes(of: step.index, as: UInt32.self) }
        // In a time namespace the child's clock is not the parent's.
        let ahead = inParent ? 0 : page.load(fromByteOffset: 32, as: Int64.self)
        let now = monotonicNanoseconds() &- UInt64(bitPattern: ahead)
        page.storeBytes(of: now, toByteOffset: 64 + 8 * Int(step.index), as: UInt64.self)
    }

    /// In the child: how far its monotonic clock is ahead from now on.
    func setClock(ahead nanoseconds: Int64) { page.storeBytes(of: nanoseconds, toByteOffset: 32, as: Int64.self) }

    func fail(_ error: LaunchError) {
        page.storeBytes(of: error.step.index, as: UInt32.self)
        page.storeBytes(of: error.exitCode, toByteOffset: 4, as: Int32.self)
        page.storeBytes(of: error.kernel?.errno.rawValue ?? 0, toByteOffset: 12, as: Int32.self)
        var offset = Self.textOffset
        for (index, text) in [error.kernel?.call ?? "", error.kernel?.object ?? "", error.reason ?? ""].enumerated() {
            var text = text
            let length = text.withUTF8 { bytes in
                guard let base = bytes.baseAddress else { return 0 }
                let length = min(bytes.count, Self.size - offset)
                (page + offset).copyMemory(from: base, byteCount: length)
                return length
            }
            page.storeBytes(of: UInt32(length), toByteOffset: 16 + 4 * index, as: UInt32.self)
            offset += length
        }
        page.storeBytes(of: 1, toByteOffset: 8, as: UInt32.self)
    }

    // MARK: The parent's side

    /// The last step that the child began.
    var step: LaunchStep {
        let index = Int(page.load(as: UInt32.self))
        return LaunchStep.allCases.indices.contains(index) ? LaunchStep.allCases[index] : .prepare
    }

    var failure: LaunchError? {
        guard page.load(fromByteOffset: 8, as: UInt32.self) == 1 else { return nil }
        var texts: [String] = []
        var offset = Self.textOffset
        for index in 0..<3 {
            let length = min(Int(page.load(fromByteOffset: 16 + 4 * index, as: UInt32.self)), Self.size - offset)
            texts.append(String(decoding: UnsafeRawBufferPointer(start: page + offset, count: length), as: UTF8.self))
            offset += length
        }
        let errno = Errno(rawValue: page.load(fromByteOffset: 12, as: Int32.self))
        return LaunchError(
            step: step, reason: texts[2].isEmpty ? nil : texts[2],
            kernel: texts[0].isEmpty ? nil : KernelError(call: texts[0], object: texts[1], errno: errno),
            exitCode: page.load(fromByteOffset: 4, as: Int32.self))
    }

    /// Each step that was begun, until the same process began its next one; the last ones until `end`.
    func timings(until end: UInt64) -> [LaunchTiming] {
        let parent = LaunchStep.allCases.prefix { $0 != .prepare }
        return timings(of: Array(parent), until: end) + timings(of: Array(LaunchStep.allCases.dropFirst(parent.count)), until: end)
    }

    private func timings(of steps: [LaunchStep], until end: UInt64) -> [LaunchTiming] {
        let begun = steps.map { (step: $0, at: page.load(fromByteOffset: 64 + 8 * Int($0.index), as: UInt64.self)) }
            .filter { $0.at != 0 }.sorted { $0.at < $1.at }
        return begun.indices.map { index in
            let next = index + 1 < begun.count ? begun[index + 1].at : end
            return LaunchTiming(step: begun[index].step, microseconds: max(0, Int64(bitPattern: next &- begun[index].at) / 1000))
        }
    }
}

func monotonicNanoseconds() -> UInt64 {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
}
