// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Linux
internal import SystemPackage

/// What the container's first process is, once its surroundings stand.
struct ProcessPlan {
    /// As the spec spells it: a path, or a name to be looked for.
    var program: FilePath
    /// The directories of the container's own PATH.
    var searchPath: [FilePath]
    var workingDirectory: FilePath
    var user: UserPlan
    var capabilities: CapabilitySets
    var noNewPrivileges: Bool
    var limits: [ResourceLimit]
    var outOfMemoryScore: Int?
    var personality: UInt?
    var scheduling: SchedulingAttributes?
    /// As ioprio_set(2) takes it.
    var ioPriority: Int32?
}

struct UserPlan {
    var uid: UInt32
    var gid: UInt32
    var groups: [UInt32]
    var umask: UInt32
}

struct ResourceLimit {
    var name: String
    var resource: CInt
    var soft: UInt64
    var hard: UInt64

    func set(soft: UInt64) throws(KernelError) {
        try kernel("setrlimit(2)", "\(name) \(soft):\(hard)") { ctr_set_limit(resource, soft, hard) }
    }
}

extension ProcessPlan {
    /// The calling process's hard limits alone, where they are too low: that takes CAP_SYS_RESOURCE in the first user namespace, so it comes
    /// before another is entered. The soft ones may be too low for what is still to be done until the program runs.
    func raiseLimits() throws(LaunchError) {
        for limit in limits {
            try during(.resources, "no right to raise a limit?") { () throws(KernelError) in
                var (soft, hard): (UInt64, UInt64) = (0, 0)
                try kernel("getrlimit(2)", limit.name) { ctr_get_limit(limit.resource, &soft, &hard) }
                if limit.hard > hard { try limit.set(soft: soft) }
            }
        }
    }
}

/// Arguments or environment in the form that execve(2) takes, made before the clone.
final class ArgumentVector {
    let pointer: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let count: Int

    /// The strings hold no NUL.
    init(_ strings: [String]) {
        count = strings.count
        pointer = .allocate(capacity: strings.count + 1)
        for (index, string) in strings.enumerated() {
            let copy = UnsafeMutablePointer<CChar>.allocate(capacity: string.utf8.count + 1)
            for (offset, byte) in string.utf8.enumerated() { copy[offset] = CChar(bitPattern: byte) }
            copy[string.utf8.count] = 0
            pointer[index] = copy
        }
        pointer[strings.count] = nil
    }

    deinit {
        for index in 0..<count { pointer[index]?.deallocate() }
        pointer.deallocate()
    }
}
