# SPDX-License-Identifier: Apache-2.0
"""A container's files as the API gives and takes them."""
import io
import tarfile

import pytest
from conftest import assert_problem

pytestmark = pytest.mark.image
TAR = {"Content-Type": "application/x-tar"}


def archive(**files):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.uid, entry.mode = len(content), 7, 0o4755
            tar.addfile(entry, io.BytesIO(content))
    return data.getvalue()


@pytest.fixture
def box(api, container):
    return "/v1/containers/" + container(start=False, entrypoint=["true"]).json()["id"]


@pytest.mark.parametrize(("keeping", "owner", "mode"), [("false", 0, 0o755), ("true", 7, 0o4755)])
def test_an_archive_goes_in_and_comes_out(api, box, keeping, owner, mode):
    answer = api.request("PUT", f"{box}/archive?path=/tmp&keepOwners={keeping}", body=archive(one=b"first", two=b"second"), headers=TAR)
    assert (answer.status, answer.body) == (204, b"")
    status = api.get(f"{box}/files?path=/tmp/one").json()
    assert status.pop("modifiedAt").startswith("1970-01-01T00:00:00")
    assert status == {"name": "one", "kind": "file", "mode": mode, "sizeInBytes": 5}
    answer = api.get(f"{box}/archive?path=/tmp")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/x-tar")
    with tarfile.open(fileobj=io.BytesIO(answer.body)) as tar:
        assert tar.getnames() == ["tmp", "tmp/one", "tmp/two"]
        assert tar.extractfile("tmp/two").read() == b"second"
        assert tar.getmember("tmp/two").uid == owner
    changes = api.get(f"{box}/changes").lines()
    assert [c for c in changes if c["kind"] == "added"] == [{"kind": "added", "path": f"/tmp/{n}"} for n in ("one", "two")]
    with tarfile.open(fileobj=io.BytesIO(api.get(f"{box}/export").body)) as tar:
        assert tar.extractfile("./tmp/one").read() == b"first"


@pytest.mark.parametrize("target", ["files?path=/nothing", "archive?path=/nothing", "files?path=/etc/passwd/x"])
def test_what_is_not_there_is_path_not_found(api, box, target):
    assert_problem(api.get(f"{box}/{target}"), 404, "path-not-found")


def test_an_archive_wants_a_directory_that_is_there(api, box):
    for path, status, code in [("/nothing", 404, "path-not-found"), ("/bin/busybox", 409, "conflict")]:
        assert_problem(api.request("PUT", f"{box}/archive?path={path}", body=archive(a=b""), headers=TAR), status, code)


@pytest.mark.parametrize("body", [b"no tar", b"\1" * 100_000, archive(a=b"x" * 9000)[:5000]])
def test_a_broken_archive_is_refused(api, box, body):
    assert_problem(api.request("PUT", f"{box}/archive?path=/tmp", body=body, headers=TAR), 400, "invalid-request")
    assert api.get(f"{box}/files?path=/tmp").json()["kind"] == "directory"


def test_an_archive_that_says_it_is_none_is_refused(api, box):
    assert_problem(api.request("PUT", f"{box}/archive?path=/tmp", body=b"{}", headers={"Content-Type": "application/json"}), 415, "unsupported-media-type")


@pytest.mark.parametrize("query", ["", "?path=", "?path=/&x=1", "?path=%00", "?path=/&follow=yes", "?path=" + "a" * 5000])
def test_a_wrong_query_is_refused(api, box, query):
    assert_problem(api.get(f"{box}/files{query}"), 400, "invalid-request")


def test_links_are_the_containers_own(api, box):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name, target in [("up", "../../../../etc"), ("host", "/etc/hostname"), ("proc", "/proc/1/root/etc")]:
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            tar.addfile(entry)
    assert api.request("PUT", f"{box}/archive?path=/tmp", body=data.getvalue(), headers=TAR).status == 204
    assert api.get(f"{box}/files?path=/tmp/up").json()["linkTarget"] == "../../../../etc"
    assert api.get(f"{box}/files?path=/tmp/up&follow=true").json()["kind"] == "directory"
    assert_problem(api.get(f"{box}/archive?path=/tmp/proc/passwd"), 404, "path-not-found")
