// SPDX-License-Identifier: Apache-2.0

internal import CCap
internal import CLinux
internal import Linux
internal import SystemPackage

/// The five capability sets of a process, as bit masks. Source: capabilities(7), "Thread capability sets".
package struct CapabilitySets: Sendable, Hashable {
    package var bounding: UInt64 = 0
    package var effective: UInt64 = 0
    package var permitted: UInt64 = 0
    package var inheritable: UInt64 = 0
    package var ambient: UInt64 = 0

    /// One past the highest capability of the running kernel.
    private static let count = Int(cap_max_bits())

    /// The mask of names such as "CAP_NET_RAW".
    /// - Throws: `LaunchError` for a name that neither libcap nor the kernel knows: what is asked for is not dropped.
    static func mask(_ names: [String]?) throws(LaunchError) -> UInt64 {
        var mask: UInt64 = 0
        for name in names ?? [] {
            var value: cap_value_t = 0
            let known = name.withCString { cap_from_name($0, &value) } == 0
            guard known, name.hasPrefix("CAP_"), (0..<count).contains(Int(value)) else {
                throw .refused("this kernel has no capability \"\(name)\"")
            }
            mask |= 1 << UInt64(value)
        }
        return mask
    }

    /// Drops from the bounding set of the calling process what is not in this one. Can't be undone.
    func limitBounding() throws(KernelError) {
        for capability in 0..<Self.count where bounding & (1 << UInt64(capability)) == 0 {
            try kernel("prctl(2)", "PR_CAPBSET_DROP \(Self.name(capability))") { ctr_bounding_drop(CInt(capability)) }
        }
    }

    /// Sets the other four; after the change of user, with PR_SET_KEEPCAPS on before it.
    func apply() throws(KernelError) {
        try kernel("capset(2)", "effective \(Self.hex(effective)) permitted \(Self.hex(permitted)) inheritable \(Self.hex(inheritable))") {
            ctr_capset(effective, permitted, inheritable)
        }
        // A new user id or a raised inheritable set leaves nothing ambient, but the caller's own may be there.
        try kernel("prctl(2)", "PR_CAP_AMBIENT_CLEAR_ALL") { ctr_ambient_clear() }
        for capability in 0..<Self.count where ambient & (1 << UInt64(capability)) != 0 {
            try kernel("prctl(2)", "PR_CAP_AMBIENT_RAISE \(Self.name(capability))") { ctr_ambient_raise(CInt(capability)) }
        }
    }

    private static func name(_ capability: Int) -> String {
        guard let raw = cap_to_name(cap_value_t(capability)) else { return "\(capability)" }
        defer { cap_free(raw) }
        return String(cString: raw)
    }

    private static func hex(_ mask: UInt64) -> String { "0x" + String(mask, radix: 16) }

    /// The names of all that the running kernel has.
    package static func known() -> [String] { (0..<count).map { name($0).uppercased() } }

    /// The names of what this process could give to a container: its own bounding and permitted sets.
    package static func available() -> [String] {
        guard let own = cap_get_proc() else { return [] }
        defer { cap_free(UnsafeMutableRawPointer(own)) }
        return (0..<count).filter { capability in
            var flag = CAP_CLEAR
            cap_get_flag(own, cap_value_t(capability), CAP_PERMITTED, &flag)
            return flag == CAP_SET && ctr_bounding_has(CInt(capability)) == 1
        }.map { name($0).uppercased() }
    }
}
