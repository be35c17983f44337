// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import OCI
import Runtime
import SystemPackage
import TestSupport
import Testing

@Suite(.asRoot, .busybox) struct ExitCodeTests {
    @Test("the exit code is the program's own", arguments: [0, 1, 3, 125, 126, 127, 255]) func own(code: Int) throws {
        #expect(try TestBundle(["/bin/probe", "exit", "\(code)"]).run().code == Int32(code))
    }

    @Test("a signal that ends the program is 128 + its number", arguments: [SIGKILL, SIGTERM, SIGSEGV, SIGABRT])
    func signals(signal: CInt) throws {
        // Process 1 gets no signal from inside that it has no handler for: its child ends, and the shell tells.
        #expect(try TestBundle(shell: "/bin/probe raise \(signal); exit $?").run().code == 128 + signal)
    }

    struct Refusal: CustomTestStringConvertible {
        var arguments: [String]
        var code: Int32
        var text: String
        var testDescription: String { arguments.joined(separator: " ") }
    }

    @Test(
        "a program that can't be run is 126, one that is not there 127",
        arguments: [
            Refusal(arguments: ["/bin/nowhere"], code: 127, text: "not found"),
            Refusal(arguments: ["nowhere"], code: 127, text: "not found in PATH"),
            Refusal(arguments: ["/bin/true/x"], code: 127, text: "Not a directory"),
            Refusal(arguments: ["/etc/script"], code: 126, text: "Permission denied"),
            Refusal(arguments: ["/etc"], code: 126, text: "Is a directory"),
            Refusal(arguments: ["/bin/text"], code: 126, text: "neither a binary"),
            Refusal(arguments: ["/bin/orphan"], code: 127, text: "interpreter"),
            Refusal(arguments: ["/dev/null"], code: 126, text: "Permission denied"),
            Refusal(arguments: ["text"], code: 126, text: "neither a binary"),
            Refusal(arguments: ["plain"], code: 126, text: "Permission denied"),
            Refusal(arguments: [""], code: 125, text: "no program"),
            Refusal(arguments: [], code: 125, text: "no program"),
            Refusal(arguments: ["/bin/tr\u{0}ue"], code: 125, text: "NUL"),
        ])
    func refused(refusal: Refusal) throws {
        let bundle = try TestBundle(refusal.arguments)
        try replaceFile(bundle.rootfs.appending("etc/script"), with: Array("#!/bin/sh\n".utf8), mode: 0o644)
        try replaceFile(bundle.rootfs.appending("bin/text"), with: Array("just text\n".utf8), mode: 0o755)
        try replaceFile(bundle.rootfs.appending("bin/plain"), with: Array("just text\n".utf8), mode: 0o644)
        try replaceFile(bundle.rootfs.appending("bin/orphan"), with: Array("#!/no/such/interpreter\n".utf8), mode: 0o755)
        let result = try bundle.run()
        #expect(result.code == refusal.code && result.errors.contains(refusal.text), "\(result)")
        #expect(result.lines.isEmpty)
    }

    @Test("after a failed start nothing is left") func nothingLeft() throws {
        let bundle = try TestBundle(["/bin/nowhere"])
        #expect(try bundle.run().code == 127)
        #expect(access(bundle.state.appending(bundle.id).string, F_OK) == -1)
        for hierarchy in try CgroupLayout.detect().hierarchies {
            #expect(access("\(hierarchy.mountPoint)/ctr-swift-oci/\(bundle.id)", F_OK) == -1)
        }
    }
}
