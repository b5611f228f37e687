"""The file of --cluster.tls-config: what is taken, what becomes of it, and how errors are told."""

import logging
import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from amfast.cluster.tls.context import Contexts
from amfast.config.cluster_tls import load_cluster_tls
from amfast.model.errors import AmfastError, ConfigError
from tests.support.certificates import Authority, tls_file

LOG = logging.getLogger("test.cluster")
PAIR = "cert_file: a.pem, key_file: b.pem"
SERVER = "tls_server_config:\n  cert_file: a.pem\n  key_file: b.pem\n"


@pytest.fixture
def load(tmp_path):
    def load(text):
        path = tmp_path / "tls.yml"
        path.write_text(text)
        return load_cluster_tls(path)

    return load


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.fixture
def contexts(tmp_path, authority):
    """Contexts of a file with more lines in its parts."""
    pair = authority.sign("node")

    def make(**lines):
        path = tls_file(tmp_path, "tls", trusted=authority.file, pair=pair, **lines)
        return Contexts(load_cluster_tls(path), LOG)

    return make


def test_names_of_files_are_relative_to_the_files_own_folder(load, tmp_path):
    tls = load(f"tls_server_config: {{{PAIR}}}\ntls_client_config: {{ca_file: /elsewhere/ca.pem}}\n")
    assert tls.server.pair[0].path == tmp_path / "a.pem"
    assert str(tls.client.authorities.path) == "/elsewhere/ca.pem"


def test_without_a_client_part_the_machines_authorities_are_trusted(load):
    client = load(f"tls_server_config: {{{PAIR}}}\n").client
    assert client.pair is client.authorities is None
    assert not client.insecure_skip_verify


def test_a_file_wins_over_inline_text_on_the_server(load, tmp_path):
    tls = load(f"tls_server_config: {{{PAIR}, cert: inline, key: inline}}\n")
    assert [pem.path for pem in tls.server.pair] == [tmp_path / "a.pem", tmp_path / "b.pem"]


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        ("", "1:1: needs a tls_server_config"),
        ("tls_server_config: null", "1:1: needs a tls_server_config"),
        (
            f"tls_server_config: {{{PAIR}}}\ntls_client_config: null",
            "2:20: tls_client_config: must not be null: leave it out for the defaults",
        ),
        ("tls_server: {}", '1:1: tls_server: unknown key, did you mean "tls_server_config"?'),
        (
            "tls_server_config: {key: x}",
            "1:20: tls_server_config: needs a certificate: cert_file or cert",
        ),
        (
            "tls_server_config: {cert: x}",
            "1:20: tls_server_config: needs the key of its certificate: key_file or key",
        ),
        (
            SERVER + "  cert_fil: x\n  min_version: TLS9\n",
            '4:3: tls_server_config.cert_fil: unknown key, did you mean "cert_file"?\n'
            "5:16: tls_server_config.min_version: unknown TLS version 'TLS9', known are TLS12, TLS13",
        ),
        (
            SERVER + "  max_version: TLS11\n",
            "4:16: tls_server_config.max_version: TLS11 is no longer safe (RFC 8996) and not supported: "
            "TLS12 is the lowest possible",
        ),
        (
            SERVER + "  min_version: TLS13\n  max_version: TLS12\n",
            "5:16: tls_server_config.max_version: is below min_version",
        ),
        (
            SERVER + "  client_ca_file: x\n",
            "4:19: tls_server_config.client_ca_file: has no effect unless client_auth_type asks for certificates",
        ),
        (
            SERVER + "  client_auth_type: RequireAnyClientCert\n",
            "4:21: tls_server_config.client_auth_type: RequireAnyClientCert takes client certificates without "
            "checking them, which is not possible here: use VerifyClientCertIfGiven or RequireAndVerifyClientCert",
        ),
        (
            SERVER + "  client_auth_type: VerifyClientCert\n",
            "4:21: tls_server_config.client_auth_type: unknown client_auth_type 'VerifyClientCert', known are "
            "NoClientCert, VerifyClientCertIfGiven, RequireAndVerifyClientCert",
        ),
        (
            SERVER + "  client_auth_type: VerifyClientCertIfGiven\n  client_allowed_sans: []\n",
            "5:24: tls_server_config.client_allowed_sans: an empty list lets nobody in: "
            "leave it out, or name who may connect",
        ),
        (
            SERVER + "  curve_preferences: [X25519, CurveP256]\n",
            "4:22: tls_server_config.curve_preferences: only one curve can be set here, or none for the usual ones",
        ),
        (
            SERVER + "  cipher_suites: [TLS_AES_128_GCM_SHA256]\n  max_version: TLS12\n",
            "4:18: tls_server_config.cipher_suites: none of the suites can be used up to max_version TLS12",
        ),
        (
            SERVER + "tls_client_config:\n  ca: x\n  ca_file: x\n  key: x\n  server_name: .x\n",
            "5:3: tls_client_config: a key needs its certificate: cert_file or cert\n"
            "6:12: tls_client_config.ca_file: ca and ca_file cannot both be set\n"
            "8:16: tls_client_config.server_name: is not a host name",
        ),
        (
            SERVER + "tls_client_config:\n  ca_ref: x\n",
            "5:3: tls_client_config.ca_ref is not supported by this version of amfast",
        ),
        ("tls_server_config: [", "2:1: not valid YAML: did not find expected node content"),
    ],
)
def test_every_error_has_its_place(load, text, errors):
    with pytest.raises(ConfigError) as caught:
        load(text)
    assert str(caught.value) == "\n".join(f"tls.yml:{line}" for line in errors.split("\n"))


