// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import OCI
import Runtime
import SystemPackage
import TestSupport
import Testing

/// A process of the container that looks at each one that comes, while others exec into it.
@Suite(.asRoot, .busybox, .serialized) struct ExecAttackTests {
    /// Looks into every process but itself and its own, as fast as it can: who is not yet the program that was asked for must not be looked
    /// into. Lines are what it could read of one that was not.
    private static let spy = """
        import os, sys
        os.write(1, b"ready\\n")
        own = os.getpid()
        seen = 0
        while True:
            for name in os.listdir("/proc"):
                if not name.isdigit() or int(name) in (1, own): continue
                place = "/proc/" + name
                for what in ("exe", "cwd", "root", "fd/3", "fd/4", "fd/5", "fd/6", "fd/7"):
                    try: target = os.readlink(place + "/" + what)
                    except OSError: continue
                    if what.startswith("fd/") or (what == "exe" and "busybox" not in target): os.write(1, ("%s %s\\n" % (what, target)).encode())
                for what in ("environ", "mem", "maps"):
                    try: descriptor = os.open(place + "/" + what, os.O_RDONLY)
                    except OSError: continue
                    try:
                        text = os.read(descriptor, 65536)
                        if b"SECRET" in text or b"ctr-swift" in text: os.write(1, (what + " " + repr(text[:80]) + "\\n").encode())
                    except OSError: pass
                    os.close(descriptor)
        """

    @Test("nobody in the container can look into a process on its way there (X-29, CVE-2016-9962)", .timeLimit(.minutes(5)))
    func ptrace() throws {
        // A root with the interpreter: the host's own, read-only.
        let container = try RunningBundle(["/usr/bin/python3", "-c", Self.spy]) { spec in
            for name in ["usr", "lib", "lib64"] where access("/\(name)", F_OK) == 0 {
                spec.mounts?.append(.init(destination: "/\(name)", type: "bind", source: "/\(name)", options: ["rbind", "ro"]))
            }
        }
        for _ in 0..<200 {
            let result = try command(container.arguments([], ["/bin/true"]), environment: ["SECRET": "1"])
            #expect(result.code == 0, "\(result)")
        }
        #expect(container.output == "ready\n", "\(container.output.prefix(2000))")
    }

    @Test(
        "#!/proc/self/exe runs nothing of the runtime's, and can't write to it (CVE-2019-5736)",
        arguments: ["/proc/self/exe", "/script"])
    func ownBinary(program: String) throws {
        let container = try RunningBundle()
        try replaceFile(container.bundle.rootfs.appending("script"), with: Array("#!/proc/self/exe\n".utf8), mode: 0o755)
        let before = try command(["sha256sum", TestBundle.runtime]).output
        let result = try container.exec([], program)
        #expect(result.code != 0, "\(result)")
        #expect(try command(["sha256sum", TestBundle.runtime]).output == before)
    }

    @Test("a working directory by a magic link leads nowhere (CVE-2024-21626)", arguments: 3..<12) func workingDirectory(number: Int) throws
    {
        let result = try RunningBundle().exec(["--cwd", "/proc/self/fd/\(number)"], "/bin/ls", "../../../../..")
        #expect(result.code != 0, "\(result)")
    }

    @Test("a hundred at once all run, and leave nothing") func parallel() throws {
        let container = try RunningBundle()
        let children = try (0..<100).map { try ChildProcess(container.arguments([], ["/bin/sh", "-c", "echo \($0); exit \($0)"])) }
        for (index, child) in children.enumerated() {
            let result = try child.finish()
            #expect(result.code == Int32(index) && result.output == "\(index)\n", "\(result)")
        }
        let left = try container.exec([], "/bin/sh", "-c", "ls -d /proc/[0-9]*")
        #expect(left.lines.count <= 3, "PID 1, the shell and ls: \(left)")
    }
}
