// SPDX-License-Identifier: Apache-2.0

import Client
import Testing

@Suite struct TemplateTests {
    struct Exit: Codable { var exitCode: Int }
    enum State: String, Codable { case running }
    struct Row: Codable {
        var id = "0123"
        var name = "web\u{1b}[2J"
        var state = State.running
        var pid: Int? = nil
        var exit: Exit? = nil
        var ready = true
        var command = ["sh", "-c", "x y"]
        var labels = ["a.b": "c", "n": "\u{202e}"]
    }

    @Test(
        "a template shows members by their paths",
        arguments: [
            ("", ""), ("plain", "plain"), ("{{.id}}", "0123"), ("{{ .id }}:{{.state}}", "0123:running"), ("{{.ready}}", "true"),
            ("{{.pid}}", ""),
            ("{{.exit.exitCode}}", ""), ("{{.ID}} {{.State}}", "0123 running"), ("{{.id}}\\t{{.id}}\\n", "0123\t0123\n"),
            ("}}{{.id}}{", "}}0123{"),
            ("{{json .command}}", #"["sh","-c","x y"]"#), ("{{json .pid}}", "null"), ("{{.command}}", #"["sh","-c","x y"]"#),
            ("{{len .command}}", "3"), ("{{len .pid}}", "0"), ("{{index .command 0}}", "sh"), ("{{index .command 9}}", ""),
            ("{{index .labels \"a.b\"}}", "c"), ("{{index .labels `a.b`}}", "c"), ("{{index .labels \"none\"}}", ""),
            ("{{join .command \" \"}}", "sh -c x y"), ("{{join .command \"\\t\"}}", "sh\t-c\tx y"), ("{{.name}}", "web\\x1b[2J"),
            ("{{.labels.n}}", "\\u{202e}"), ("{{json .name}}", #""web\u001b[2J""#),
        ])
    func shows(template: String, expected: String) throws { #expect(try Template(template).render(Row()) == expected) }

    @Test("a member of a member is found where it is set")
    func nested() throws {
        #expect(try Template("{{.exit.exitCode}}").render(Row(exit: Exit(exitCode: 7))) == "7")
        #expect(throws: UsageError.self) { try Template("{{.exit.code}}").render(Row(exit: Exit(exitCode: 7))) }
    }

    @Test("`json` alone is the whole value")
    func whole() throws {
        #expect(try Template("json").render(Exit(exitCode: 1)) == #"{"exitCode":1}"#)
        #expect(try Template("{{.}}").render(Exit(exitCode: 1)) == #"{"exitCode":1}"#)
    }

    @Test("a member that the type does not have is refused with those it has, one that is not set is not")
    func unknownMember() throws {
        let error = try #require(throws: UsageError.self) { try Template("{{.nmae}}").render(Row()) }
        #expect(error.message.contains("nmae"))
        #expect(error.remedy?.contains("id, name, state, pid, exit") == true)
    }

    @Test(
        "what is not understood is refused before anything is asked of the daemon",
        arguments: [
            "{{", "{{.id", "{{id}}", "{{}}", "{{ }}", "{{range .x}}", "{{if .id}}a{{end}}", "{{json}}", "{{json id}}", "{{index .labels}}",
            "{{.id | json}}",
            "{{join .command \" }}", "{{\".id\"}}", "{{json \".id\"}}", "{{.id .name}}",
        ])
    func refused(template: String) throws {
        let error = try #require(throws: UsageError.self) { try Template(template) }
        #expect(error.message.hasPrefix("--format "))
    }
}