def test_an_unknown_cipher_suite_is_told_with_those_that_are_known(load):
    with pytest.raises(
        ConfigError, match="unknown cipher suite 'TLS_RSA_WITH_RC4_128_SHA', known are TLS_AES"
    ):
        load(f"tls_server_config: {{{PAIR}, cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]}}")


def test_a_file_that_is_not_there_is_one_clear_error(tmp_path):
    with pytest.raises(
        ConfigError, match=r"cannot read the file of --cluster.tls-config .*no.yml: No such file"
    ):
        load_cluster_tls(tmp_path / "no.yml")


def test_no_error_or_printed_form_shows_a_key(load):
    tls = load(
        "tls_server_config: {cert: SECRET, key: SECRET}\ntls_client_config: {cert: SECRET, key: SECRET}"
    )
    assert "SECRET" not in repr(tls)
    with pytest.raises(AmfastError) as caught:
        Contexts(tls, LOG)
    assert str(caught.value) == "tls.yml:1:27: tls_server_config.cert: holds no PEM certificate"


def test_what_is_inline_works_as_well(load, authority):
    cert, key = (path.read_text() for path in authority.sign("node"))
    text = "tls_server_config:\n  cert: |\n" + indent(cert) + "  key: |\n" + indent(key)
    Contexts(load(text), LOG)


def indent(text):
    return "".join(f"    {line}\n" for line in text.splitlines())


def encrypted(key_file):
    key = serialization.load_pem_private_key(key_file.read_bytes(), None)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (
            lambda _cert, key, _ca: key.unlink(),
            "3:13: tls_server_config.key_file: cannot read .*key.pem: No such",
        ),
        (
            lambda cert, _key, _ca: cert.write_bytes(b"x"),
            "2:14: tls_server_config.cert_file: holds no PEM certificate",
        ),
        (lambda cert, key, _ca: key.write_bytes(cert.read_bytes()), "3:13: .*key_file: holds no PEM key"),
        (lambda _cert, key, _ca: key.write_bytes(encrypted(key)), "3:13: .*key_file: the key is encrypted"),
        (
            lambda cert, _key, _ca: cert.write_text(
                "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"
            ),
            "2:14: .*cert_file: the certificate or its key cannot be used",
        ),
        (
            lambda _cert, _key, ca: ca.write_bytes(b"x"),
            "4:19: .*client_ca_file: holds no usable PEM certificate",
        ),
        (
            lambda _cert, _key, ca: ca.write_bytes(bytes(2 << 20)),
            "4:19: .*client_ca_file: .* is larger than 1 MiB",
        ),
    ],
)
def test_a_certificate_that_cannot_be_used_is_told_with_its_place(tmp_path, authority, spoil, error):
    pair = authority.sign("node")
    path = tls_file(tmp_path, "tls", trusted=authority.file, pair=pair)
    spoil(*pair, authority.file)
    with pytest.raises(AmfastError, match=f"^tls.yml:{error}"):
        Contexts(load_cluster_tls(path), LOG)


def test_a_key_of_another_certificate_is_told(tmp_path, authority):
    (cert, _), (_, other) = authority.sign("one"), authority.sign("two")
    path = tls_file(tmp_path, "tls", trusted=authority.file, pair=(cert, other))
    with pytest.raises(AmfastError, match="key_file: the key is not that of the certificate"):
        Contexts(load_cluster_tls(path), LOG)


def test_the_contexts_have_what_was_configured(contexts):
    made = contexts(
        server="  min_version: TLS12\n  max_version: TLS12\n  curve_preferences: [CurveP384]\n"
        "  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]\n  prefer_server_cipher_suites: false\n",
        client="  min_version: TLS13\n  server_name: node.example\n",
    )
    server, client = made.server(), made.client()
    assert server.maximum_version == ssl.TLSVersion.TLSv1_2
    assert server.verify_mode == ssl.CERT_REQUIRED
    assert {c["name"] for c in server.get_ciphers() if c["protocol"] == "TLSv1.2"} == {
        "ECDHE-ECDSA-AES128-GCM-SHA256"
    }
    assert not server.options & ssl.OP_CIPHER_SERVER_PREFERENCE
    assert client.minimum_version == ssl.TLSVersion.TLSv1_3
    assert client.check_hostname


def test_suites_of_tls13_alone_leave_out_older_versions(contexts):
    context = contexts(server="  cipher_suites: [TLS_AES_128_GCM_SHA256]\n").server()
    assert context.minimum_version == ssl.TLSVersion.TLSv1_3
    assert contexts().server().minimum_version == ssl.TLSVersion.TLSv1_2


def test_verification_is_off_only_when_asked_for(contexts):
    assert contexts().client().verify_mode == ssl.CERT_REQUIRED
    client = contexts(client="  insecure_skip_verify: true\n").client()
    assert (client.verify_mode, client.check_hostname) == (ssl.CERT_NONE, False)


def test_renewed_files_are_taken_and_unusable_ones_are_not(contexts, authority, caplog):
    caplog.set_level(logging.INFO)
    made = contexts()
    first = made.server()
    assert made.server() is first
    old_key = (authority.folder / "node-key.pem").read_bytes()
    authority.sign("node")
    new_key = (authority.folder / "node-key.pem").read_bytes()
    (authority.folder / "node-key.pem").write_bytes(old_key)
    assert made.server() is made.server() is first
    assert [record.attrs["err"] for record in caplog.records] == [
        "tls.yml:3:13: tls_server_config.key_file: the key is not that of the certificate"
    ]
    (authority.folder / "node-key.pem").write_bytes(new_key)
    assert made.server() is not first
    assert caplog.records[-1].levelno == logging.INFO


def test_loading_leaves_no_files_open(contexts):
    contexts()
    before = len(list(Path("/proc/self/fd").iterdir()))
    contexts()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
