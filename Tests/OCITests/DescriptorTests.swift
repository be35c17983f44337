// SPDX-License-Identifier: Apache-2.0

import JSON
import OCI
import Testing

private typealias D = Documents

/// Source: image-spec descriptor.md.
@Suite struct DescriptorTests {
    private func descriptor(_ text: String) throws(JSONError) -> Descriptor { try JSON.decode(Descriptor.self, from: Array(text.utf8)) }

    @Test("sizes from nothing to the largest are taken", arguments: ["0", "1", "9223372036854775807", "-0"])
    func sizes(_ size: String) throws {
        #expect(try descriptor(D.descriptor(D.ociLayer, size: size)).size == Int64(size))
    }

    @Test(
        "R-04: a size that is no count of bytes is refused at its place",
        arguments: [
            "-1", "-9223372036854775808", "9223372036854775808", "18446744073709551615", "1e3", "1.0", "7.5", "\"7\"", "null", "true",
            "[7]", "{}",
            "1" + String(repeating: "0", count: 400),
        ])
    func refusedSizes(_ size: String) {
        let error = #expect(throws: JSONError.self) { try descriptor(D.descriptor(D.ociLayer, size: size)) }
        #expect(error?.place == "size")
        #expect((error?.reason.utf8.count ?? 1000) < 200)
    }

    @Test("the three members that must be there must be there", arguments: ["mediaType", "digest", "size"]) func missing(_ name: String) {
        let text = D.descriptor(D.ociLayer).replacing("\"\(name)\"", with: "\"x-\(name)\"")
        let error = #expect(throws: JSONError.self) { try descriptor(text) }
        #expect(error?.reason == "no member \"\(name)\"")
    }

    @Test("every member is read, and written as it was") func roundTrip() throws {
        let text = D.descriptor(
            D.ociLayer, adding: #","urls":["a","b"],"annotations":{"k":"v"},"artifactType":"t/x","data":"eA==","later":{"x":[]}"#)
        let value = try descriptor(text)
        #expect(value.urls == ["a", "b"])
        #expect(value.annotations == ["k": "v"])
        #expect(value.artifactType == "t/x")
        #expect(value.others.members.keys == ["data", "later"])
        #expect(String(decoding: try JSON.encode(value), as: UTF8.self) == text)
    }

    @Test(
        "media types are compared without parameters, spaces at the ends and case",
        arguments: [
            "application/vnd.oci.image.index.v1+json", " application/vnd.oci.image.index.v1+json\t",
            "APPLICATION/vnd.OCI.image.index.v1+JSON",
            "application/vnd.oci.image.index.v1+json;charset=utf-8", "application/vnd.oci.image.index.v1+json ; a=b; c=\"d\"",
        ])
    func mediaTypes(_ text: String) {
        #expect(MediaType(rawValue: text) == .ociIndex)
    }

    @Test(
        "what only looks like a known media type is not it",
        arguments: [
            "application/vnd.oci.image.index.v1 +json", "application/vnd.oci.image.index.v1+\u{212a}son",
            "application/vnd.oci.image.inde\u{445}.v1+json",
            "application/vnd.oci.image.index.v1+json\u{a0}", "application/vnd.oci.image.index.v1+json,text/html",
            "application/vnd.oci.image.index.v1+json\u{0}",
        ])
    func otherMediaTypes(_ text: String) {
        #expect(MediaType(rawValue: text) != .ociIndex)
        #expect(!MediaType(rawValue: text).isIndex)
    }

    @Test(
        "a layer's compression is read from its type",
        arguments: [
            ("application/vnd.oci.image.layer.v1.tar", .none), ("application/vnd.oci.image.layer.v1.tar+gzip", .gzip),
            ("application/vnd.oci.image.layer.v1.tar+zstd", .zstd), ("application/vnd.oci.image.layer.nondistributable.v1.tar", .none),
            ("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", .gzip),
            ("application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", .zstd),
            ("application/vnd.docker.image.rootfs.diff.tar", .none), ("application/vnd.docker.image.rootfs.diff.tar.gzip", .gzip),
            ("application/vnd.docker.image.rootfs.diff.tar.zstd", .zstd), ("application/vnd.docker.image.rootfs.foreign.diff.tar", .none),
            ("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", .gzip),
        ] as [(String, MediaType.LayerCompression)])
    func compression(_ text: String, _ compression: MediaType.LayerCompression) {
        #expect(MediaType(rawValue: text).layerCompression == compression)
        #expect(MediaType(rawValue: text).isLayer)
    }

    @Test(
        "no compression is guessed for a type that isn't known",
        arguments: [
            "", "application/vnd.oci.image.layer.v1.tar+bzip2", "application/vnd.oci.image.layer.v1.tar.gzip", "application/gzip",
            "application/vnd.oci.image.layer.v2.tar", "application/vnd.oci.image.config.v1+json",
            "application/vnd.oci.image.layer.v1.tar+gzip+encrypted",
        ])
    func unknownCompression(_ text: String) {
        #expect(MediaType(rawValue: text).layerCompression == nil)
    }
}
