// SPDX-License-Identifier: Apache-2.0

import Glibc
import OCI
import Testing

@Suite struct SignalNameTests {
    private static let known: [(String, Int32)] = [
        ("HUP", SIGHUP), ("INT", SIGINT), ("QUIT", SIGQUIT), ("ILL", SIGILL), ("TRAP", SIGTRAP), ("ABRT", SIGABRT), ("BUS", SIGBUS),
        ("FPE", SIGFPE), ("KILL", SIGKILL), ("USR1", SIGUSR1), ("SEGV", SIGSEGV), ("USR2", SIGUSR2), ("PIPE", SIGPIPE), ("ALRM", SIGALRM),
        ("TERM", SIGTERM), ("STKFLT", SIGSTKFLT), ("CHLD", SIGCHLD), ("CONT", SIGCONT), ("STOP", SIGSTOP), ("TSTP", SIGTSTP),
        ("TTIN", SIGTTIN), ("TTOU", SIGTTOU), ("URG", SIGURG), ("XCPU", SIGXCPU), ("XFSZ", SIGXFSZ), ("VTALRM", SIGVTALRM),
        ("PROF", SIGPROF), ("WINCH", SIGWINCH), ("IO", SIGIO), ("PWR", SIGPWR), ("SYS", SIGSYS),
    ]

    @Test("every name has the C library's number, in any case and with or without SIG", arguments: known)
    func names(_ name: String, _ number: Int32) {
        for text in [name, "SIG" + name, name.lowercased(), "sig" + name.lowercased(), "Sig" + name, "\(number)"] {
            #expect(SignalName.number(for: text) == number, "\(text)")
        }
        #expect(SignalName.name(of: number) == "SIG" + name)
    }

    @Test("names that are other names for a signal mean that signal") func otherNames() {
        #expect(SignalName.number(for: "SIGIOT") == SIGABRT)
        #expect(SignalName.number(for: "SIGCLD") == SIGCHLD)
        #expect(SignalName.number(for: "SIGPOLL") == SIGIO)
    }

    @Test(
        "real-time signals count from both ends",
        arguments: [
            ("SIGRTMIN", 34), ("RTMIN", 34), ("SIGRTMIN+0", 34), ("SIGRTMIN+3", 37), ("rtmin+30", 64), ("SIGRTMAX", 64), ("SIGRTMAX-0", 64),
            ("SIGRTMAX-14", 50), ("sigrtmax-30", 34),
        ] as [(String, Int32)])
    func realTime(_ text: String, _ number: Int32) {
        #expect(SignalName.number(for: text) == number)
    }

    @Test("each number from 1 to 64 has a name that means it") func roundTrip() {
        for number in Int32(1)...64 { #expect(SignalName.number(for: SignalName.name(of: number)) == number) }
    }

    @Test(
        "what is no signal is refused",
        arguments: [
            "", "0", "65", "-1", "+9", "9.0", "0x9", " 9", "9 ", "9\n", "99999999999999999999", "SIG", "SIGSIG", "SIGSIGTERM", "SIGTERMX",
            "SIGRTMIN+31",
            "SIGRTMAX-31", "SIGRTMIN-1", "SIGRTMAX+1", "SIGRTMIN+", "SIGRTMIN++1", "SIGRTMIN+-1", "SIGRTMINX", "SIGRTMIN+4294967299",
            "SIGRTMIN 3",
            "\u{17f}igterm", "ſIGTERM", "TERM\u{0}", "٩", "SIGTERMSIGTERMSIGTERM", "RT", "NULL",
        ])
    func refuses(_ text: String) {
        #expect(SignalName.number(for: text) == nil)
    }

    @Test("a number that is no signal keeps its number for a name", arguments: [0, -1, 32, 33, 65, Int32.max, Int32.min])
    func unnamed(_ number: Int32) {
        #expect(SignalName.name(of: number) == "\(number)")
    }
}
