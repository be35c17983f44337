// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Shim
internal import SystemPackage

/// `ctr-swift-shim --config SHIM.JSON`: one container's monitor. `ctr-swift-shim init -- PROGRAM …`: PID 1 of a container run with `--init`.
/// `ctr-swift-shim log DIRECTORY SIZE FILES`: writer of a log that nobody waits for.
/// `ctr-swift-shim files REQUEST`: reads and writes a container's files for the daemon.
@main
struct Main {
    static func main() {
        let arguments = CommandLine.arguments.dropFirst()
        switch arguments.first {
        case "--config" where arguments.count == 2:
            exit(ShimMain.run(configurationPath: FilePath(arguments.last ?? "")))
        case "init" where arguments.dropFirst().first == "--":
            exit(ContainerInit.run(Array(arguments.dropFirst(2))))
        case "log":
            exit(LogProcess.run(Array(arguments.dropFirst())))
        case "files":
            exit(FilesProcess.run(Array(arguments.dropFirst())))
        default:
            let usage = Array("usage: ctr-swift-shim --config SHIM.JSON | init -- PROGRAM [ARGUMENT...] | log … | files …\n".utf8)
            _ = write(2, usage, usage.count)
            exit(64)
        }
    }
}
