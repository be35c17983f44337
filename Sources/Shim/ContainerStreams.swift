// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux
internal import Runtime
internal import ShimProtocol
internal import SystemPackage

/// The shim's ends of the container's standard streams.
struct ContainerStreams: ~Copyable {
    /// Where the container's stdin is written; nil where it is /dev/null, closed, or given to a client.
    var stdin: OwnedFD?
    /// Also a terminal's main end, which is all three.
    var stdout: OwnedFD?
    var stderr: OwnedFD?

    /// The container's ends; closed as soon as it has its copies.
    struct Far: ~Copyable {
        var stdin: OwnedFD
        var stdout: OwnedFD
        var stderr: OwnedFD
        var streams: StandardStreams { .descriptors(stdin: stdin.raw, stdout: stdout.raw, stderr: stderr.raw) }
    }

    /// Both sides of new streams.
    struct Pair: ~Copyable {
        var near: ContainerStreams
        var far: Far
    }

    /// Pipes for output, and for input where it was asked for.
    static func pipes(openStdin: Bool) throws(KernelError) -> Pair {
        var output = try Pipe()
        var errors = try Pipe()
        guard openStdin else {
            return Pair(
                near: ContainerStreams(stdin: nil, stdout: output.takeReader(), stderr: errors.takeReader()),
                far: Far(stdin: try openFile("/dev/null", O_RDONLY), stdout: output.takeWriter(), stderr: errors.takeWriter()))
        }
        var input = try Pipe()
        return Pair(
            near: ContainerStreams(stdin: input.takeWriter(), stdout: output.takeReader(), stderr: errors.takeReader()),
            far: Far(stdin: input.takeReader(), stdout: output.takeWriter(), stderr: errors.takeWriter()))
    }
}
