"""The S3 server of the tests and the proxy before it do what the other tests take for granted."""

import threading
import time

import pyarrow.fs as fs
import pytest


@pytest.fixture
def bucket(s3):
    return s3.new_bucket()


def through(proxy, **options) -> fs.S3FileSystem:
    env = proxy.env
    return fs.S3FileSystem(
        access_key=env["AWS_ACCESS_KEY_ID"],
        secret_key=env["AWS_SECRET_ACCESS_KEY"],
        region=env["AWS_REGION"],
        scheme="http",
        endpoint_override=env["AWS_ENDPOINT_URL"].removeprefix("http://"),
        **options,
    )


def put(filesystem: fs.S3FileSystem, path: str, content: bytes) -> None:
    with filesystem.open_output_stream(path) as stream:
        stream.write(content)


def get(filesystem: fs.S3FileSystem, path: str) -> bytes:
    with filesystem.open_input_stream(path) as stream:
        return stream.read()


def test_objects_are_files_and_outlive_the_server(s3, bucket):
    put(s3.filesystem, f"{bucket}/a/b.txt", b"hello")
    assert s3.keys(bucket) == ["a/b.txt"]
    assert s3.path_of(bucket, "a/b.txt").read_bytes() == b"hello"
    before = s3.process.pid
    s3.restart()
    assert s3.process.pid != before
    assert get(s3.filesystem, f"{bucket}/a/b.txt") == b"hello"


def test_the_proxy_passes_everything_on(s3, s3_proxy, bucket):
    filesystem = through(s3_proxy)
    large = bytes(range(256)) * 60_000
    for size in (0, 5, len(large)):
        put(filesystem, f"{bucket}/x/{size}", large[:size])
        assert get(filesystem, f"{bucket}/x/{size}") == large[:size]
    with filesystem.open_input_file(f"{bucket}/x/{len(large)}") as file:
        assert file.read_at(10, 300) == large[300:310]
    assert len(filesystem.get_file_info(fs.FileSelector(f"{bucket}/x"))) == 3
    filesystem.delete_file(f"{bucket}/x/5")
    assert s3.keys(bucket) == ["x/0", f"x/{len(large)}"]
    assert s3_proxy.count("PUT|POST") >= 3 and s3_proxy.count("GET", f"/x/{len(large)}$") >= 2


def test_faults_befall_those_that_they_are_meant_for(s3_proxy, bucket):
    filesystem = through(s3_proxy)
    # Arrow gives up when an error's document is longer than what it asked for.
    a, b = b"a" * 1000, b"b" * 1000
    put(filesystem, f"{bucket}/a", a)
    put(filesystem, f"{bucket}/b", b)
    some = s3_proxy.fail("GET", "/a$", times=2)
    third = s3_proxy.fail("GET", "/b$", status=500, every=3)
    assert get(filesystem, f"{bucket}/a") == a, "the client tries again"
    assert some.met == 2
    for _ in range(4):
        assert get(filesystem, f"{bucket}/b") == b
    assert third.met >= 1
    s3_proxy.clear()
    late = s3_proxy.delay("GET", "/a$", seconds=0.3)
    start = time.monotonic()
    assert get(filesystem, f"{bucket}/a") == a
    assert time.monotonic() - start >= 0.3 and late.met == 1


def test_a_lost_answer_is_of_a_request_that_was_carried_out(s3, s3_proxy, bucket):
    lost = s3_proxy.lose_answer("PUT", "/once", times=1)
    put(through(s3_proxy), f"{bucket}/once", b"x")
    assert lost.met == 1 and s3_proxy.count("PUT", "/once") == 2
    assert [r.status for r in s3_proxy.requests if r.method == "PUT"] == [200, 200]


def test_a_held_request_waits(s3, s3_proxy, bucket):
    gate = s3_proxy.hold("PUT", "/held")
    writer = threading.Thread(target=put, args=(through(s3_proxy), f"{bucket}/held", b"x"))
    writer.start()
    assert gate.reached.wait(10)
    assert s3.keys(bucket) == []
    gate.opened.set()
    writer.join(10)
    assert s3.keys(bucket) == ["held"]


def test_a_dead_server_is_an_error_and_not_a_hang(s3, s3_proxy, bucket):
    s3.kill()
    try:
        strategy = fs.AwsStandardS3RetryStrategy(max_attempts=2)
        with pytest.raises(OSError):
            get(through(s3_proxy, retry_strategy=strategy), f"{bucket}/a")
    finally:
        s3.start()
