// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Linux
package import OCI
internal import Runtime

/// A filter that the user gives: `linux.seccomp` of the runtime-spec, or Docker's form of it, in which a rule may hold for some capabilities,
/// architectures and kernels only. Source: runtime-spec config-linux.md, "Seccomp"; github.com/moby/profiles, seccomp.
package enum SeccompProfile {
    private struct Text: Decodable {
        var defaultAction: String
        var defaultErrnoRet: UInt32?
        var architectures: [String]?
        var archMap: [Architecture]?
        var flags: [String]?
        var listenerPath: String?
        var syscalls: [Rule]?
    }

    private struct Architecture: Decodable {
        var architecture: String
        var subArchitectures: [String]?
    }

    private struct Rule: Decodable {
        var names: [String]?
        var name: String?
        var action: String
        var errnoRet: UInt32?
        var args: [RuntimeSpec.Linux.SeccompArgument]?
        var includes: Condition?
        var excludes: Condition?
    }

    private struct Condition: Decodable {
        var caps: [String]?
        var arches: [String]?
        var minKernel: String?
    }

    /// - Parameter capabilities: the container's, which conditions ask for.
    /// - Throws: `ContainerError.invalidRequest` for what is no profile, and for what libseccomp would not compile.
    package static func read(_ text: String, capabilities: [String]) throws(ContainerError) -> RuntimeSpec.Linux.Seccomp {
        let profile: Text
        do throws(JSONError) { profile = try JSON.decode(Text.self, from: Array(text.utf8)) } catch {
            throw .invalidRequest("the seccomp profile can't be read: \(error)")
        }
        guard profile.listenerPath == nil else { throw .invalidRequest("a seccomp profile with a listener: nobody would answer") }
        let native = DefaultSeccomp.Architecture.native
        let rules = (profile.syscalls ?? []).filter { rule in
            rule.includes.map { holds($0, capabilities, native) } ?? true
                && !(rule.excludes.map { hits($0, capabilities, native) } ?? false)
        }
        let mapped = profile.archMap?.first { $0.architecture == native.name }.map { [$0.architecture] + ($0.subArchitectures ?? []) }
        let seccomp = RuntimeSpec.Linux.Seccomp(
            defaultAction: profile.defaultAction, defaultErrnoRet: profile.defaultErrnoRet, architectures: profile.architectures ?? mapped,
            flags: profile.flags,
            syscalls: rules.map { rule in
                RuntimeSpec.Linux.SeccompSyscall(
                    names: (rule.names ?? []) + (rule.name.map { [$0] } ?? []), action: rule.action, errnoRet: rule.errnoRet,
                    args: rule.args)
            })
        do throws(LaunchError) { _ = try SeccompProgram(compiling: seccomp) } catch {
            throw .invalidRequest("the seccomp profile can't be compiled: \(error.reason ?? "\(error)")")
        }
        return seccomp
    }

    /// All that it names.
    private static func holds(_ condition: Condition, _ capabilities: [String], _ native: DefaultSeccomp.Architecture) -> Bool {
        (condition.caps ?? []).allSatisfy(capabilities.contains)
            && (condition.arches.map { $0.isEmpty || $0.contains(native.rawValue) } ?? true)
            && (condition.minKernel.map(isKernel(atLeast:)) ?? true)
    }

    /// Any that it names.
    private static func hits(_ condition: Condition, _ capabilities: [String], _ native: DefaultSeccomp.Architecture) -> Bool {
        (condition.caps ?? []).contains(where: capabilities.contains) || (condition.arches ?? []).contains(native.rawValue)
            || (condition.minKernel.map(isKernel(atLeast:)) ?? false)
    }

    private static func isKernel(atLeast text: String) -> Bool {
        !numbers(SystemNames().release).lexicographicallyPrecedes(numbers(text))
    }

    /// "6.1.0-13-amd64" is 6.1.
    private static func numbers(_ text: String) -> [Int] {
        text.split(separator: ".").prefix(2).map { part in Int(part.prefix { ("0"..."9").contains($0) }) ?? 0 }
    }
}
