// SPDX-License-Identifier: Apache-2.0

import JSON
import Testing

private struct Named: Codable, Equatable {
    var a: Int
    var b: String?
    var rest = JSONOtherMembers()
    enum CodingKeys: String, CodingKey {
        case a
        case b = "B"
        case rest
    }
}

/// Members that no property stands for.
@Suite struct OtherMembersTests {
    private func again(_ text: String) throws -> String {
        String(decoding: try JSON.encode(JSON.decode(Named.self, from: Array(text.utf8))), as: UTF8.self)
    }

    @Test("they are kept in their order, with their number texts, after the known ones") func kept() throws {
        #expect(
            try again(#"{"z":[1.50,{"q":null}],"a":1,"y":null,"B":"x","b":0}"#) == #"{"a":1,"B":"x","z":[1.50,{"q":null}],"y":null,"b":0}"#)
        #expect(try again(#"{"a":1}"#) == #"{"a":1}"#)
    }

    @Test("one that has the property's own name is a member like others, and so is one of many") func ownName() throws {
        #expect(try again(#"{"a":1,"rest":{"x":1}}"#) == #"{"a":1,"rest":{"x":1}}"#)
        let many = #"{"a":1,"# + (0..<60).map { "\"m\($0)\":\($0)" }.joined(separator: ",") + "}"
        #expect(try again(many) == many)
    }

    /// Looked for one by one they would take minutes: an image's author could stop the daemon with one config.
    @Test("200,000 of them are read and written without looking for each from the front") func many() throws {
        let many = #"{"a":1,"# + (0..<200_000).map { "\"m\($0)\":0" }.joined(separator: ",") + "}"
        #expect(try again(many) == many)
        var object = JSONObject()
        for number in 0..<200_000 { object["m\(number)"] = .null }
        #expect(object["m199999"] == .null)
        #expect(object.count == 200_000)
    }

    @Test("a known member that is null is known all the same") func null() throws {
        let value = try JSON.decode(Named.self, from: Array(#"{"a":1,"B":null}"#.utf8))
        #expect(value == Named(a: 1, b: nil))
    }

    @Test("they are found and changed by name") func changed() throws {
        var value = try JSON.decode(Named.self, from: Array(#"{"a":1,"x":1,"y":2}"#.utf8))
        value.rest.members["x"] = nil
        value.rest.members["n"] = .bool(true)
        #expect(String(decoding: try JSON.encode(value), as: UTF8.self) == #"{"a":1,"y":2,"n":true}"#)
    }
}
