// SPDX-License-Identifier: Apache-2.0

internal import Linux
package import OCI
internal import SystemPackage

/// What a further process of a container has from its container, whoever asks for the process.
package struct ContainerTraits: Sendable {
    package let seccomp: SeccompProgram?
    let personality: RuntimeSpec.Linux.Personality?

    /// Of a container that was just launched: its filter is compiled already.
    package init(of plan: InitPlan, _ spec: RuntimeSpec) {
        seccomp = plan.seccomp
        personality = spec.linux?.personality
    }

    /// - Parameter seccomp: the compiled form of the spec's filter; nil compiles it now.
    package init(of spec: RuntimeSpec, seccomp: SeccompProgram? = nil) throws(LaunchError) {
        if let seccomp {
            self.seccomp = seccomp
        } else {
            self.seccomp = try spec.linux?.seccomp.map { profile throws(LaunchError) in try SeccompProgram(compiling: profile) }
        }
        personality = spec.linux?.personality
    }
}

/// Everything about a further process of a running container that can be known before it exists: checked, resolved, converted.
package struct ExecPlan {
    /// Of a spec that says nothing but the process, so that what a first process can have, a further one has by the same code.
    let process: InitPlan
    /// How many descriptors after the three streams it gets.
    let preservedDescriptors: CInt

    /// - Parameters:
    ///   - stdio: for a terminal, one of the container's own devpts instance.
    ///   - preservedDescriptors: so many of the caller's descriptors from 3 on are handed on; they must be open.
    /// - Throws: `LaunchError` `.plan`, for a process that is wrong or asks for what this runtime can't do.
    package init(
        _ process: RuntimeSpec.Process, _ traits: ContainerTraits, stdio: StandardStreams, preservedDescriptors: CInt = 0
    ) throws(LaunchError) {
        var spec = RuntimeSpec(ociVersion: "1.2.0")
        spec.process = process
        var linux = RuntimeSpec.Linux()
        linux.personality = traits.personality
        linux.namespaces = [RuntimeSpec.Linux.Namespace(type: "mount")]
        spec.linux = linux
        self.process = try InitPlan(spec: spec, bundle: "/", rootfs: .directory("/"), stdio: stdio, seccomp: traits.seccomp)
        self.preservedDescriptors = preservedDescriptors
    }
}

/// What the child needs of the container that it joins.
struct ExecEntry {
    /// Of the container's first process.
    let pidfd: CInt
    /// Those that are not the caller's; without `pid`, which the child is born in.
    let namespaces: Namespaces
    let preservedDescriptors: CInt
}
