// SPDX-License-Identifier: Apache-2.0

// libFuzzer over one of the targets, whose name is in CTR_SWIFT_FUZZ_TARGET; `scripts/fuzz` builds and runs it. The main program is libFuzzer's.

internal import FuzzTargets
internal import Glibc

/// The chosen target.
enum Chosen {
    static let target = getenv("CTR_SWIFT_FUZZ_TARGET").flatMap { FuzzTarget(rawValue: String(cString: $0)) }
}

func say(_ text: String) {
    var text = text
    text.withUTF8 { _ = write(2, $0.baseAddress, $0.count) }
}

@_cdecl("LLVMFuzzerInitialize")
public func initialize(_ count: UnsafeMutableRawPointer?, _ arguments: UnsafeMutableRawPointer?) -> CInt {
    if Chosen.target == nil {
        say("CTR_SWIFT_FUZZ_TARGET must be one of: \(FuzzTarget.allCases.map(\.rawValue).joined(separator: " "))\n")
        exit(64)
    }
    return 0
}

@_cdecl("LLVMFuzzerTestOneInput")
public func test(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    do throws(BrokenPromise) { try Chosen.target?.check(Array(UnsafeBufferPointer(start: bytes, count: count))) } catch {
        say("broken promise: \(error)\n")
        abort()
    }
    return 0
}
