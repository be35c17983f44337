// SPDX-License-Identifier: Apache-2.0

import OCI
import Runtime
import TestSupport
import Testing

/// A filter and its short form, both walked through as the kernel does: their answers must be the same to every call.
@Suite struct CompactSeccompTests {
    /// `struct seccomp_data`, of which a filter sees words. Source: seccomp(2).
    struct Call {
        var number: UInt32
        var architecture: UInt32
        var arguments: [UInt64] = [0, 0, 0, 0, 0, 0]

        func word(_ offset: UInt32) -> UInt32? {
            switch offset {
            case 0: number
            case 4: architecture
            case 8, 12: 0
            case 16..<64 where offset % 4 == 0:
                UInt32(truncatingIfNeeded: arguments[Int(offset - 16) / 8] >> (offset % 8 == 0 ? 0 : 32))
            default: nil
            }
        }
    }

    /// Classic BPF, by itself: nothing of what is tested has a part in it. Source: <linux/bpf_common.h>.
    struct Machine {
        let words: [(code: UInt16, then: Int, otherwise: Int, value: UInt32)]

        init(_ program: SeccompProgram) {
            let bytes = program.instructions
            words = stride(from: 0, to: bytes.count, by: 8).map { at in
                let value = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[at + 4 + $1]) << (8 * UInt32($1)) }
                return (UInt16(bytes[at]) | UInt16(bytes[at + 1]) << 8, Int(bytes[at + 2]), Int(bytes[at + 3]), value)
            }
        }

        /// nil: the kernel would have refused the program.
        func answer(to call: Call) -> UInt32? {
            var (at, accumulator) = (0, UInt32(0))
            while at < words.count {
                let (code, then, otherwise, value) = words[at]
                at += 1
                switch code {
                case 0x20:
                    guard let word = call.word(value) else { return nil }
                    accumulator = word
                case 0x54: accumulator &= value
                case 0x06: return value
                case 0x05: at += Int(value)
                case 0x15: at += accumulator == value ? then : otherwise
                case 0x25: at += accumulator > value ? then : otherwise
                case 0x35: at += accumulator >= value ? then : otherwise
                case 0x45: at += accumulator & value != 0 ? then : otherwise
                default: return nil
                }
            }
            return nil
        }

        /// What any comparison is about, and its neighbours: between two of them nothing can change.
        var values: Set<UInt32> {
            Set(words.filter { $0.code & 7 == 5 || $0.code == 0x54 }.flatMap { [$0.value &- 1, $0.value, $0.value &+ 1] })
        }
    }

    private func expectSame(_ profile: RuntimeSpec.Linux.Seccomp, shorterBy factor: Int = 1) throws {
        let program = try SeccompProgram(compiling: profile)
        let compact = program.compacted()
        #expect(compact.flags == program.flags)
        #expect(compact.instructions.count * factor <= program.instructions.count)
        let (long, short) = (Machine(program), Machine(compact))
        let numbers = long.values.union(0..<600).union(0x4000_0000..<0x4000_0300).union([.max])
        let architectures: [UInt32] = [0xC000_003E, 0x4000_0003, 0xC000_00B7, 0x4000_0028, 0, 1, .max]
        var differences: [Call] = []
        for architecture in architectures {
            for number in numbers {
                for arguments in Self.arguments(long) {
                    let call = Call(number: number, architecture: architecture, arguments: arguments)
                    let answer = long.answer(to: call)
                    if answer == nil || short.answer(to: call) != answer { differences.append(call) }
                }
            }
        }
        #expect(differences.isEmpty, "\(differences.prefix(3))")
    }

    /// Each argument in turn with each value that the filter may compare it with; the halves are compared one by one.
    private static func arguments(_ machine: Machine) -> [[UInt64]] {
        let tail = machine.words.drop { !($0.code == 0x20 && $0.value >= 16) }
        let values = Set(tail.filter { [0x15, 0x25, 0x35, 0x45].contains($0.code) }.map(\.value)).sorted().prefix(12)
        var all: [[UInt64]] = [[0, 0, 0, 0, 0, 0], [.max, .max, .max, .max, .max, .max]]
        for index in 0..<3 {
            for value in values {
                var arguments: [UInt64] = [0, 0, 0, 0, 0, 0]
                arguments[index] = UInt64(value)
                all.append(arguments)
            }
        }
        return all
    }

    @Test("the default profile, with and without capabilities", arguments: [[], ["CAP_SYS_ADMIN"], ["CAP_SYS_PTRACE", "CAP_BPF"]])
    func defaultProfile(more: [String]) throws {
        try expectSame(DefaultSeccomp.profile(capabilities: DefaultSpec.capabilities + more), shorterBy: 2)
    }

    private static func rules(_ random: inout SeededRandom) -> [RuntimeSpec.Linux.SeccompSyscall] {
        let names = [
            "read", "write", "open", "openat", "close", "mmap", "clone", "clone3", "socket", "personality", "kill", "ioctl", "prctl",
            "mount",
            "umount2", "futex", "futex_waitv", "cachestat", "statmount", "mseal", "ptrace", "bpf", "keyctl", "chmod", "fchmodat2",
        ]
        let operators = [
            "SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE", "SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_MASKED_EQ",
        ]
        return names.shuffled(using: &random).prefix(Int.random(in: 0...20, using: &random)).map { name in
            let actions = ["SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_LOG", "SCMP_ACT_TRAP"]
            var rule = RuntimeSpec.Linux.SeccompSyscall(names: [name], action: actions.randomElement(using: &random) ?? actions[0])
            if rule.action == "SCMP_ACT_ERRNO" { rule.errnoRet = .random(in: 1...40, using: &random) }
            guard Bool.random(using: &random) else { return rule }
            rule.args = (0..<Int.random(in: 1...2, using: &random)).map { index in
                .init(
                    index: UInt(index), value: [0, 1, 7, 1 << 31, 1 << 33, 0x7E02_0000].randomElement(using: &random) ?? 0,
                    valueTwo: 1, op: operators.randomElement(using: &random) ?? operators[0])
            }
            return rule
        }
    }

    @Test("random profiles of one, two and three architectures", arguments: 0..<40) func randomProfile(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let architectures = ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32", "SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"]
        let profile = RuntimeSpec.Linux.Seccomp(
            defaultAction: ["SCMP_ACT_ERRNO", "SCMP_ACT_ALLOW", "SCMP_ACT_KILL"].randomElement(using: &random) ?? "SCMP_ACT_ERRNO",
            architectures: Array(architectures.shuffled(using: &random).prefix(Int.random(in: 1...3, using: &random))),
            syscalls: Self.rules(&random))
        try expectSame(profile)
    }

    @Test(
        "a program that can't be told apart comes back as it is",
        arguments: [[UInt8(0x16), 0, 0, 0, 0, 0, 0, 0], [0x35, 0, 0, 0, 1, 0, 0, 0]])
    func notUnderstood(instruction: [UInt8]) throws {
        let program = try SeccompProgram(instructions: instruction + [6, 0, 0, 0, 0, 0, 0xFF, 0x7F])
        #expect(program.compacted() == program)
    }
}
