// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import JSON
import Linux
import OCI
import Runtime
import SystemPackage

/// What `exec` can be told; the names are runc's and crun's.
struct ExecOptions: ParsableArguments {
    @Option(name: [.short, .long], help: "A JSON file with the process, as in config.json.")
    var process: String?

    @Option(help: "A Unix socket that the terminal's main end is sent to.")
    var consoleSocket: String?

    @Option(help: "A file that the process's number is written to.")
    var pidFile: String?

    @Option(help: "Working directory in the container.")
    var cwd: String?

    @Option(name: [.short, .long], parsing: .unconditionalSingleValue, help: "A variable, NAME=value; repeatable.")
    var env: [String] = []

    @Flag(name: [.short, .long], help: "Give it a terminal.")
    var tty = false

    @Option(name: [.short, .long], help: "UID[:GID], by number.")
    var user: String?

    @Option(name: [.customShort("g"), .long], help: "Additional groups, by number, comma separated; repeatable.")
    var additionalGids: [String] = []

    @Flag(name: [.short, .long], help: "Return once the program runs.")
    var detach = false

    @Option(name: [.short, .long], help: "A capability to add, such as CAP_NET_ADMIN; repeatable.")
    var cap: [String] = []

    @Flag(help: "Set no_new_privs.")
    var noNewPrivs = false

    @Option(help: "An AppArmor profile.")
    var apparmor: String?

    @Option(help: "An SELinux label.")
    var processLabel: String?

    @Option(help: "How many descriptors from 3 on the process gets.")
    var preserveFds: UInt8 = 0

    @Option(help: "A cgroup below the container's, which is there already.")
    var cgroup: String?

    @Flag(help: "Also into a paused container; the process then waits until it is resumed.")
    var ignorePaused = false

    @Option(help: "A compiled seccomp filter, instead of compiling the spec's.")
    var seccompProgram: String?

    func checkPreservedDescriptors() throws(CommandError) {
        for descriptor in 3..<3 + CInt(preserveFds) where fcntl(descriptor, F_GETFD) == -1 || fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0 {
            throw CommandError("--preserve-fds \(preserveFds): descriptor \(descriptor) is not open")
        }
    }

    /// - Parameter command: empty where `--process` has it.
    func process(of spec: RuntimeSpec, _ command: [String]) throws -> RuntimeSpec.Process {
        var process: RuntimeSpec.Process
        if let file = self.process {
            guard command.isEmpty else { throw CommandError("--process has the command already") }
            process = try JSON.decode(RuntimeSpec.Process.self, from: readFile(FilePath(file), limit: 16 << 20))
        } else {
            guard let own = spec.process else { throw CommandError("the container's spec has no process: use --process") }
            process = own
            process.args = command.first == "--" ? Array(command.dropFirst()) : command
            process.terminal = tty
            process.consoleSize = nil
        }
        if tty { process.terminal = true }
        if let cwd { process.cwd = cwd }
        for entry in env { try add(entry, to: &process) }
        if let user { try set(user, of: &process) }
        try addGroups(to: &process)
        for name in cap { grant(name, to: &process) }
        if noNewPrivs { process.noNewPrivileges = true }
        if let apparmor { process.apparmorProfile = apparmor }
        if let processLabel { process.selinuxLabel = processLabel }
        return process
    }

    /// A terminal where the process wants one, else the caller's own streams.
    func streams(_ process: RuntimeSpec.Process, _ ownTerminal: Bool) -> StandardStreams {
        guard process.terminal == true else { return .descriptors(stdin: 0, stdout: 1, stderr: 2) }
        if ownTerminal {
            let size = Foreground.terminalSize()
            return .terminal(rows: size.rows, columns: size.columns)
        }
        let size = process.consoleSize
        return .terminal(rows: UInt16(clamping: size?.height ?? 0), columns: UInt16(clamping: size?.width ?? 0))
    }

    /// In the place of a variable of the same name: getenv(3) would find the first, other programs the last.
    private func add(_ entry: String, to process: inout RuntimeSpec.Process) throws(CommandError) {
        let name = Array(entry.utf8.prefix { $0 != UInt8(ascii: "=") })
        guard !name.isEmpty, name.count < entry.utf8.count else { throw CommandError("--env \"\(entry)\" is not NAME=value") }
        var entries = process.env ?? []
        entries.removeAll { $0.utf8.prefix { $0 != UInt8(ascii: "=") }.elementsEqual(name) }
        process.env = entries + [entry]
    }

    private func set(_ text: String, of process: inout RuntimeSpec.Process) throws(CommandError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        process.user.uid = try number(parts[0], "--user")
        if parts.count > 1 { process.user.gid = try number(parts[1], "--user") }
    }

    private func addGroups(to process: inout RuntimeSpec.Process) throws(CommandError) {
        for text in additionalGids {
            for part in text.split(separator: ",", omittingEmptySubsequences: false) {
                process.user.additionalGids = (process.user.additionalGids ?? []) + [try number(part, "--additional-gids")]
            }
        }
    }

    /// Digits and nothing else, and not the kernel's "leave it" (CVE-2024-40635).
    private func number(_ text: Substring, _ option: String) throws(CommandError) -> UInt32 {
        guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let number = UInt32(text),
            number != .max
        else { throw CommandError("\(option) \"\(text)\" is no number from 0 to 4294967294") }
        return number
    }

    private func grant(_ name: String, to process: inout RuntimeSpec.Process) {
        let full = name.uppercased().hasPrefix("CAP_") ? name.uppercased() : "CAP_" + name.uppercased()
        var sets = process.capabilities ?? RuntimeSpec.Capabilities()
        sets.bounding = (sets.bounding ?? []) + [full]
        sets.effective = (sets.effective ?? []) + [full]
        sets.permitted = (sets.permitted ?? []) + [full]
        process.capabilities = sets
    }
}
