// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Shim
internal import SystemPackage

/// `ctr-swift-shim --config SHIM.JSON`: one container's monitor. `ctr-swift-shim init -- PROGRAM …`: PID 1 of a container run with `--init`.
@main
struct Main {
    static func main() {
        let arguments = CommandLine.arguments.dropFirst()
        switch arguments.first {
        case "--config" where arguments.count == 2:
            exit(ShimMain.run(configurationPath: FilePath(arguments.last ?? "")))
        case "init" where arguments.dropFirst().first == "--":
            exit(ContainerInit.run(Array(arguments.dropFirst(2))))
        default:
            let usage = Array("usage: ctr-swift-shim --config SHIM.JSON | init -- PROGRAM [ARGUMENT...]\n".utf8)
            _ = write(2, usage, usage.count)
            exit(64)
        }
    }
}
