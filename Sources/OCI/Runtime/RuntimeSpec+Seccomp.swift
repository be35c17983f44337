// SPDX-License-Identifier: Apache-2.0

extension RuntimeSpec.Linux {
    /// Source: runtime-spec config-linux.md, "Seccomp".
    public struct Seccomp: Codable, Sendable, Hashable {
        /// "SCMP_ACT_ERRNO"
        public var defaultAction: String
        public var defaultErrnoRet: UInt32?
        public var architectures: [String]?
        public var flags: [String]?
        public var listenerPath: String?
        public var listenerMetadata: String?
        public var syscalls: [SeccompSyscall]?
        public init(
            defaultAction: String, defaultErrnoRet: UInt32? = nil, architectures: [String]? = nil, flags: [String]? = nil,
            syscalls: [SeccompSyscall]? = nil
        ) {
            self.defaultAction = defaultAction
            self.defaultErrnoRet = defaultErrnoRet
            self.architectures = architectures
            self.flags = flags
            self.syscalls = syscalls
        }
    }

    public struct SeccompSyscall: Codable, Sendable, Hashable {
        public var names: [String]
        public var action: String
        public var errnoRet: UInt32?
        public var args: [SeccompArgument]?
        public init(names: [String], action: String, errnoRet: UInt32? = nil, args: [SeccompArgument]? = nil) {
            self.names = names
            self.action = action
            self.errnoRet = errnoRet
            self.args = args
        }
    }

    public struct SeccompArgument: Codable, Sendable, Hashable {
        public var index: UInt
        public var value: UInt64
        public var valueTwo: UInt64?
        /// "SCMP_CMP_EQ"
        public var op: String
        public init(index: UInt, value: UInt64, valueTwo: UInt64? = nil, op: String) {
            self.index = index
            self.value = value
            self.valueTwo = valueTwo
            self.op = op
        }
    }
}
