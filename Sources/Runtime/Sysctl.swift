// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux
package import OCI
internal import SystemPackage

/// Looks at a spec's kernel parameters before anything is made.
/// - Throws: `LaunchError` for one that belongs to the host, by its name and the spec's namespaces.
package func checkSysctls(of spec: RuntimeSpec) throws(LaunchError) {
    _ = try Sysctl.all(spec.linux?.sysctl ?? [:], try NamespacePlan(spec.linux?.namespaces ?? []))
}

/// One kernel parameter that belongs to a namespace of the container.
struct Sysctl {
    var key: String
    /// Beneath /proc/sys.
    var path: FilePath
    var value: String

    /// Those that a namespace has for itself; all others would change the host (CVE-2022-0811).
    static func all(_ requested: [String: String], _ namespaces: NamespacePlan) throws(LaunchError) -> [Sysctl] {
        var result: [Sysctl] = []
        for (key, value) in requested.sorted(by: { $0.key < $1.key }) {
            let parts = try components(key)
            guard let owner = owner(parts) else { throw .refused("sysctl \"\(key)\" belongs to the whole machine") }
            guard namespaces.isOwn(owner) else {
                throw .refused("sysctl \"\(key)\" would change the host: its namespace is not the container's own")
            }
            guard value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }), value.utf8.count < 4096 else {
                throw .refused("the value of sysctl \"\(key)\" is not one line")
            }
            result.append(Sysctl(key: key, path: FilePath(parts.joined(separator: "/")), value: value))
        }
        return result
    }

    /// Dots separate, or slashes; in the second form a dot is part of a name: "net/ipv4/conf/eth0.1/forwarding". Source: sysctl(8).
    private static func components(_ key: String) throws(LaunchError) -> [String] {
        let first = key.utf8.first { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "/") }
        let separator: Character = first == UInt8(ascii: "/") ? "/" : "."
        let parts = key.split(separator: separator, omittingEmptySubsequences: false).map { part in
            separator == "." ? String(part.map { $0 == "/" ? "." : $0 }) : String(part)
        }
        let sound = parts.allSatisfy { part in
            !part.isEmpty && part != "." && part != ".."
                && part.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "+") }
        }
        guard sound, parts.count > 1 else { throw .refused("\"\(key)\" is not a sysctl") }
        return parts
    }

    private static func owner(_ parts: [String]) -> Namespaces? {
        switch (parts[0], parts[1]) {
        case ("net", _): .network
        case ("fs", "mqueue"): .ipc
        case ("kernel", let name) where ipc.contains(name) && parts.count == 2: .ipc
        case ("kernel", "domainname") where parts.count == 2: .uts
        default: nil
        }
    }

    private static let ipc: Set<String> = [
        "msgmax", "msgmnb", "msgmni", "msg_next_id", "sem", "sem_next_id", "shmall", "shmmax", "shmmni", "shm_next_id", "shm_rmid_forced",
    ]

    /// In the container's namespaces, by the host's /proc: what a key means depends on who opens it.
    func write() throws(KernelError) {
        // Its file belongs to the host's root; the call asks for rights in the namespace.
        if path == "kernel/domainname" {
            _ = try kernel("setdomainname(2)", value) { setdomainname(value, value.utf8.count) }
            return
        }
        let base = try openFile("/proc/sys", CTR_O_PATH | O_DIRECTORY)
        let root = RootDirectory(base)
        let file = try root.open(path, .refused, flags: O_WRONLY)
        let raw = file.raw
        try value.utf8Span.span.withUnsafeBytes { bytes throws(KernelError) in
            _ = try kernel("write(2)", "/proc/sys/\(path) <- \(value)") { Glibc.write(raw, bytes.baseAddress, bytes.count) }
        }
    }
}
