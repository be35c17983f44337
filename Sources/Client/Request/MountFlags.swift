// SPDX-License-Identifier: Apache-2.0

package import APITypes
internal import SystemPackage

/// The grammars of `-v` and `--tmpfs`. What the daemon would not know is refused here, with what to do instead.
package enum MountFlag {
    /// `/host:/container[:options]`; a source that begins with `.` is taken from the working directory.
    package static func bind(_ text: String, workingDirectory: String) throws(UsageError) -> MountRequest {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        if parts.count == 1 {
            throw UsageError(
                "--volume", text, "volumes without a source are not there yet",
                remedy: "use -v /host:/container[:ro], or --tmpfs /container for what may be lost")
        }
        guard parts.count <= 3, !parts[0].isEmpty, parts[1].hasPrefix("/") else {
            throw UsageError(
                "--volume", text, "not a host path and an absolute path in the container", remedy: "use -v /host:/container[:ro]")
        }
        var mount = MountRequest(type: .bind, source: try source(parts[0], text, workingDirectory), target: parts[1])
        guard parts.count == 3 else { return mount }
        var access: Set<String> = []
        var propagation: Set<String> = []
        for option in parts[2].split(separator: ",", omittingEmptySubsequences: false).map(String.init) {
            switch option {
            case "ro", "rw":
                access.insert(option)
                mount.readOnly = option == "ro"
                continue
            case "private", "rprivate", "slave", "rslave", "shared", "rshared": propagation.insert(option)
            case "bind", "rbind", "idmap", "noidmap", "nosuid", "nodev", "noexec", "suid", "dev", "exec", "noatime", "relatime": break
            case "z", "Z":
                throw UsageError("--volume", text, "SELinux labels are not set", remedy: "leave \"\(option)\" out")
            default:
                throw UsageError(
                    "--volume", text, "no option \"\(terminalSafe(option))\"",
                    remedy: "ro, rw, nosuid, nodev, noexec, rprivate, rslave and rshared are known")
            }
            mount.options.append(option)
        }
        guard access.count < 2, propagation.count < 2 else { throw UsageError("--volume", text, "its options contradict each other") }
        return mount
    }

    static func source(
        _ source: String, _ text: String, _ workingDirectory: String, option: String = "--volume"
    ) throws(UsageError) -> String {
        if source.hasPrefix("/") { return source }
        guard source == "." || source == ".." || source.hasPrefix("./") || source.hasPrefix("../") else {
            throw UsageError(
                option, text, "named volumes are not there yet",
                remedy: "use an absolute path of the host, or one that begins with \"./\"")
        }
        return FilePath(workingDirectory).pushing(FilePath(source)).lexicallyNormalized().string
    }

    /// `/container[:options]`; the options are tmpfs(5)'s.
    package static func tmpfs(_ text: String) throws(UsageError) -> MountRequest {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let target = parts.first, target.hasPrefix("/") else {
            throw UsageError("--tmpfs", text, "not an absolute path in the container", remedy: "use --tmpfs /path[:size=64m,mode=1777]")
        }
        var mount = MountRequest(type: .tmpfs, target: target)
        guard parts.count == 2 else { return mount }
        for option in parts[1].split(separator: ",", omittingEmptySubsequences: false).map(String.init) {
            guard isTmpfsOption(option) else {
                throw UsageError(
                    "--tmpfs", text, "no option \"\(terminalSafe(option))\"",
                    remedy: "size=64m, mode=1777, uid=, gid=, nr_inodes=, ro, exec, suid and dev are known")
            }
            if option == "ro" { mount.readOnly = true } else { mount.options.append(option) }
        }
        return mount
    }

    static func isTmpfsOption(_ option: String) -> Bool {
        let digits: (Substring, ClosedRange<UInt8>) -> Bool = { text, range in
            !text.isEmpty && text.utf8.allSatisfy(range.contains)
        }
        let decimal = UInt8(ascii: "0")...UInt8(ascii: "9")
        let pair = option.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard pair.count == 2 else {
            return ["rw", "ro", "nosuid", "suid", "nodev", "dev", "noexec", "exec", "noatime"].contains(option)
        }
        let value = pair[1]
        switch pair[0] {
        case "size", "nr_blocks", "nr_inodes":
            let units = pair[0] == "size" ? "kKmMgG%" : "kKmMgG"
            return digits(value.last.map(units.contains) ?? false ? value.dropLast() : value, decimal)
        case "uid", "gid": return digits(value, decimal)
        case "mode": return value.utf8.count <= 4 && digits(value, UInt8(ascii: "0")...UInt8(ascii: "7"))
        default: return false
        }
    }
}
