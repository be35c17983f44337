// SPDX-License-Identifier: Apache-2.0

import APITypes
import Client
import Foundation
import JSON
import Testing

/// The program as a whole: words in, requests and exit codes out.
@Suite(.withProgram) struct CommandLineTests {
    private let created = answer(
        #"{"id":"0123456789abcdef","name":"n","pid":7,"attachSocket":"/nowhere","warnings":[]}"#, status: "201 Created")
    private let done = #"""
        {"event":"resolved","reference":"r/i:latest","digest":"sha256:aa"}
        {"event":"done","digest":"sha256:aa","image":{"id":"sha256:bb","references":["r/i:latest"],"digests":["r/i@sha256:aa"],"manifestDigest":"sha256:aa","platform":"linux/amd64","sizeInBytes":1,"layerCount":1,"lastUsedAt":"2026-01-01T00:00:00Z","pinned":false}}

        """#

    @Test(
        "a refusal before anything is asked has the exit code of its command",
        arguments: [
            (["rn"], 64), (["snapshot", "lss"], 64), (["ps", "--nope"], 64), (["ps", "extra"], 64), (["logs"], 64),
            (["logs", "--tail", "x", "c"], 64),
            (["ps", "--format", "{{"], 64), (["ps", "--format", "{{.id}}", "--json"], 64), (["--socket"], 64),
            (["ps", "-q", "--json"], 64), (["ps", "-q", "--format", "{{.id}}"], 64), (["images", "-q", "--json"], 64),
            (["image", "ls", "-q", "--json"], 64), (["inspect", "--json", "--format", "{{.id}}", "c"], 64),
            (["image", "inspect", "--json", "--format", "{{.id}}", "i"], 64), (["events", "--json", "--format", "{{.id}}"], 64),
            (["export", "--json", "c"], 64), (["cp", "--json", "c:/x", "-"], 64),
            (["login", "-u", "a:b", "r"], 64), (["image", "efficiency", "--fail-under", "90", "i"], 64),
            (["image", "efficiency", "--top", "101", "i"], 64), (["image", "tree"], 64),
            (["create", "--network", "bridge", "i"], 64), (["run"], 125), (["run", "--nope", "i"], 125),
            (["run", "--network", "bridge", "i"], 125),
            (["run", "--pull", "x", "i"], 125), (["run", "--json", "i"], 125), (["run", "-v", "data:/x", "i"], 125), (["attach"], 125),
            (["logs", ""], 64), (["rm", ""], 64), (["exec", "", "true"], 125), (["exec", "c"], 125), (["exec", "c", "--"], 125),
            (["exec", "---", "c", "true"], 125), (["run", "-=x", "i"], 125), (["run", "--cpus", "---", "i"], 125), (["ps", "---"], 64),
        ] as [([String], Int32)])
    func refusedHere(arguments: [String], code: Int32) throws {
        let outcome = try Program.run(arguments)
        #expect(outcome.status == code)
        #expect(outcome.output == "")
        #expect(outcome.errors.hasPrefix("ctr-swift: "))
        #expect(outcome.errors.split(separator: "\n").count <= 2)
        #expect(!outcome.errors.contains("Error") && !outcome.errors.contains("parserError"))
    }

    @Test(
        "a daemon that is not there is 1, for run and attach 125",
        arguments: [(["ps"], 1), (["rm", "a", "b"], 1), (["run", "i"], 125), (["attach", "c"], 125)] as [([String], Int32)])
    func noDaemon(arguments: [String], code: Int32) throws {
        let outcome = try Program.run(arguments)
        #expect(outcome.status == code)
        #expect(outcome.errors.split(separator: "\n").count == 2, "said once, with what to do")
    }

    @Test(
        "a start that fails gives back the daemon's code where the code is the container's",
        arguments: [(["run", "--pull", "never", "i"], 127), (["start", "c"], 1), (["create", "--pull", "never", "i"], 1)]
            as [([String], Int32)])
    func daemonsCode(arguments: [String], code: Int32) throws {
        let answer = refusal("422 Unprocessable Content", "container-start-failed", detail: "no such program", exitCode: 127)
        let outcome = try Program.run(arguments, daemon: [.init(answer)])
        #expect(outcome.status == code)
        #expect(outcome.errors == "ctr-swift: no such program\n")
    }

    @Test(
        "help and versions go to stdout, and nothing is asked for them",
        arguments: [["--help"], ["-h"], ["help"], ["help", "run"], ["run", "--help"], ["--version"], []])
    func help(arguments: [String]) throws {
        let outcome = try Program.run(arguments)
        #expect(outcome.status == 0 && outcome.errors == "")
        #expect(outcome.output.contains("ctr-swift"))
    }

    @Test("flags and the container's words reach the daemon as they were typed")
    func request() throws {
        let words = [
            "tool", "--rm", "-e", "--help", "--version", "--generate-completion-script", "bash", "---", "-=x", "--=", "--", "", "é",
            "--socket=x",
        ]
        let outcome = try Program.run(
            [
                "run", "-d", "-it", "--rm", "--name=n", "-eA", "-e", "B=c=d", "-m64m", "--cpus", ".5", "--pids-limit", "-1",
                "--stop-timeout", "-1", "-w/w", "i",
            ]
                + words, daemon: [.init(created)], environment: ["A": "from here"])
        #expect(outcome.status == 0 && outcome.output == "0123456789abcdef\n", "\(outcome.errors)")
        #expect(outcome.asked == ["POST /v1/containers?start=true"])
        var expected = CreateContainerRequest(image: "i")
        expected.arguments = words
        expected.name = "n"
        expected.tty = true
        expected.openStdin = true
        expected.autoRemove = true
        expected.environment = ["A=from here", "B=c=d"]
        expected.workingDirectory = "/w"
        expected.resources = ResourceRequest(memoryInBytes: 64 << 20, nanoCPUs: 500_000_000, pidsLimit: -1)
        expected.stopTimeoutSeconds = -1
        #expect(try JSON.decode(CreateContainerRequest.self, from: outcome.body(0)) == expected)
    }

    @Test("an exec without options is the same request, whether the parser has read it or not", arguments: [[], ["--"]])
    func plainExec(mark: [String]) throws {
        let words = ["tool", "-d", "--help", "--generate-completion-script", "bash", "---", "-=", "--", "", "é", "--socket=x"]
        let refused = refusal("404 Not Found", "container-not-found", detail: "no container")
        let plain = try Program.run(["exec", "c"] + mark + words, daemon: [.init(refused)])
        let parsed = try Program.run(["exec", "--", "c"] + mark + words, daemon: [.init(refused)])
        for outcome in [plain, parsed] {
            #expect(outcome.status == 125 && outcome.errors == "ctr-swift: no container\n")
            #expect(outcome.asked == ["POST /v1/containers/c/exec"])
            #expect(try JSON.decode(ExecRequest.self, from: outcome.body(0)) == ExecRequest(command: words))
        }
    }

    @Test(
        "a run is the same request, whether the parser has read it or not",
        arguments: [
            "i", "i sh -c echo", "--rm i -d --rm", "-d i", "--detach --rm --name n i x", "-it --rm i", "-i -t -d i", "-dit i",
            "--interactive --tty i",
            "--init --read-only i", "--network none i", "--network=host i x", "--network container:a i", "-e A=1 -e=2 i",
            "--env A=b=c --env=B= i",
            "-e HOME -l a --label b=c --label= i", "-v /a:/b:ro --volume /c:/d i", "--volume=/e:/f i", "--name=n --hostname h --user 1:2 i",
            "--workdir /w --entrypoint /bin/e i a b", "--restart on-failure:3 --log none i", "--restart=always i",
            "--memory 64m --cpus .5 --pids-limit 7 i", "--pids-limit=+7 i", "--name a --name b i", "--user a --user= i", "--entrypoint= i",
            "-eA=1 -w/w -m64m i", "-w /w -u 5 -m 64m i", "--stop-timeout -1 i", "-it=x i", "-- i", "i -- x", "-d -- i x",
            "--cpus x i", "--memory 1 i", "--rm --restart always i", "--name", "--name -d i", "--rm", "-x i", "--rm=true i", "--nam n i",
            "-td i --",
            "-i -i i", "--tty --tty i", "--log nowhere i", "--network nowhere i", "-e =x i", "-l =x i", "-v x i", "--pids-limit x i",
            "é -e", "i ---", "i -- --=", "-- i -=x ---", "--- i", "-e --- i",
        ])
    func plainRun(line: String) throws {
        let words = line.split(separator: " ").map(String.init)
        let script: [ScriptedServer.Connection] = [.init(refusal("409 Conflict", "name-in-use", detail: "no"))]
        let environment = ["HOME": "/home"]
        let plain = try Program.run(["run"] + words, daemon: script, environment: environment)
        // It is the default, and no option that is understood without the parser.
        let parsed = try Program.run(["run", "--pull", "missing"] + words, daemon: script, environment: environment)
        #expect(plain.status == parsed.status && plain.output == parsed.output)
        #expect(plain.errors == parsed.errors)
        #expect(plain.asked == parsed.asked)
        guard !plain.asked.isEmpty, !parsed.asked.isEmpty else { return }
        #expect(
            try JSON.decode(CreateContainerRequest.self, from: plain.body(0))
                == JSON.decode(CreateContainerRequest.self, from: parsed.body(0)))
    }

    @Test("a word that is no option is told as it was typed", arguments: [["--pids-limit", "---"], ["--cpus", "---"], ["-=x"]])
    func nameless(words: [String]) throws {
        let outcome = try Program.run(["run"] + words + ["i"])
        #expect(outcome.status == 125 && outcome.asked.isEmpty)
        #expect(try outcome.errors.contains(#require(words.last)) && !outcome.errors.contains("x00"), "\(outcome.errors)")
    }

    @Test("a container that has ended before its client comes to its streams gives back its code all the same")
    func endedBefore() throws {
        let end = answer(
            #"{"exit":{"exitCode":7,"outOfMemory":false,"startedAt":"2026-01-01T00:00:00Z","finishedAt":"2026-01-01T00:00:00Z"}}"#)
        let outcome = try Program.run("run", "i", daemon: [.init(created, end)])
        #expect(outcome.status == 7 && outcome.errors == "", "\(outcome.errors)")
    }

    @Test("a missing image is pulled when it may be", arguments: [("missing", true), ("never", false)])
    func pullsMissing(when: String, pulls: Bool) throws {
        let missing = refusal("404 Not Found", "image-not-found", detail: "no image")
        let script = pulls ? ScriptedServer.Connection(missing, answer(done), created) : .init(missing)
        let outcome = try Program.run("create", "--pull", when, "r/i", daemon: [script])
        #expect(outcome.status == (pulls ? 0 : 1))
        #expect(outcome.output == (pulls ? "0123456789abcdef\n" : ""), "progress is not the output")
        let post = "POST /v1/containers?start=false"
        #expect(outcome.asked == (pulls ? [post, "POST /v1/images/pull", post] : [post]))
    }

    @Test("--pull always pulls first")
    func pullsAlways() throws {
        let outcome = try Program.run(
            "create", "--pull", "always", "--platform", "linux/arm64", "r/i", daemon: [.init(answer(done), created)])
        #expect(outcome.asked == ["POST /v1/images/pull", "POST /v1/containers?start=false"])
        #expect(try JSON.decode(PullRequest.self, from: outcome.body(0)) == PullRequest(reference: "r/i", platform: "linux/arm64"))
    }

    @Test("pull prints the canonical name on stdout and all else on stderr; a pull without an end is an error")
    func pull() throws {
        let good = try Program.run("pull", "r/i", daemon: [.init(answer(done))])
        #expect(good.status == 0 && good.output == "r/i@sha256:aa\n" && good.errors == "r/i:latest: sha256:aa\n")
        let quiet = try Program.run("pull", "-q", "r/i", daemon: [.init(answer(done))])
        #expect(quiet.output == "r/i@sha256:aa\n" && quiet.errors == "")
        let json = try Program.run("pull", "--json", "r/i", daemon: [.init(answer(done))])
        #expect(json.output.split(separator: "\n").count == 2 && json.errors == "")
        let cut = try Program.run("pull", "r/i", daemon: [.init(answer(#"{"event":"resolved","reference":"r/i","digest":"sha256:aa"}"#))])
        #expect(cut.status == 1 && cut.output == "")
        let failed = try Program.run(
            "pull", "r/i",
            daemon: [
                .init(
                    answer(
                        #"{"event":"failed","problem":{"type":"u","status":502,"title":"t","detail":"gone","code":"registry-unavailable"}}"#
                    ))
            ])
        #expect(failed.status == 1 && failed.errors == "ctr-swift: gone\n")
    }

    @Test("several operands: a refusal is told, the others are done, and the end is a failure")
    func operands() throws {
        let none = "HTTP/1.1 204 No Content\r\n\r\n"
        let outcome = try Program.run(
            "rm", "-f", "a", "b/../c?", "d",
            daemon: [.init(none, refusal("404 Not Found", "container-not-found", detail: "no b", remedy: "see ps"), none)])
        #expect(outcome.status == 1 && outcome.output == "a\nd\n" && outcome.errors == "ctr-swift: no b\n  see ps\n")
        #expect(
            outcome.asked == [
                "DELETE /v1/containers/a?force=true", "DELETE /v1/containers/b%2F..%2Fc%3F?force=true",
                "DELETE /v1/containers/d?force=true",
            ])
    }

    /// What `--experimental-dump-help` knows of one command.
    private struct Described: Codable {
        struct Argument: Codable {
            struct Name: Codable { var name: String }
            var kind: String
            var shouldDisplay: Bool
            var abstract: String?
            var valueName: String?
            var names: [Name]?
        }
        var commandName: String
        var abstract: String?
        var arguments: [Argument]?
        var subcommands: [Described]?

        /// Each command with the words that lead to it.
        func all(_ path: [String] = []) -> [(path: [String], command: Described)] {
            [(path + [commandName], self)]
                + (subcommands ?? []).filter { $0.commandName != "help" }.flatMap { $0.all(path + [commandName]) }
        }
    }
    private struct Dump: Codable { var command: Described }

    @Test("every command but attach has --json, as is promised") func json() throws {
        let dump = try Program.run("--experimental-dump-help")
        let commands = try JSONDecoder().decode(Dump.self, from: Data(dump.output.utf8)).command.all()
        let without = commands.filter { _, command in
            (command.subcommands ?? []).allSatisfy { $0.commandName == "help" }
                && !(command.arguments ?? []).contains { $0.names?.contains { $0.name == "json" } == true }
        }
        #expect(without.map { $0.path.last } == ["attach"])
    }

    @Test("every command and every option explains itself, under its own name")
    func explains() throws {
        let dump = try Program.run("--experimental-dump-help")
        let commands = try JSONDecoder().decode(Dump.self, from: Data(dump.output.utf8)).command.all()
        #expect(commands.count > 25)
        for (path, command) in commands {
            let name = path.joined(separator: " ")
            #expect(command.abstract?.last == ".", "\(name) has no sentence")
            for argument in command.arguments ?? [] where argument.shouldDisplay {
                let option = argument.names?.last?.name ?? argument.valueName ?? ""
                #expect(argument.abstract?.last == ".", "\(name) \(option) is not explained")
            }
            let help = try Program.run(path.dropFirst() + ["--help"])
            #expect(help.status == 0 && help.output.contains("USAGE: \(name)"), "\(name)")
        }
    }
}
