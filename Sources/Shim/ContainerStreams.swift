// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux
internal import Runtime
internal import ShimProtocol
internal import SystemPackage

/// Pipes for a container without a terminal: its ends, lent to the launch, and the shim's ends.
struct ContainerStreams: ~Copyable {
    private let input: OwnedFD
    private let output: OwnedFD
    private let errors: OwnedFD
    /// Where the container's stdin is written; nil where it is /dev/null.
    private var nearInput: OwnedFD?
    private var nearOutput: OwnedFD?
    private var nearErrors: OwnedFD?

    static func make(openStdin: Bool) throws(KernelError) -> ContainerStreams {
        var output = try Pipe()
        var errors = try Pipe()
        guard openStdin else {
            let null = try openFile("/dev/null", O_RDONLY)
            return ContainerStreams(null, output.takeWriter(), errors.takeWriter(), nil, output.takeReader(), errors.takeReader())
        }
        var input = try Pipe()
        return ContainerStreams(
            input.takeReader(), output.takeWriter(), errors.takeWriter(), input.takeWriter(), output.takeReader(), errors.takeReader())
    }

    /// Nobody writes or reads.
    static func makeNull() throws(KernelError) -> ContainerStreams {
        let null = try openFile("/dev/null", O_RDWR)
        return ContainerStreams(try null.duplicate(), try null.duplicate(), null, nil, nil, nil)
    }

    private init(
        _ input: consuming OwnedFD, _ output: consuming OwnedFD, _ errors: consuming OwnedFD, _ nearInput: consuming OwnedFD?,
        _ nearOutput: consuming OwnedFD?, _ nearErrors: consuming OwnedFD?
    ) {
        self.input = input
        self.output = output
        self.errors = errors
        self.nearInput = nearInput
        self.nearOutput = consume nearOutput
        self.nearErrors = consume nearErrors
    }

    /// For the length of the launch. The container's ends are closed with this value: take the shim's ends out first.
    var containerEnds: StandardStreams { .descriptors(stdin: input.raw, stdout: output.raw, stderr: errors.raw) }

    mutating func takeInput() -> OwnedFD? { nearInput.take() }

    /// The two outputs, set up for one that never waits.
    mutating func takeOutputs() throws(KernelError) -> [ContainerOutput] {
        var outputs: [ContainerOutput] = []
        if let end = nearOutput.take() { outputs.append(try ContainerOutput(.stdout, end)) }
        if let end = nearErrors.take() { outputs.append(try ContainerOutput(.stderr, end)) }
        return outputs
    }
}
