// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import SystemPackage

/// One line of a device allow list. nil numbers and kinds mean "all". Source: runtime-spec config-linux.md, "Allowed Device list".
package struct DeviceRule: Sendable, Hashable {
    package enum Kind: UInt32, Sendable, Hashable {
        case block = 1
        case character = 2
    }

    package struct Access: OptionSet, Sendable, Hashable {
        package let rawValue: UInt32
        package init(rawValue: UInt32) { self.rawValue = rawValue }
        package static let makeNode = Self(rawValue: 1)
        package static let read = Self(rawValue: 2)
        package static let write = Self(rawValue: 4)
        package static let all: Self = [.makeNode, .read, .write]
    }

    package var allow: Bool
    package var kind: Kind?
    package var major: UInt32?
    package var minor: UInt32?
    package var access: Access

    package init(allow: Bool, kind: Kind?, major: UInt32?, minor: UInt32?, access: Access) {
        self.allow = allow
        self.kind = kind
        self.major = major
        self.minor = minor
        self.access = access
    }

    /// v1's form: "c 1:3 rwm".
    package var text: String {
        let kind =
            switch self.kind {
            case .block: "b"
            case .character: "c"
            case nil: "a"
            }
        let access =
            (self.access.contains(.read) ? "r" : "") + (self.access.contains(.write) ? "w" : "")
            + (self.access.contains(.makeNode) ? "m" : "")
        return "\(kind) \(major.map { String($0) } ?? "*"):\(minor.map { String($0) } ?? "*") \(access)"
    }
}

/// The device rules of cgroup v2: a BPF program that is asked for each open and mknod. Source: cgroup-v2.rst, "Device controller".
package enum DeviceProgram {
    /// Attaches the rules to a v2 group. Later rules win, and what no rule names is denied.
    package static func attach(_ rules: [DeviceRule], to directory: CgroupHandle.Directory) throws(KernelError) {
        let code = compile(rules)
        let group = try openFile(directory.location, O_RDONLY | O_DIRECTORY)
        let program = OwnedFD(
            owning: try kernel("bpf(2)", "device rules of \(directory.location)") {
                code.withUnsafeBytes { ctr_bpf_load_device_program($0.baseAddress, UInt32(code.count)) }
            })
        let groupNumber = group.raw
        let programNumber = program.raw
        try kernel("bpf(2)", "attach device rules to \(directory.location)") { ctr_bpf_attach_device_program(groupNumber, programNumber) }
    }

    /// eBPF instructions: opcode in bits 0-7, destination 8-11, source 12-15, offset 16-31, immediate 32-63.
    ///
    /// The context holds access << 16 | kind, major, minor, four bytes each. Source: struct bpf_cgroup_dev_ctx.
    package static func compile(_ rules: [DeviceRule]) -> [UInt64] {
        var code = [
            load(2, from: 0), move(3, 2), and(2, 0xFFFF), shiftRight(3, 16),  // r2 = kind, r3 = access
            load(4, from: 4), load(5, from: 8),
        ]
        for rule in rules.reversed() {
            var block: [UInt64] = []
            var jumps: [Int] = []
            func skipUnless(_ register: UInt64, _ value: UInt32) {
                jumps.append(block.count)
                block.append(jumpIfNotEqual(register, value))
            }
            if let kind = rule.kind { skipUnless(2, kind.rawValue) }
            if let major = rule.major { skipUnless(4, major) }
            if let minor = rule.minor { skipUnless(5, minor) }
            if rule.access != .all {
                // An allow rule matches when all that is wanted is named; a deny rule when any of it is.
                block.append(move(1, 3))
                if rule.allow {
                    block.append(and(1, ~rule.access.rawValue & 7))
                    skipUnless(1, 0)
                } else {
                    block.append(and(1, rule.access.rawValue))
                    jumps.append(block.count)
                    block.append(jumpIfEqual(1, 0))
                }
            }
            block += [moveImmediate(0, rule.allow ? 1 : 0), exit]
            for at in jumps { block[at] |= UInt64(block.count - at - 1) << 16 }
            code += block
            // A rule for everything ends the list: the verifier takes no instruction that can't be reached.
            if jumps.isEmpty { return code }
        }
        return code + [moveImmediate(0, 0), exit]
    }

    private static let exit: UInt64 = 0x95
    private static func load(_ to: UInt64, from offset: UInt64) -> UInt64 { 0x61 | to << 8 | 1 << 12 | offset << 16 }
    private static func move(_ to: UInt64, _ from: UInt64) -> UInt64 { 0xBC | to << 8 | from << 12 }
    private static func moveImmediate(_ to: UInt64, _ value: UInt32) -> UInt64 { 0xB4 | to << 8 | UInt64(value) << 32 }
    private static func and(_ to: UInt64, _ value: UInt32) -> UInt64 { 0x54 | to << 8 | UInt64(value) << 32 }
    private static func shiftRight(_ to: UInt64, _ bits: UInt32) -> UInt64 { 0x74 | to << 8 | UInt64(bits) << 32 }
    private static func jumpIfNotEqual(_ register: UInt64, _ value: UInt32) -> UInt64 { 0x55 | register << 8 | UInt64(value) << 32 }
    private static func jumpIfEqual(_ register: UInt64, _ value: UInt32) -> UInt64 { 0x15 | register << 8 | UInt64(value) << 32 }
}
