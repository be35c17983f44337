// SPDX-License-Identifier: Apache-2.0

internal import Linux
package import OCI
internal import SystemPackage

/// The programs that a spec wants run at certain moments of a container's life, checked. Source: runtime-spec config.md, "POSIX-platform Hooks".
package struct LifecycleHooks: Sendable {
    package enum Moment: String, Sendable {
        /// In the caller's namespaces, when the container's stand, before the change of root.
        case prestart, createRuntime
        /// In the container's namespaces, but before the change of root: the program is the host's.
        case createContainer
        /// In the container, right before its program.
        case startContainer
        /// In the caller's namespaces, when the program runs, and when the container is gone.
        case poststart, poststop
    }

    struct Hook: Sendable {
        var path: FilePath
        var arguments: [String]
        var environment: [String]
        var timeoutSeconds: Int?
    }

    private var hooks: [Moment: [Hook]] = [:]

    package init(_ spec: RuntimeSpec.Hooks?) throws(LaunchError) {
        let lists: [(Moment, [RuntimeSpec.Hook]?)] = [
            (.prestart, spec?.prestart), (.createRuntime, spec?.createRuntime), (.createContainer, spec?.createContainer),
            (.startContainer, spec?.startContainer), (.poststart, spec?.poststart), (.poststop, spec?.poststop),
        ]
        for (moment, list) in lists {
            hooks[moment] = try (list ?? []).map { hook throws(LaunchError) in try Hook(hook, moment) }
        }
    }

    func isEmpty(_ moment: Moment) -> Bool { (hooks[moment] ?? []).isEmpty }

    /// Runs them one after the other, each with the container's state on its standard input.
    /// - Throws: `LaunchError` for the first one that could not be run, failed, or took too long.
    package func run(_ moment: Moment, _ state: HookState) throws(LaunchError) {
        for hook in hooks[moment] ?? [] { try hook.run(moment, state) }
    }

    /// Runs them all, whatever they do.
    /// - Returns: a line for each that failed.
    package func runAll(_ moment: Moment, _ state: HookState) -> [String] {
        var complaints: [String] = []
        for hook in hooks[moment] ?? [] {
            do throws(LaunchError) { try hook.run(moment, state) } catch { complaints.append("\(error)") }
        }
        return complaints
    }
}

extension LifecycleHooks.Hook {
    fileprivate init(_ hook: RuntimeSpec.Hook, _ moment: LifecycleHooks.Moment) throws(LaunchError) {
        path = FilePath(try SpecCheck.noNUL(hook.path, "hooks.\(moment).path"))
        guard path.isAbsolute else { throw .refused("hooks.\(moment): \"\(hook.path)\" is not an absolute path") }
        arguments = hook.args ?? []
        if arguments.isEmpty { arguments = [hook.path] }
        environment = hook.env ?? []
        for text in arguments + environment { try SpecCheck.noNUL(text, "hooks.\(moment)") }
        if let timeout = hook.timeout, timeout <= 0 { throw .refused("hooks.\(moment): a timeout of \(timeout) seconds") }
        timeoutSeconds = hook.timeout
    }
}

/// The state that a hook reads. Source: runtime-spec runtime.md, "State".
package struct HookState: Encodable, Sendable {
    var ociVersion: String
    var id: String
    package var status: String
    /// As the namespaces that the hook runs in have it; nil when there is no process any more.
    package var pid: Int32?
    var bundle: String
    var annotations: [String: String]?

    package init(ociVersion: String, id: String, status: String, pid: Int32?, bundle: String, annotations: [String: String]?) {
        self.ociVersion = ociVersion
        self.id = id
        self.status = status
        self.pid = pid
        self.bundle = bundle
        self.annotations = annotations
    }

    func with(status: String, pid: Int32) -> HookState {
        var state = self
        state.status = status
        state.pid = pid
        return state
    }
}
